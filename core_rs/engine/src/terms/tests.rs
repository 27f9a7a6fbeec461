use proptest::prelude::*;

use super::*;
use crate::values::{Day, Minor};

fn day(text: &str) -> Day {
    Day::parse(text).unwrap_or_else(|| panic!("{text} is a day"))
}

fn net(days: u16) -> Rule {
    Rule::Net { days }
}

fn spec(due: Rule) -> TermsSpec {
    TermsSpec {
        parts: vec![Part { share: WHOLE, due }],
        discounts: Vec::new(),
        discount_grace_days: 0,
        grace_days: 0,
        roll: Roll::Keep,
    }
}

fn named(spec: TermsSpec) -> NamedTerms {
    NamedTerms { id: "T".into(), calendar: None, spec }
}

/// Saturdays, Sundays, and what is told of the years 2024 to 2026.
fn calendar(holidays: &[&str]) -> CalendarSpec {
    CalendarSpec {
        weekend: 0b110_0000,
        from: day("2024-01-01"),
        until: day("2026-12-31"),
        holidays: holidays.iter().map(|text| day(text)).collect(),
        workdays: Vec::new(),
    }
}

#[test]
fn due_dates_of_month_ends_leap_days_and_year_ends() {
    let eom = |months, days| Rule::EndOfMonth { months, days };
    let the = |day, months| Rule::DayOfMonth { months, day };
    let half_months = || {
        Rule::DayTable(vec![
            DayRow { until_day: 15, months: 0, day: 31 },
            DayRow { until_day: 31, months: 1, day: 15 },
        ])
    };
    let season = || Rule::DateTable {
        rows: vec![
            DateRow { from: day("2024-01-01"), until: day("2024-02-29"), due: day("2024-06-30") },
            DateRow { from: day("2024-12-15"), until: day("2025-01-05"), due: day("2025-04-01") },
        ],
        days: 30,
    };
    #[rustfmt::skip]
    let table = [
        // Net days.
        (net(30), "2024-01-30", "2024-02-29"),
        (net(30), "2023-01-30", "2023-03-01"),
        (net(30), "2024-12-02", "2025-01-01"),
        (net(30), "2024-12-31", "2025-01-30"),
        (net(1), "2024-02-28", "2024-02-29"),
        (net(1), "2023-02-28", "2023-03-01"),
        (net(1), "1900-02-28", "1900-03-01"),
        (net(1), "2000-02-28", "2000-02-29"),
        (net(365), "2024-02-29", "2025-02-28"),
        (net(366), "2023-03-01", "2024-03-01"),
        (net(0), "2024-02-29", "2024-02-29"),
        // The end of a month, and days after it.
        (eom(0, 0), "2024-02-01", "2024-02-29"),
        (eom(0, 0), "2023-02-28", "2023-02-28"),
        (eom(0, 10), "2024-02-29", "2024-03-10"),
        (eom(0, 10), "2024-01-31", "2024-02-10"),
        (eom(0, 30), "2024-01-15", "2024-03-01"),
        (eom(0, 30), "2023-01-15", "2023-03-02"),
        (eom(0, 1), "2024-12-31", "2025-01-01"),
        (eom(1, 0), "2024-01-31", "2024-02-29"),
        (eom(1, 0), "2024-12-31", "2025-01-31"),
        (eom(2, 5), "2023-12-15", "2024-03-05"),
        (eom(14, 0), "2022-12-31", "2024-02-29"),
        // A fixed day of the next month, or a later one.
        (the(15, 1), "2024-01-31", "2024-02-15"),
        (the(31, 1), "2024-01-31", "2024-02-29"),
        (the(31, 1), "2023-01-01", "2023-02-28"),
        (the(30, 1), "2024-03-31", "2024-04-30"),
        (the(29, 1), "2100-01-15", "2100-02-28"),
        (the(10, 1), "2024-12-01", "2025-01-10"),
        (the(1, 2), "2024-11-30", "2025-01-01"),
        (the(29, 12), "2024-02-29", "2025-02-28"),
        // By the day of the month.
        (half_months(), "2024-02-01", "2024-02-29"),
        (half_months(), "2024-02-15", "2024-02-29"),
        (half_months(), "2024-02-16", "2024-03-15"),
        (half_months(), "2024-02-29", "2024-03-15"),
        (half_months(), "2024-12-31", "2025-01-15"),
        // By the date.
        (season(), "2024-01-01", "2024-06-30"),
        (season(), "2024-02-29", "2024-06-30"),
        (season(), "2024-03-01", "2024-03-31"),
        (season(), "2024-12-31", "2025-04-01"),
        (season(), "2025-01-05", "2025-04-01"),
        (season(), "2025-01-06", "2025-02-05"),
        // The last day that can be written.
        (net(3_660), "9999-12-30", "9999-12-31"),
        (eom(120, 3_660), "9999-12-31", "9999-12-31"),
    ];
    for (rule, issued, due) in table {
        let plan = named(spec(rule.clone())).plan(None, day(issued), 100);
        assert_eq!(plan.due.to_string(), due, "{issued} {rule:?}");
        assert_eq!(plan.instalments, [Instalment { due: day(due), amount: 100 }]);
    }
}

#[test]
fn dates_move_off_weekends_and_holidays() {
    let known = calendar(&["2024-03-29", "2024-04-01", "2024-12-25", "2024-12-26", "2026-12-31"]);
    #[rustfmt::skip]
    let table = [
        // Roll, invoice, net days => due, beyond what is known
        (Roll::Next, "2024-02-01", 1, "2024-02-02", false),
        // Saturday, and Sunday.
        (Roll::Next, "2024-02-01", 2, "2024-02-05", false),
        (Roll::Previous, "2024-02-01", 2, "2024-02-02", false),
        (Roll::Keep, "2024-02-01", 2, "2024-02-03", false),
        (Roll::Next, "2024-02-01", 3, "2024-02-05", false),
        (Roll::Previous, "2024-02-01", 3, "2024-02-02", false),
        // Good Friday to Easter Monday: four days.
        (Roll::Next, "2024-02-28", 30, "2024-04-02", false),
        (Roll::Previous, "2024-03-02", 30, "2024-03-28", false),
        // Over the end of a month and of a year.
        (Roll::Next, "2024-08-01", 30, "2024-09-02", false),
        (Roll::Next, "2024-11-25", 30, "2024-12-27", false),
        (Roll::Previous, "2024-11-26", 30, "2024-12-24", false),
        // Never before the invoice: forward then.
        (Roll::Previous, "2024-03-31", 0, "2024-04-02", false),
        (Roll::Previous, "2024-03-29", 1, "2024-04-02", false),
        // What is not known counts as worked, and is told.
        (Roll::Next, "2026-12-01", 30, "2027-01-01", true),
        (Roll::Next, "2026-12-01", 32, "2027-01-04", true),
        (Roll::Previous, "2026-12-01", 32, "2027-01-01", true),
        (Roll::Next, "2023-12-01", 24, "2023-12-25", true),
        (Roll::Keep, "2026-12-01", 32, "2027-01-02", false),
    ];
    for (roll, issued, days, due, beyond) in table {
        let terms = named(TermsSpec { roll, ..spec(net(days)) });
        let plan = terms.plan(Some(&known), day(issued), 100);
        let found = (plan.due.to_string(), plan.beyond_calendar);
        assert_eq!(found, (due.to_owned(), beyond), "{roll:?} {issued} {days}");
    }
    let friday = CalendarSpec { weekend: 0b001_0000, ..calendar(&[]) };
    assert!(friday.is_worked(day("2024-02-03")) && !friday.is_worked(day("2024-02-02")));
    let moved = CalendarSpec { workdays: vec![day("2024-02-02")], ..friday };
    assert!(moved.is_worked(day("2024-02-02")) && !moved.is_worked(day("2024-02-09")));
}

#[test]
fn two_per_cent_ten_net_thirty() {
    let discount = |percent, days| Discount { percent, until: net(days) };
    let terms = TermsSpec {
        discounts: vec![discount(200, 10), discount(50, 20)],
        discount_grace_days: 3,
        grace_days: 5,
        roll: Roll::Next,
        ..spec(net(30))
    };
    let plan = named(terms).plan(Some(&calendar(&[])), day("2024-02-14"), 12_345);
    assert_eq!(plan.due, day("2024-03-15"));
    assert_eq!(plan.overdue_from(), day("2024-03-21"));
    let offers = plan.offers.iter().map(|o| (o.until.to_string(), o.granted_until, o.amount));
    let expected = [
        // The 24th is a Saturday. Grace is in days as they come.
        ("2024-02-26".to_owned(), day("2024-02-29"), 247),
        ("2024-03-05".to_owned(), day("2024-03-08"), 62),
    ];
    assert!(offers.eq(expected), "{plan:?}");
}

#[test]
fn discounts_are_rounded_to_the_nearest_unit_and_halves_upwards() {
    #[rustfmt::skip]
    let table: [(Minor, u16, Minor); 8] = [
        (100, 200, 2), (124, 200, 2), (125, 200, 3), (24, 200, 0), (25, 200, 1),
        (1, 10_000, 1), (1, 1, 0), (i64::MAX, 10_000, i64::MAX),
    ];
    for (amount, percent, off) in table {
        let discounts = vec![Discount { percent, until: net(10) }];
        let terms = named(TermsSpec { discounts, ..spec(net(30)) });
        let plan = terms.plan(None, day("2024-01-01"), amount);
        assert_eq!(plan.offers[0].amount, off, "{percent} of {amount}");
    }
}

#[test]
fn the_last_instalment_takes_what_is_left() {
    let part = |share, days| Part { share, due: net(days) };
    let thirds = vec![part(3_333, 30), part(3_333, 60), part(3_334, 90)];
    let terms = named(TermsSpec { parts: thirds, ..spec(net(0)) });
    for (amount, expected) in
        [(100, [33, 33, 34]), (99_999, [33_329, 33_329, 33_341]), (1, [0, 0, 1]), (2, [0, 0, 2])]
    {
        let plan = terms.plan(None, day("2023-12-31"), amount);
        let amounts: Vec<_> = plan.instalments.iter().map(|part| part.amount).collect();
        assert_eq!(amounts, expected);
        let due: Vec<_> = plan.instalments.iter().map(|part| part.due.to_string()).collect();
        assert_eq!(due, ["2024-01-30", "2024-02-29", "2024-03-30"]);
        assert_eq!(plan.due, day("2024-03-30"));
    }
}

#[test]
fn terms_are_better_that_give_the_customer_anything_more() {
    let of = |spec: &TermsSpec| Schedule::of(&named(spec.clone()), None, day("2024-02-01"));
    let part = |share, days| Part { share, due: net(days) };
    let off = |percent, days| Discount { percent, until: net(days) };
    let eom = |days| Part { share: WHOLE, due: Rule::EndOfMonth { months: 0, days } };
    let base = TermsSpec {
        discounts: vec![off(200, 10)],
        discount_grace_days: 2,
        grace_days: 3,
        ..spec(net(30))
    };
    #[rustfmt::skip]
    let table = [
        (base.clone(), false),
        (TermsSpec { parts: vec![part(WHOLE, 29)], ..base.clone() }, false),
        (TermsSpec { parts: vec![part(WHOLE, 31)], ..base.clone() }, true),
        // February of this year has 29 days: its end is the day 28 after the first.
        (TermsSpec { parts: vec![eom(2)], ..base.clone() }, false),
        (TermsSpec { parts: vec![eom(3)], ..base.clone() }, true),
        (TermsSpec { parts: vec![part(5_000, 10), part(5_000, 30)], ..base.clone() }, false),
        (TermsSpec { parts: vec![part(9_999, 10), part(1, 31)], ..base.clone() }, true),
        (TermsSpec { discounts: vec![], ..base.clone() }, false),
        (TermsSpec { discounts: vec![off(201, 1)], ..base.clone() }, true),
        (TermsSpec { discounts: vec![off(200, 11)], ..base.clone() }, true),
        (TermsSpec { discounts: vec![off(1, 11)], ..base.clone() }, true),
        (TermsSpec { discounts: vec![off(200, 10), off(200, 9)], ..base.clone() }, false),
        (TermsSpec { discount_grace_days: 3, ..base.clone() }, true),
        (TermsSpec { discount_grace_days: 1, ..base.clone() }, false),
        (TermsSpec { grace_days: 4, ..base.clone() }, true),
        (TermsSpec { grace_days: 2, ..base.clone() }, false),
    ];
    let own = of(&base);
    for (asked, better) in table {
        assert_eq!(of(&asked).is_better_than(&own), better, "{asked:?}");
    }
    // Against no terms of one's own, any time at all is more.
    let at_once = Schedule::at_once(day("2024-02-01"));
    assert!(of(&spec(net(1))).is_better_than(&at_once));
    assert!(!of(&spec(net(0))).is_better_than(&at_once));
}

fn rule() -> impl Strategy<Value = Rule> {
    let days = 0..=3_660_u16;
    let row = (1..=31_u8, 0..=120_u8, 1..=31_u8).prop_map(|(until_day, months, day)| DayRow {
        until_day,
        months,
        day,
    });
    prop_oneof![
        days.clone().prop_map(|days| Rule::Net { days }),
        (0..=120_u8, days).prop_map(|(months, days)| Rule::EndOfMonth { months, days }),
        (0..=120_u8, 1..=31_u8).prop_map(|(months, day)| Rule::DayOfMonth { months, day }),
        prop::collection::vec(row, 0..4).prop_map(Rule::DayTable),
    ]
}

fn roll() -> impl Strategy<Value = Roll> {
    prop::sample::select(vec![Roll::Keep, Roll::Next, Roll::Previous])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Whatever the terms: amounts add up, dates are in order, and moved ones are worked.
    #[test]
    fn plans_add_up_and_never_go_back(
        shares in prop::collection::vec((1..=3_000_u16, rule()), 1..5),
        discount in (1..=10_000_u16, rule()),
        roll in roll(),
        (issued, amount) in (-30_000..2_932_896_i32, 0..=i64::MAX),
        weekend in 0..0x7f_u8,
        holidays in prop::collection::btree_set(-30_000..2_932_896_i32, 0..50),
    ) {
        let taken: u16 = shares[1..].iter().map(|(share, _)| share).sum();
        let mut parts: Vec<_> =
            shares.into_iter().map(|(share, due)| Part { share, due }).collect();
        parts[0].share = WHOLE - taken;
        let discounts = vec![Discount { percent: discount.0, until: discount.1 }];
        let terms = named(TermsSpec { parts, discounts, roll, ..spec(net(0)) });
        let holidays = holidays.into_iter().map(Day).collect();
        let (from, until) = (Day(-30_000), Day::LAST);
        let calendar = CalendarSpec { weekend, from, until, holidays, workdays: vec![] };
        let plan = terms.plan(Some(&calendar), Day(issued), amount);
        let sum: i128 = plan.instalments.iter().map(|part| i128::from(part.amount)).sum();
        prop_assert_eq!(sum, i128::from(amount));
        prop_assert!(plan.offers[0].amount <= amount);
        let days = plan.instalments.iter().map(|part| part.due);
        for day in days.chain(plan.offers.iter().map(|offer| offer.until)) {
            prop_assert!((Day(issued)..=Day::LAST).contains(&day));
            let worked = calendar.is_worked(day) || day == Day::LAST;
            prop_assert!(roll == Roll::Keep || worked, "{}", day);
        }
        let schedule = Schedule::of(&terms, Some(&calendar), Day(issued));
        prop_assert!(!schedule.is_better_than(&schedule));
    }
}
