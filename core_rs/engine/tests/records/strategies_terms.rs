//! Payment terms of any kind.

use creditgate_engine::terms::*;
use creditgate_engine::values::Id;

use super::*;

pub fn dates() -> BoxedStrategy<InvoiceDates> {
    (day(), day(), any::<u16>())
        .prop_map(|(issued, due, grace_days)| InvoiceDates { issued, due, grace_days })
        .boxed()
}

fn rule() -> BoxedStrategy<Rule> {
    let day_row = any::<(u8, u8, u8)>().prop_map(|(until_day, months, day)| DayRow {
        until_day,
        months,
        day,
    });
    let date_row =
        (day(), day(), day()).prop_map(|(from, until, due)| DateRow { from, until, due });
    prop_oneof![
        any::<u16>().prop_map(|days| Rule::Net { days }),
        any::<(u8, u16)>().prop_map(|(months, days)| Rule::EndOfMonth { months, days }),
        any::<(u8, u8)>().prop_map(|(months, day)| Rule::DayOfMonth { months, day }),
        vec(day_row, 0..20).prop_map(Rule::DayTable),
        (vec(date_row, 0..20), any::<u16>())
            .prop_map(|(rows, days)| Rule::DateTable { rows, days }),
    ]
    .boxed()
}

fn roll() -> impl Strategy<Value = Roll> {
    select(vec![Roll::Keep, Roll::Next, Roll::Previous])
}

fn spec() -> BoxedStrategy<TermsSpec> {
    let part = (any::<u16>(), rule()).prop_map(|(share, due)| Part { share, due });
    let discount = (any::<u16>(), rule()).prop_map(|(percent, until)| Discount { percent, until });
    (vec(part, 0..4), vec(discount, 0..4), any::<(u16, u16)>(), roll())
        .prop_map(|(parts, discounts, (discount_grace_days, grace_days), roll)| TermsSpec {
            parts,
            discounts,
            discount_grace_days,
            grace_days,
            roll,
        })
        .boxed()
}

fn days() -> BoxedStrategy<CalendarSpec> {
    (any::<u8>(), day(), day(), vec(day(), 0..20), vec(day(), 0..3))
        .prop_map(|(weekend, from, until, holidays, workdays)| CalendarSpec {
            weekend,
            from,
            until,
            holidays,
            workdays,
        })
        .boxed()
}

pub fn command() -> BoxedStrategy<Command<'static>> {
    let scope = prop_oneof![
        string().prop_map(TermsScope::Segment),
        string().prop_map(TermsScope::Account),
        (string(), string()).prop_map(|(account_id, contract_id)| {
            TermsScope::Contract { account_id, contract_id }
        }),
    ];
    prop_oneof![
        (request(), string(), option::of(string()), spec()).prop_map(
            |(request, terms_id, calendar_id, spec)| {
                Command::UpsertTerms(UpsertTerms { request, terms_id, calendar_id, spec })
            }
        ),
        (request(), string(), days()).prop_map(|(request, calendar_id, spec)| {
            Command::UpsertCalendar(UpsertCalendar { request, calendar_id, spec })
        }),
        (request(), scope, option::of(string())).prop_map(|(request, scope, terms_id)| {
            Command::AssignTerms(AssignTerms { request, scope, terms_id })
        }),
    ]
    .boxed()
}

pub fn event() -> BoxedStrategy<Event<'static>> {
    let assignee = prop_oneof![
        any::<u32>().prop_map(Assignee::Segment),
        any::<u32>().prop_map(Assignee::Account),
        (any::<u32>(), string()).prop_map(|(slot, id)| Assignee::Contract(slot, id.into())),
    ];
    prop_oneof![
        (any::<u32>(), string(), option::of(any::<u32>()), spec()).prop_map(
            |(terms, terms_id, calendar, spec)| {
                Event::TermsSet { terms, terms_id, calendar, spec }
            }
        ),
        (any::<u32>(), string(), days()).prop_map(|(calendar, calendar_id, spec)| {
            Event::CalendarSet { calendar, calendar_id, spec }
        }),
        (assignee, option::of(any::<u32>()))
            .prop_map(|(assignee, terms)| Event::TermsAssigned { assignee, terms }),
    ]
    .boxed()
}

pub fn invoiced() -> BoxedStrategy<Invoiced> {
    let source = select(vec![Source::Order, Source::Contract, Source::Account, Source::Segment]);
    let instalment = (day(), number()).prop_map(|(due, amount)| Instalment { due, amount });
    let offer = (any::<u16>(), day(), day(), number()).prop_map(
        |(percent, until, granted_until, amount)| Offer { percent, until, granted_until, amount },
    );
    let parts = (vec(instalment, 0..4), vec(offer, 0..4));
    (source, string(), dates(), parts, any::<bool>())
        .prop_map(|(source, id, dates, (instalments, offers), beyond_calendar)| {
            let InvoiceDates { issued, due, grace_days } = dates;
            let terms_id = Id::from(id);
            let plan =
                Plan { terms_id, issued, due, grace_days, instalments, offers, beyond_calendar };
            Invoiced { source, plan }
        })
        .boxed()
}
