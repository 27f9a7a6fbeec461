use super::*;
use v1::due_rule::Rule as Given;

const KEY: RequestKey<'static> = RequestKey { id: "r", row: 0, call: 1 };

fn due(rule: Given) -> Option<v1::DueRule> {
    Some(v1::DueRule { rule: Some(rule) })
}

fn net(days: u32) -> Option<v1::DueRule> {
    due(Given::Net(v1::NetDays { days }))
}

fn day_row(until_day: u32, months: u32, day: u32) -> v1::DayTableRow {
    v1::DayTableRow { until_day, months, day }
}

fn date_row(from: &str, until: &str, due: &str) -> v1::DateTableRow {
    v1::DateTableRow {
        from_date: from.to_owned(),
        until_date: until.to_owned(),
        due_date: due.to_owned(),
    }
}

fn day_table(rows: &[v1::DayTableRow]) -> Option<v1::DueRule> {
    due(Given::DayTable(v1::DayTable { rows: rows.to_vec() }))
}

fn date_table(rows: &[v1::DateTableRow]) -> Option<v1::DueRule> {
    due(Given::DateTable(v1::DateTable { rows: rows.to_vec(), days: 30 }))
}

fn part(share_bp: u32, due: Option<v1::DueRule>) -> v1::TermsInstalment {
    v1::TermsInstalment { share_bp, due }
}

/// Terms that are right.
fn right(due: Option<v1::DueRule>) -> v1::Terms {
    v1::Terms {
        terms_id: "t".to_owned(),
        instalments: vec![part(10_000, due)],
        discounts: vec![v1::TermsDiscount { rate_bp: 200, until: net(10) }],
        ..Default::default()
    }
}

fn field_at_fault(terms: &v1::Terms) -> String {
    upsert_terms(KEY, terms, "ada", "").expect_err("it breaks a rule").field
}

#[test]
fn terms_are_answered_as_they_were_set() {
    let rules = [
        net(30),
        due(Given::EndOfMonth(v1::EndOfMonth { months: 1, days: 10 })),
        due(Given::DayOfMonth(v1::DayOfMonth { months: 1, day: 15 })),
        day_table(&[day_row(15, 0, 31), day_row(31, 1, 15)]),
        date_table(&[
            date_row("2026-01-01", "2026-02-28", "2026-06-30"),
            date_row("2026-03-01", "2026-03-01", "2026-03-01"),
        ]),
    ];
    for due in rules {
        let given = v1::Terms {
            non_working_day: v1::NonWorkingDay::Keep.into(),
            grace_days: 5,
            discount_grace_days: 3_660,
            ..right(due)
        };
        let request = upsert_terms(KEY, &given, "ada", "").expect("it is right");
        let Command::UpsertTerms(UpsertTerms { terms_id, spec, .. }) = request.command else {
            panic!("{request:?}")
        };
        let named = NamedTerms { id: terms_id.into(), calendar: None, spec };
        assert_eq!(terms(&named, ""), given);
    }
}

#[test]
fn terms_that_break_a_rule_are_refused_with_the_field() {
    let base = || right(net(30));
    let parts = |shares: &[u32]| v1::Terms {
        instalments: shares.iter().map(|share| part(*share, net(1))).collect(),
        ..base()
    };
    let discounts = |rates: &[u32]| {
        let discount = |rate: &u32| v1::TermsDiscount { rate_bp: *rate, until: net(10) };
        v1::Terms { discounts: rates.iter().map(discount).collect(), ..base() }
    };
    let rolls = |non_working_day, calendar: &str| {
        let calendar_id = calendar.to_owned();
        v1::Terms { non_working_day, calendar_id, ..base() }
    };
    let next = v1::NonWorkingDay::Next as i32;
    let table = [
        (v1::Terms { terms_id: String::new(), ..base() }, "terms_id"),
        (parts(&[]), "instalments"),
        (parts(&[1; 61]), "instalments"),
        (parts(&[5_000, 4_999]), "instalments"),
        (parts(&[10_000, 0]), "instalments[1].share_bp"),
        (parts(&[10_001]), "instalments[0].share_bp"),
        (discounts(&[0]), "discounts[0].rate_bp"),
        (discounts(&[1, 10_001]), "discounts[1].rate_bp"),
        (discounts(&[1; 11]), "discounts"),
        (v1::Terms { grace_days: 3_661, ..base() }, "grace_days"),
        (v1::Terms { discount_grace_days: 3_661, ..base() }, "discount_grace_days"),
        (rolls(next, ""), "non_working_day"),
        (rolls(0, "k"), "non_working_day"),
        (rolls(9, "k"), "non_working_day"),
        (right(None), "instalments[0].due"),
        (right(Some(v1::DueRule { rule: None })), "instalments[0].due"),
    ];
    for (terms, field) in table {
        assert_eq!(field_at_fault(&terms), field, "{terms:?}");
    }
}

#[test]
fn rules_that_are_none_are_refused_with_the_field() {
    let eom = |months, days| due(Given::EndOfMonth(v1::EndOfMonth { months, days }));
    let the = |months, day| due(Given::DayOfMonth(v1::DayOfMonth { months, day }));
    let one = |from: &str, until: &str, due: &str| date_table(&[date_row(from, until, due)]);
    let (first, second) = (
        date_row("2026-01-01", "2026-01-02", "2026-01-02"),
        date_row("2026-01-02", "2026-01-03", "2026-01-03"),
    );
    let table = [
        (net(3_661), "net.days"),
        (eom(121, 0), "end_of_month.months"),
        (eom(0, 3_661), "end_of_month.days"),
        (the(0, 15), "day_of_month.months"),
        (the(1, 0), "day_of_month.day"),
        (the(1, 32), "day_of_month.day"),
        (day_table(&[]), "day_table.rows"),
        (day_table(&[day_row(30, 1, 1)]), "day_table.rows"),
        (day_table(&[day_row(31, 0, 30)]), "day_table.rows[0].day"),
        (day_table(&[day_row(0, 1, 30)]), "day_table.rows[0].until_day"),
        (day_table(&[day_row(32, 1, 30)]), "day_table.rows[0].until_day"),
        (day_table(&[day_row(31, 1, 1); 2]), "day_table.rows[1].until_day"),
        (day_table(&[day_row(31, 121, 1)]), "day_table.rows[0].months"),
        (date_table(&[]), "date_table.rows"),
        (one("", "2026-01-01", "2026-01-01"), "date_table.rows[0].from_date"),
        (one("2026-01-02", "2026-01-01", "2026-01-03"), "date_table.rows[0].until_date"),
        (one("2026-01-01", "2026-01-02", "2026-01-01"), "date_table.rows[0].due_date"),
        (one("2026-01-01", "2026-01-02", "9999-12-31"), "date_table.rows[0].due_date"),
        (date_table(&[first, second]), "date_table.rows[1].from_date"),
    ];
    for (rule, field) in table {
        let terms = right(rule);
        assert_eq!(field_at_fault(&terms), format!("instalments[0].due.{field}"), "{terms:?}");
    }
}

#[test]
fn calendars_are_kept_in_order_and_bounded() {
    let right = || v1::Calendar {
        calendar_id: "k".to_owned(),
        weekend: vec![7, 6, 6],
        from_date: "2026-01-01".to_owned(),
        until_date: "2026-12-31".to_owned(),
        holidays: ["2026-12-25", "2026-01-01", "2026-01-01"].map(str::to_owned).to_vec(),
        workdays: vec!["2026-12-19".to_owned()],
    };
    let given = right();
    let request = upsert_calendar(KEY, &given, "ada", "").expect("it is right");
    let Command::UpsertCalendar(UpsertCalendar { spec, .. }) = request.command else {
        panic!("{request:?}")
    };
    let days = ["2026-01-01", "2026-12-25"].map(|text| Day::parse(text).expect("a day"));
    assert_eq!((spec.weekend, spec.holidays), (0b110_0000, days.to_vec()));
    let holidays = |text: &str| vec![text.to_owned()];
    #[rustfmt::skip]
    let table = [
        (v1::Calendar { calendar_id: "\t".to_owned(), ..right() }, "calendar_id"),
        (v1::Calendar { weekend: vec![1, 0], ..right() }, "weekend[1]"),
        (v1::Calendar { weekend: vec![8], ..right() }, "weekend[0]"),
        (v1::Calendar { weekend: (1..=7).collect(), ..right() }, "weekend"),
        (v1::Calendar { from_date: String::new(), ..right() }, "from_date"),
        (v1::Calendar { until_date: "2025-12-31".to_owned(), ..right() }, "until_date"),
        (v1::Calendar { holidays: holidays("2027-01-01"), ..right() }, "holidays[0]"),
        (v1::Calendar { holidays: holidays("2026-02-29"), ..right() }, "holidays[0]"),
        (v1::Calendar { holidays: vec!["2026-01-01".to_owned(); 5_001], ..right() }, "holidays"),
        (v1::Calendar { workdays: holidays("2026-12-18"), ..right() }, "workdays"),
        (v1::Calendar { workdays: holidays("2027-01-02"), ..right() }, "workdays[0]"),
        (v1::Calendar { holidays: holidays("2026-12-19"), ..right() }, "workdays"),
    ];
    for (calendar, field) in table {
        let fault = upsert_calendar(KEY, &calendar, "ada", "").expect_err(field);
        assert_eq!(fault.field, field);
    }
}

#[test]
fn terms_are_assigned_to_one_of_three() {
    let of = |segment: &str, account: &str, contract: &str| v1::TermsAssignment {
        terms_id: "t".to_owned(),
        segment_id: segment.to_owned(),
        account_id: account.to_owned(),
        contract_id: contract.to_owned(),
    };
    for (segment, account, contract, field) in [
        ("s", "", "", None),
        ("", "a", "", None),
        ("", "a", "c", None),
        ("", "", "", Some("account_id")),
        ("", "", "c", Some("account_id")),
        ("s", "a", "", Some("segment_id")),
        ("s", "", "c", Some("segment_id")),
    ] {
        let given = of(segment, account, contract);
        let found = assign(KEY, &given, "ada", "").err().map(|fault| fault.field);
        assert_eq!(found.as_deref(), field, "{segment:?} {account:?} {contract:?}");
    }
}
