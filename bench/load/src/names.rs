//! Ids of 16 bytes, unique per run and number.

use std::hash::{DefaultHasher, Hash, Hasher};

pub const ID_LEN: usize = 16;

const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const RUN_DIGITS: usize = 7;
const NUMBER_DIGITS: usize = 8;

/// The ids of one run: a letter, 7 digits of base 64 for the run, 8 for the number.
#[derive(Clone, Copy)]
pub struct Names {
    run: [u8; RUN_DIGITS],
}

impl Names {
    pub fn of_run(run_id: &str) -> Names {
        let mut hasher = DefaultHasher::new();
        run_id.hash(&mut hasher);
        let mut run = [0; RUN_DIGITS];
        write_base64(&mut run, hasher.finish());
        Names { run }
    }

    /// The ids of `run_id`; without one, of a run of its own.
    pub fn of_run_or_new(run_id: Option<&str>) -> Names {
        match run_id {
            Some(run_id) => Names::of_run(run_id),
            None => {
                Names::of_run(&format!("{:?} {}", std::time::SystemTime::now(), std::process::id()))
            }
        }
    }

    /// `kind` tells ids of different things apart; `number` is below 2^48.
    pub fn write(&self, into: &mut [u8], kind: u8, number: u64) {
        assert!(number < 1 << (6 * NUMBER_DIGITS), "number = {number}: does not fit an id");
        into[0] = kind;
        into[1..=RUN_DIGITS].copy_from_slice(&self.run);
        write_base64(&mut into[1 + RUN_DIGITS..ID_LEN], number);
    }

    pub fn text(&self, kind: u8, number: u64) -> String {
        let mut id = [0; ID_LEN];
        self.write(&mut id, kind, number);
        String::from_utf8(id.to_vec()).expect("ids are ASCII")
    }
}

fn write_base64(into: &mut [u8], mut number: u64) {
    for byte in into.iter_mut().rev() {
        *byte = DIGITS[(number & 63) as usize];
        number >>= 6;
    }
}

/// The id of account `number`, e.g. `bench-0000000042`.
pub fn write_account(into: &mut [u8], mut number: u64) {
    into[..6].copy_from_slice(b"bench-");
    for byte in into[6..ID_LEN].iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
    assert!(number == 0, "accounts: at most 10,000,000,000");
}

pub fn account_text(number: u64) -> String {
    let mut id = [0; ID_LEN];
    write_account(&mut id, number);
    String::from_utf8(id.to_vec()).expect("ids are ASCII")
}

/// The account of order `number`: spread evenly, in no order, and the same for the same seed.
pub fn account_of(seed: u64, number: u64, accounts: u64) -> u64 {
    // SplitMix64; the product's high half is as even as its remainder and needs no division.
    let mut mixed = seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    ((u128::from(mixed) * u128::from(accounts)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_by_kind_run_and_number() {
        let runs = [Names::of_run("a"), Names::of_run("b")];
        let numbers = (0..5_000).chain([1 << 20, 1 << 40, (1 << 48) - 1]);
        let ids: Vec<String> = numbers
            .flat_map(|number| runs.map(|run| [run.text(b'r', number), run.text(b'o', number)]))
            .flatten()
            .collect();
        assert!(ids.iter().all(|id| id.len() == ID_LEN));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn a_run_that_has_no_id_gets_one_of_its_own_and_a_named_one_is_the_same_again() {
        assert_eq!(Names::of_run_or_new(Some("a")).run, Names::of_run("a").run);
        assert_ne!(Names::of_run_or_new(None).run, Names::of_run_or_new(None).run);
    }

    #[test]
    fn accounts_have_ten_digits() {
        assert_eq!(account_text(42), "bench-0000000042");
    }

    #[test]
    fn orders_spread_evenly_over_all_accounts() {
        let mut counts = [0_u32; 10];
        for number in 0..10_000 {
            counts[account_of(1, number, 10) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_ne!(account_of(1, 0, 1 << 40), account_of(2, 0, 1 << 40));
    }
}
