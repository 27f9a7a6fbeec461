//! Exchange rates: exact decimals, and amounts converted by them, rounded up. No floats.

use serde::{Deserialize, Serialize};

use crate::bounds::{RATE_MANTISSA_MAX, RATE_SCALE_MAX};
use crate::policy::money::decimals;
use crate::values::{Currency, Id, Micros, Minor};

/// How much of one currency another is worth, in whole units of both (dollars, not cents):
/// `mantissa / 10^scale`. Greater than zero, without zeros at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    mantissa: i64,
    scale: u8,
}

impl Rate {
    /// Reads a decimal such as `1.0825`; `None` unless it is digits with at most one point among
    /// them, greater than zero and within the bounds of a rate.
    #[must_use]
    pub fn parse(text: &str) -> Option<Rate> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let scale = u8::try_from(fraction.len()).ok().filter(|scale| *scale <= RATE_SCALE_MAX)?;
        let mantissa = whole.bytes().chain(fraction.bytes()).try_fold(0_i64, |sum, digit| {
            let sum = sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
            (sum <= RATE_MANTISSA_MAX).then_some(sum)
        })?;
        (mantissa > 0).then_some(Rate { mantissa, scale })
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let power = power_of_ten(self.scale.into());
        let (whole, fraction) =
            (i128::from(self.mantissa) / power, i128::from(self.mantissa) % power);
        match self.scale {
            0 => write!(f, "{whole}"),
            scale => write!(f, "{whole}.{fraction:0width$}", width = usize::from(scale)),
        }
    }
}

/// A rate of one pair of currencies, as somebody quoted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Whole units of the second currency for one of the first.
    pub rate: Rate,
    /// The system or bank that it comes from.
    pub source: Id,
    /// When it was true there.
    pub as_of: Micros,
}

/// How an order in another currency than its account's becomes an amount of the account's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The order's currency.
    pub from: Currency,
    /// The account's.
    pub to: Currency,
    /// Of the pair as it was quoted.
    pub quote: Quote,
    /// The quote is of the account's currency in the order's, and is divided by.
    pub inverted: bool,
}

impl Exchange {
    /// An amount of the order in minor units of the account's currency, rounded up; not negative,
    /// and `Minor::MAX` where it would be more.
    #[must_use]
    pub fn convert(&self, amount: Minor) -> Minor {
        let (times, by) = self.ratio();
        divide_up(i128::from(amount), times, by)
    }

    /// The same, rounded down.
    #[must_use]
    pub fn convert_down(&self, amount: Minor) -> Minor {
        let (times, by) = self.ratio();
        let found = i128::from(amount).checked_mul(times).map(|product| product / by);
        found.and_then(|found| Minor::try_from(found).ok()).unwrap_or(Minor::MAX)
    }

    /// By what an amount in minor units is multiplied and divided.
    fn ratio(&self) -> (i128, i128) {
        let Rate { mantissa, scale } = self.quote.rate;
        let (mantissa, scale) = (i128::from(mantissa), power_of_ten(scale.into()));
        let (times, by) = if self.inverted { (scale, mantissa) } else { (mantissa, scale) };
        let (from, to) = (minor_digits(self.from), minor_digits(self.to));
        let times = times * power_of_ten(to.saturating_sub(from));
        (times, by * power_of_ten(from.saturating_sub(to)))
    }
}

/// `amount * times / by`, rounded up; `Minor::MAX` where it would be more.
#[must_use]
pub fn divide_up(amount: i128, times: i128, by: i128) -> Minor {
    debug_assert!(amount >= 0 && times >= 0 && by > 0);
    let found = amount.checked_mul(times).map(|product| (product + (by - 1)) / by);
    found.and_then(|found| Minor::try_from(found).ok()).unwrap_or(Minor::MAX)
}

fn power_of_ten(exponent: u32) -> i128 {
    10_i128.pow(exponent)
}

/// How many digits of a currency stand behind the point; none where it has no minor unit.
fn minor_digits(currency: Currency) -> u32 {
    decimals(currency).unwrap_or_default() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(from: &str, to: &str, rate: &str, inverted: bool) -> Exchange {
        let code = |code| Currency::parse(code).expect("three capital letters");
        let rate = Rate::parse(rate).expect("a decimal");
        let quote = Quote { rate, source: "ecb".into(), as_of: 0 };
        Exchange { from: code(from), to: code(to), quote, inverted }
    }

    #[test]
    fn rates_are_exact_decimals_within_their_bounds() {
        for (text, shown) in [
            ("1", "1"),
            ("1.0825", "1.0825"),
            ("001.50", "1.5"),
            ("0.000000000001", "0.000000000001"),
            ("1000000000000000", "1000000000000000"),
            ("161.0", "161"),
        ] {
            assert_eq!(Rate::parse(text).map(|rate| rate.to_string()).as_deref(), Some(shown));
        }
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            "+1",
            "1,5",
            "1.",
            ".5",
            "1.2.3",
            "1e3",
            " 1",
            "NaN",
            "1000000000000001",
            "0.0000000000001",
            "99999999999999999999999",
        ] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_converted_by_the_digits_of_both_currencies_and_rounded_up() {
        for (from, to, rate, inverted, amount, expected) in [
            ("EUR", "USD", "1.0825", false, 10_000, 10_825),
            ("EUR", "USD", "1.0825", false, 1, 2),
            ("EUR", "USD", "1.0825", false, 0, 0),
            ("JPY", "USD", "0.0065", false, 10_000, 6_500),
            ("USD", "JPY", "153.85", false, 10_000, 15_385),
            ("USD", "JPY", "153.85", false, 1, 2),
            ("KWD", "USD", "3.25", false, 1_000, 325),
            ("USD", "KWD", "0.3077", false, 100, 308),
            ("CLF", "JPY", "5900", false, 10_000, 5_900),
            ("USD", "EUR", "1.25", true, 10_000, 8_000),
            ("USD", "EUR", "3", true, 100, 34),
            ("JPY", "USD", "160", true, 10_000, 6_250),
        ] {
            let found = exchange(from, to, rate, inverted).convert(amount);
            assert_eq!(found, expected, "{amount} {from} in {to} at {rate}");
        }
    }

    #[test]
    fn what_is_too_large_is_the_largest_amount() {
        let largest = crate::bounds::EXPOSURE_MINOR_MAX;
        let dear = exchange("JPY", "CLF", "1000000000000000", false);
        assert_eq!(dear.convert(largest), Minor::MAX);
        let cheap = exchange("CLF", "JPY", "0.000000000001", true);
        assert_eq!(cheap.convert(largest), Minor::MAX);
        assert_eq!(divide_up(i128::MAX, 2, 1), Minor::MAX);
    }
}
