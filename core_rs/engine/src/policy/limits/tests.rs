use super::*;
use crate::policy::{Problem, Reader};

/// What a section says, and what is wrong in it.
fn read(text: &str) -> (Limits, Vec<String>) {
    let reader = Reader::new(text);
    let mut root = reader.root();
    let limits = root.section("limits").map(Limits::read).unwrap_or_default();
    drop(root);
    (limits, reader.finish().iter().map(Problem::to_string).collect())
}

fn limits(text: &str) -> Limits {
    let (limits, problems) = read(&format!("[limits]\n{text}"));
    assert_eq!(problems, [""; 0]);
    limits
}

fn usd() -> Currency {
    Currency::parse("USD").expect("three capital letters")
}

#[test]
fn without_a_section_limits_hold_as_they_are_set() {
    let (limits, problems) = read("");
    assert_eq!((limits, problems), (Limits::default(), Vec::new()));
    assert_eq!(Limits::default().tolerance("web", LimitKind::Amount(1_000), None), 0);
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let text = "\
[limits]
owner = \"erp\"
grace_days = 367
first_order_needs_verification = 1
tolerances = 5

[limits.tolerance]
web = 101
pos = 2.5
shop = 0

[[limits.approve]]
change_percent_max = 1001
[[limits.approve]]
";
    assert_eq!(
        read(text).1,
        [
            "line 2: [limits] owner \"erp\" is not one of \"ledger\", \"creditgate\"",
            "line 3: [limits] grace_days 367 is not a whole number from 0 to 366",
            "line 4: [limits] first_order_needs_verification is integer: must be true or false",
            "line 5: [limits] tolerances is not a key that is known here",
            "line 8: [limits.tolerance] web 101 is not a whole number from 1 to 100",
            "line 9: [limits.tolerance] pos is float: must be a whole number from 1 to 100",
            "line 10: [limits.tolerance] shop 0 is not a whole number from 1 to 100",
            "line 12: [limits.approve] amount_max is missing",
            "line 13: [limits.approve] change_percent_max 1001 is not a whole number from 1 to \
             1000",
            "line 14: [limits.approve] amount_max is missing",
        ]
    );
}

#[test]
fn a_tolerance_is_of_its_channel_and_rounded_down() {
    let limits = limits("tolerance = { web = 5, pos = 100 }");
    for (channel, limit, expected) in [
        ("web", 1_000, 50),
        ("web", 999, 49),
        ("web", 19, 0),
        ("pos", 7, 7),
        ("", 1_000, 0),
        ("web2", 1_000, 0),
        ("pos", EXPOSURE_MINOR_MAX, 0),
        ("pos", EXPOSURE_MINOR_MAX - 3, 3),
    ] {
        let found = limits.tolerance(channel, LimitKind::Amount(limit), None);
        assert_eq!(found, expected, "{channel} of {limit}");
    }
}

#[test]
fn a_band_approves_of_what_keeps_to_all_that_it_says() {
    use LimitKind::{Amount, Inherit, NoCredit, Unlimited};
    let percent = "[[limits.approve]]\namount_max = \"99 USD\"\nchange_percent_max = 10\n";
    let amount = "[[limits.approve]]\namount_max = [\"5.00 USD\"]\n";
    let euro = "[[limits.approve]]\namount_max = [\"5.00 EUR\"]\n";
    let score = &format!("{percent}score_min = 600\n");
    let either = &format!("{amount}[[limits.approve]]\namount_max = \"6 USD\"\nscore_min = 0\n");
    for (text, from, to, found, expected) in [
        (percent, Amount(1_000), Amount(1_100), None, true),
        (percent, Amount(1_000), Amount(1_101), None, false),
        (percent, Amount(1_000), Amount(900), None, true),
        (percent, Amount(1_000), Amount(899), None, false),
        // The policy has approved of 1,100 before: what somebody set stays what it is measured by.
        (percent, Amount(1_100), Amount(1_110), None, false),
        (percent, Amount(1_100), Amount(950), None, true),
        (percent, Unlimited, Amount(1_000), None, false),
        (percent, Amount(1_000), Unlimited, None, false),
        (percent, Amount(1_000), NoCredit, None, false),
        (percent, Amount(1_000), Inherit, None, false),
        (amount, Amount(1), Amount(500), None, true),
        (amount, Amount(1), Amount(501), None, false),
        (amount, NoCredit, Amount(500), None, false),
        (amount, Unlimited, Amount(500), None, false),
        (euro, Amount(1), Amount(1), None, false),
        (score, Amount(1_000), Amount(1_100), Some(600), true),
        (score, Amount(1_000), Amount(1_100), Some(599), false),
        (score, Amount(1_000), Amount(1_100), None, false),
        (score, Amount(1_000), Amount(1_200), Some(999), false),
        (either, Amount(1), Amount(500), None, true),
        (either, Amount(1), Amount(501), Some(0), true),
        (either, Amount(1), Amount(501), None, false),
        ("", Amount(1_000), Amount(1_001), Some(999), false),
    ] {
        let limit = |kind| Limit { kind, valid_until: None };
        let (from, to) = (limit(from), limit(to));
        let change = Change { base: 1_000, from, to, currency: usd(), score: found };
        assert_eq!(limits(text).approves(&change), expected, "{text}: {change:?}");
    }
}

#[test]
fn no_band_lets_a_limit_last_longer() {
    let limits = limits("[[limits.approve]]\namount_max = \"5 USD\"\n");
    for (before, after, expected) in [
        (None, None, true),
        (None, Some(7), true),
        (Some(7), Some(7), true),
        (Some(7), Some(6), true),
        (Some(7), Some(8), false),
        (Some(7), None, false),
    ] {
        let limit = |last: Option<i32>| {
            let valid_until = last.map(crate::values::Day);
            Limit { kind: LimitKind::Amount(100), valid_until }
        };
        let (from, to) = (limit(before), limit(after));
        let change = Change { base: 100, from, to, currency: usd(), score: None };
        assert_eq!(limits.approves(&change), expected, "{change:?}");
    }
}
