use super::*;
use crate::policy;
use crate::state::State;

fn read(text: &str) -> (Approvals, Vec<String>) {
    let (policy, problems) = policy::read(text, &State::default());
    (policy.approvals, problems.iter().map(ToString::to_string).collect())
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

#[test]
fn nothing_is_in_use_without_the_section() {
    let (approvals, problems) = read("");
    assert_eq!((approvals.in_use(), problems), (false, vec![]));
    assert_eq!(approvals.band(1, currency("USD"), 0), None);
}

#[test]
fn the_lowest_band_that_covers_an_amount_signs_it_or_one_above() {
    let (approvals, problems) = read(
        "[approvals]\nescalate_after_hours = 4\nexpire_after_hours = 72\norder = \"priority\"\n\
         [[approvals.bands]]\nup_to = [\"10 USD\", \"8 EUR\"]\nroles = \"credit_analyst\"\n\
         [[approvals.bands]]\nup_to = \"50 USD\"\nroles = [\"finance\"]\n\
         [[approvals.bands]]\nroles = [\"finance\", \"admin\"]\nsignatures = 2\n",
    );
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!((approvals.escalate_after, approvals.expire_after), (Some(4 * HOUR), 72 * HOUR));
    assert_eq!(approvals.order, WaitingOrder::Priority);
    let place = |amount, code, level| {
        let found = approvals.band(amount, currency(code), level)?;
        approvals.bands.iter().position(|band| band == found)
    };
    #[rustfmt::skip]
    let table = [
        // amount, currency, escalated => band, and whether there is one above
        (1_000, "USD", 0, 0, true), (1_001, "USD", 0, 1, true), (5_001, "USD", 0, 2, false),
        (1_000, "USD", 1, 1, true), (1_000, "USD", 2, 2, false), (1_000, "USD", 9, 2, false),
        // Nobody is named for more than 8 EUR before the last band.
        (800, "EUR", 0, 0, true), (801, "EUR", 0, 2, false), (800, "EUR", 1, 2, false),
        (1, "JPY", 0, 2, false),
    ];
    for (amount, code, level, band, above) in table {
        assert_eq!(place(amount, code, level), Some(band), "{amount} {code} {level}");
        assert_eq!(approvals.has_above(amount, currency(code), level), above, "{amount} {code}");
    }
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let (_, problems) = read(
        "[approvals]\nescalate_after_hours = 5\nexpire_after_hours = 5\norder = \"newest\"\n\
         other = 1\n\
         [[approvals.bands]]\nup_to = \"10 USD\"\nroles = [\"pos\", \"finance\", \"finance\"]\n\
         [[approvals.bands]]\nup_to = \"10 USD\"\nroles = []\nsignatures = 3\n\
         [[approvals.bands]]\nroles = \"admin\"\n\
         [[approvals.bands]]\nup_to = \"20 USD\"\n",
    );
    let expected = [
        "line 1: [approvals] escalate_after_hours must be less than expire_after_hours",
        "line 4: [approvals] order \"newest\" is not one of \"oldest\", \"priority\"",
        "line 5: [approvals] other is not a key that is known here",
        "line 8: [approvals.bands] roles: \"pos\" is not one of \"credit_analyst\", \
         \"supervisor\", \"finance\", \"admin\"",
        "line 8: [approvals.bands] roles names \"finance\" twice",
        "line 9: [approvals.bands] up_to overlaps a band before it: it must go beyond that in USD",
        "line 11: [approvals.bands] roles is empty: it must say something",
        "line 12: [approvals.bands] signatures 3 is not a whole number from 1 to 2",
        "line 15: [approvals.bands] roles is missing",
        "line 15: [approvals.bands] the band before it is for any amount: only the last may be",
    ];
    assert_eq!(problems, expected);
    assert_eq!(read("[approvals]\n").1, ["line 1: [approvals] bands is missing"]);
}
