//! Payment terms in the journal.

use creditgate_engine::counting::{Details, OrderDetails};
use creditgate_engine::terms::*;
use creditgate_engine::values::Day;

use super::*;

const ASKED: OrderDetails<'static> =
    OrderDetails { contract_id: Some("c"), terms_id: None, shipping: None };

fn kept() -> Details {
    Details { contract_id: Some("c".into()), ..Details::default() }
}

fn spec() -> TermsSpec {
    let net = |days| Rule::Net { days };
    let part = |share, due| Part { share, due };
    TermsSpec {
        parts: vec![
            part(5_000, net(30)),
            part(2_000, Rule::EndOfMonth { months: 1, days: 10 }),
            part(1_000, Rule::DayOfMonth { months: 1, day: 15 }),
            part(1_000, Rule::DayTable(vec![DayRow { until_day: 31, months: 1, day: 15 }])),
            part(
                1_000,
                Rule::DateTable {
                    rows: vec![DateRow { from: Day(1), until: Day(2), due: Day(3) }],
                    days: 30,
                },
            ),
        ],
        discounts: vec![Discount { percent: 200, until: net(10) }],
        discount_grace_days: 2,
        grace_days: 5,
        roll: Roll::Next,
    }
}

fn set() -> Vec<Row> {
    let (terms_id, calendar_id) = ("t", "k");
    let upsert =
        UpsertTerms { request: REQUEST, terms_id, calendar_id: Some(calendar_id), spec: spec() };
    let days = CalendarSpec {
        weekend: 0x60,
        from: Day(0),
        until: Day(364),
        holidays: vec![Day(1)],
        workdays: vec![],
    };
    let calendar = UpsertCalendar { request: REQUEST, calendar_id, spec: days.clone() };
    vec![
        row(
            "upsert_terms",
            Command::UpsertTerms(upsert),
            Outcome::Upserted(Upserted::Created),
            vec![Event::TermsSet { terms: 3, terms_id, calendar: Some(4), spec: spec() }],
            "\
             949481ac7570736572745f7465726d739493a1720107a174a16b959592cd138881a36e6574911e \
             92cd07d081ac656e645f6f665f6d6f6e746892010a92cd03e881ac6461795f6f665f6d6f6e7468 \
             92010f92cd03e881a96461795f7461626c6591931f010f92cd03e881aa646174655f7461626c65 \
             9291930102031e9192ccc881a36e6574910a0205a46e657874a36f6d73a3776562c00081a87570 \
             736572746564a7637265617465649181a97465726d735f7365749403a17404959592cd138881a3 \
             6e6574911e92cd07d081ac656e645f6f665f6d6f6e746892010a92cd03e881ac6461795f6f665f \
             6d6f6e746892010f92cd03e881a96461795f7461626c6591931f010f92cd03e881aa646174655f \
             7461626c659291930102031e9192ccc881a36e6574910a0205a46e657874",
        ),
        row(
            "upsert_calendar",
            Command::UpsertCalendar(calendar),
            Outcome::Upserted(Upserted::Updated),
            vec![Event::CalendarSet { calendar: 4, calendar_id, spec: days }],
            "\
             949481af7570736572745f63616c656e6461729393a1720107a16b946000cd016c9101a36f6d73 \
             a3776562c00081a87570736572746564a7757064617465649181ac63616c656e6461725f736574 \
             9304a16b946000cd016c9101",
        ),
    ]
}

fn assigned() -> Vec<Row> {
    let scope = TermsScope::Contract { account_id: "a", contract_id: "c" };
    let assign = |scope, terms_id| AssignTerms { request: REQUEST, scope, terms_id };
    vec![
        row(
            "assign_terms",
            Command::AssignTerms(assign(scope, Some("t"))),
            Outcome::Upserted(Upserted::Created),
            vec![
                Event::TermsAssigned {
                    assignee: Assignee::Contract(2, "c".into()),
                    terms: Some(3),
                },
                Event::TermsAssigned { assignee: Assignee::Account(2), terms: None },
                Event::TermsAssigned { assignee: Assignee::Segment(1), terms: None },
            ],
            "\
             949481ac61737369676e5f7465726d739393a172010781a8636f6e747261637492a161a163a174 \
             a36f6d73a3776562c00081a87570736572746564a7637265617465649381ae7465726d735f6173 \
             7369676e65649281a8636f6e74726163749202a1630381ae7465726d735f61737369676e656492 \
             81a76163636f756e7402c081ae7465726d735f61737369676e65649281a77365676d656e7401c0",
        ),
        row(
            "assign_terms to a segment",
            Command::AssignTerms(assign(TermsScope::Segment("s"), None)),
            Outcome::Upserted(Upserted::Unchanged),
            vec![],
            "\
             949481ac61737369676e5f7465726d739393a172010781a77365676d656e74a173c0a36f6d73a3 \
             776562c00081a87570736572746564a9756e6368616e67656490",
        ),
        row(
            "assign_terms to an account",
            Command::AssignTerms(assign(TermsScope::Account("a"), None)),
            Outcome::Upserted(Upserted::Unchanged),
            vec![],
            "\
             949481ac61737369676e5f7465726d739393a172010781a76163636f756e74a161c0a36f6d73a3 \
             776562c00081a87570736572746564a9756e6368616e67656490",
        ),
    ]
}

fn used() -> Vec<Row> {
    let order = Order { details: Some(Box::new(ASKED)), ..order() };
    let reserve = Reserve { request: REQUEST, order, allow_partial: false };
    let (reservation, invoice_id, amount) = (1025, "i", 300);
    let capture = CaptureOrder {
        request: REQUEST,
        target: Target::Id(reservation),
        amount: None,
        invoice_id,
        last: false,
        forced: false,
        issued: Some(Day(20_000)),
    };
    let plan = Plan {
        terms_id: "t".into(),
        issued: Day(20_000),
        due: Day(20_030),
        grace_days: 5,
        instalments: vec![Instalment { due: Day(20_030), amount }],
        offers: vec![Offer {
            percent: 200,
            until: Day(20_010),
            granted_until: Day(20_012),
            amount: 6,
        }],
        beyond_calendar: true,
    };
    let dates = Some(plan.dates());
    let mut changed = changed(300, false);
    changed.reservation.details = Some(Box::new(kept()));
    changed.invoiced = Some(Box::new(Invoiced { source: Source::Contract, plan }));
    vec![
        row(
            "reserve, contract",
            Command::Reserve(reserve),
            Outcome::Reserved(reserved(Decision::Referred, &[ReasonCode::TermsUpgraded])),
            vec![held(Some(Box::new(kept())))],
            "\
             949481a7726573657276659393a172010796a161a16fcd012ca3555344923c5a92a163c0c2a36f \
             6d73a3776562c00081a872657365727665649494a872656665727265649193ae5445524d535f55 \
             50475241444544cd012cfe00c0cd0401cd012c059181a8726573657276656497cd040102a16fcd \
             012c0592a163c0a0",
        ),
        row(
            "capture, terms",
            Command::Capture(capture),
            Outcome::Changed(changed),
            vec![Event::Captured { reservation, invoice_id, amount, dates }],
            "\
             949481a7636170747572659793a172010781a26964cd0401c0a169c2c2cd4e20a36f6d73a37765 \
             62c00081a76368616e6765649594a8617070726f7665649000c09bcd0401a161a16fa355534401 \
             020304050692a163c0cd012cc292a8636f6e747261637497a174cd4e20cd4e3e059192cd4e3ecd \
             012c9194ccc8cd4e2acd4e2c06c39181a8636170747572656494cd0401a169cd012c93cd4e20cd \
             4e3e05",
        ),
        row(
            "post, terms",
            Command::Post(invoice()),
            Outcome::Done,
            vec![Event::ItemPosted {
                slot: 2,
                invoice_id,
                amount,
                order_id: None,
                issued: None,
                due: Some(Day(20_030)),
                grace_days: 5,
            }],
            "\
             949481a4706f73749ca3657270a16509a161a7696e766f696365cd012ca3555344a169c0c0c090 \
             a36f6d73a3776562c000a4646f6e659181ab6974656d5f706f737465649702a169cd012cc0c0cd \
             4e3e05",
        ),
    ]
}

fn invoice() -> Post<'static> {
    Post {
        source: "erp",
        entry_id: "e",
        position: 9,
        account_id: "a",
        kind: EntryKind::Invoice,
        amount: 300,
        currency: usd(),
        invoice_id: Some("i"),
        order_id: None,
        issued: None,
        due: None,
        allocations: Vec::new(),
    }
}

pub fn rows() -> Vec<Row> {
    let mut rows = set();
    rows.extend(assigned());
    rows.extend(used());
    rows
}
