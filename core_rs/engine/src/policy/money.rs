//! Amounts as people write them in a policy.

use crate::bounds::AMOUNT_MINOR_MAX;
use crate::values::{Currency, Minor};

/// Amounts, at most one for a currency, in order of currency. An account in another currency has
/// none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts(Vec<(Currency, Minor)>);

impl Amounts {
    /// The amount in a currency, where there is one.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Option<Minor> {
        self.0.iter().find(|(known, _)| *known == currency).map(|(_, amount)| *amount)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Minor)> {
        self.0.iter().copied()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an amount; `false` where there is one in its currency.
    pub fn add(&mut self, currency: Currency, amount: Minor) -> bool {
        match self.0.binary_search_by_key(&currency, |(known, _)| *known) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, (currency, amount));
                true
            }
        }
    }
}

/// How many decimals amounts of a currency have: ISO 4217, List One; `None`: it has no minor unit.
#[must_use]
pub fn decimals(currency: Currency) -> Option<usize> {
    Some(match currency.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        "XAG" | "XAU" | "XBA" | "XBB" | "XBC" | "XBD" | "XDR" | "XPD" | "XPT" | "XSU" | "XTS"
        | "XUA" | "XXX" => return None,
        _ => 2,
    })
}

/// Reads `2500.00 USD`: greater than zero, exact. An error says what is wrong with it.
pub(super) fn parse_amount(text: &str) -> Result<(Currency, Minor), String> {
    let form = || "must be an amount and a currency, like \"2500.00 USD\"".to_owned();
    let (amount, code) = text.split_once(' ').ok_or_else(form)?;
    let currency = Currency::parse(code).ok_or_else(form)?;
    let Some(decimals) = decimals(currency) else {
        return Err(format!("{currency} has no minor unit"));
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(form());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > decimals {
        return Err(format!("{currency} has at most {decimals} decimals"));
    }
    let minor: Option<Minor> = format!("{whole}{fraction:0<decimals$}").parse().ok();
    match minor.filter(|minor| (1..=AMOUNT_MINOR_MAX).contains(minor)) {
        Some(minor) => Ok((currency, minor)),
        None => Err("must be greater than zero, and at most 10^18 minor units".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let read = |text| parse_amount(text).map(|(_, amount)| amount);
        for (text, amount) in [
            ("2500.00 USD", 250_000),
            ("2500 USD", 250_000),
            ("0.10 EUR", 10),
            ("2.500 USD", 250),
            ("7 JPY", 7),
            ("1.234 KWD", 1_234),
            ("10000000000000000 USD", AMOUNT_MINOR_MAX),
        ] {
            assert_eq!(read(text), Ok(amount), "{text}");
        }
        for text in [
            "",
            "5",
            "5 usd",
            "5USD",
            "-5 USD",
            "0 USD",
            "1.001 USD",
            "1.5 JPY",
            "1. USD",
            ".5 USD",
            "1,000 USD",
            "5 XAU",
            "10000000000000001 USD",
            "99999999999999999999 USD",
            "1 USD ",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
