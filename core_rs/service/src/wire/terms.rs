//! `TermsService`: requests to commands, and answers.

use creditgate_engine::bounds::{
    DISCOUNTS_MAX, DUE_DAYS_MAX, DUE_MONTHS_MAX, DUE_ROWS_MAX, HOLIDAYS_MAX, INSTALMENTS_MAX,
};
use creditgate_engine::command::{
    AssignTerms, Command, RequestKey, TermsScope, UpsertCalendar, UpsertTerms,
};
use creditgate_engine::decide::payment_terms;
use creditgate_engine::entry::Request;
use creditgate_engine::state::State;
use creditgate_engine::terms::{
    Calendar, CalendarSpec, DateRow, DayRow, Discount, NamedTerms, Part, Plan, Roll, Rule, Source,
    TermsSpec, WHOLE,
};
use creditgate_engine::values::{Day, Micros, Slot};
use prost::Message;

use crate::wire::admit;
use crate::wire::reply::page_token;
use crate::wire::status::Fault;
use crate::wire::v1;

mod assignments;

pub(crate) use assignments::{assignment, list as list_assignments};

/// A page ends with the row that fills so many bytes: clients take 4 MiB.
const PAGE_BYTES: usize = 64 << 10;

/// One row of `UpsertTerms`.
pub(crate) fn upsert_terms<'a>(
    request: RequestKey<'a>,
    m: &'a v1::Terms,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    let terms_id = admit::id("terms_id", &m.terms_id)?;
    let calendar_id = admit::optional_id("calendar_id", &m.calendar_id)?;
    let calendar_id = Some(calendar_id).filter(|id| !id.is_empty());
    let discounts = bounded("discounts", &m.discounts, 0..=DISCOUNTS_MAX)?;
    let discounts = discounts.iter().enumerate().map(|(index, discount)| {
        let path = format!("discounts[{index}]");
        let percent = share(&format!("{path}.rate_bp"), discount.rate_bp)?;
        let until = rule(&format!("{path}.until"), discount.until.as_ref())?;
        Ok(Discount { percent, until })
    });
    let days = |field, value| number(field, value, 0..=DUE_DAYS_MAX.into());
    let spec = TermsSpec {
        parts: parts(&m.instalments)?,
        discounts: discounts.collect::<Result<_, Fault>>()?,
        discount_grace_days: days("discount_grace_days", m.discount_grace_days)? as u16,
        grace_days: days("grace_days", m.grace_days)? as u16,
        roll: roll(m.non_working_day, calendar_id)?,
    };
    let command = Command::UpsertTerms(UpsertTerms { request, terms_id, calendar_id, spec });
    Ok(Request { command, actor, channel, reason: None })
}

fn parts(rows: &[v1::TermsInstalment]) -> Result<Vec<Part>, Fault> {
    let rows = bounded("instalments", rows, 1..=INSTALMENTS_MAX)?;
    let parts = rows.iter().enumerate().map(|(index, part)| {
        let path = format!("instalments[{index}]");
        let share = share(&format!("{path}.share_bp"), part.share_bp)?;
        Ok(Part { share, due: rule(&format!("{path}.due"), part.due.as_ref())? })
    });
    let parts = parts.collect::<Result<Vec<_>, Fault>>()?;
    let sum: u32 = parts.iter().map(|part| u32::from(part.share)).sum();
    if sum != u32::from(WHOLE) {
        let rule = "instalments whose share_bp add up to 10000";
        return Err(Fault::field("instalments", format!("{sum} in sum"), rule));
    }
    Ok(parts)
}

fn roll(value: i32, calendar_id: Option<&str>) -> Result<Roll, Fault> {
    let found = v1::NonWorkingDay::try_from(value).ok();
    let rule = match (found, calendar_id) {
        (Some(v1::NonWorkingDay::Keep), _) => return Ok(Roll::Keep),
        (Some(v1::NonWorkingDay::Unspecified), None) => return Ok(Roll::Keep),
        (Some(v1::NonWorkingDay::Next), Some(_)) => return Ok(Roll::Next),
        (Some(v1::NonWorkingDay::Previous), Some(_)) => return Ok(Roll::Previous),
        (_, Some(_)) => "KEEP, NEXT or PREVIOUS where a calendar is given",
        (_, None) => "KEEP or unspecified without a calendar",
    };
    Err(Fault::field("non_working_day", value, rule))
}

/// A share of an amount.
fn share(field: &str, value: u32) -> Result<u16, Fault> {
    number(field, value, 1..=WHOLE.into()).map(|value| value as u16)
}

fn number(field: &str, value: u32, range: std::ops::RangeInclusive<u32>) -> Result<u32, Fault> {
    if range.contains(&value) {
        return Ok(value);
    }
    let rule = format!("from {} to {}", range.start(), range.end());
    Err(Fault::field(field, value, &rule))
}

fn bounded<'a, T>(
    field: &str,
    rows: &'a [T],
    range: std::ops::RangeInclusive<usize>,
) -> Result<&'a [T], Fault> {
    if range.contains(&rows.len()) {
        return Ok(rows);
    }
    let rule = format!("{} to {} rows", range.start(), range.end());
    Err(Fault::field(field, format!("{} rows", rows.len()), &rule))
}

fn rule(field: &str, value: Option<&v1::DueRule>) -> Result<Rule, Fault> {
    use v1::due_rule::Rule as Given;
    let days = |path, value| {
        let field = format!("{field}.{path}.days");
        number(&field, value, 0..=DUE_DAYS_MAX.into()).map(|days| days as u16)
    };
    let months = |path, value, least| {
        let field = format!("{field}.{path}.months");
        number(&field, value, least..=DUE_MONTHS_MAX.into()).map(|months| months as u8)
    };
    Ok(match value.and_then(|value| value.rule.as_ref()) {
        Some(Given::Net(m)) => Rule::Net { days: days("net", m.days)? },
        Some(Given::EndOfMonth(m)) => Rule::EndOfMonth {
            months: months("end_of_month", m.months, 0)?,
            days: days("end_of_month", m.days)?,
        },
        Some(Given::DayOfMonth(m)) => Rule::DayOfMonth {
            months: months("day_of_month", m.months, 1)?,
            day: number(&format!("{field}.day_of_month.day"), m.day, 1..=31)? as u8,
        },
        Some(Given::DayTable(m)) => day_table(&format!("{field}.day_table"), &m.rows)?,
        Some(Given::DateTable(m)) => {
            let rows = date_table(&format!("{field}.date_table"), &m.rows)?;
            Rule::DateTable { rows, days: days("date_table", m.days)? }
        }
        None => return Err(Fault::field(field, (), "one of the rules")),
    })
}

fn day_table(field: &str, rows: &[v1::DayTableRow]) -> Result<Rule, Fault> {
    let rows = bounded(&format!("{field}.rows"), rows, 1..=31)?;
    let mut before = 0;
    let mut found = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let path = |name: &str| format!("{field}.rows[{index}].{name}");
        let until_day = row.until_day;
        if !(before + 1..=31).contains(&until_day) {
            let rule = "above that of the row before, and at most 31";
            return Err(Fault::field(&path("until_day"), until_day, rule));
        }
        let months = number(&path("months"), row.months, 0..=DUE_MONTHS_MAX.into())?;
        let day = number(&path("day"), row.day, 1..=31)?;
        if months == 0 && day < until_day {
            let rule = "not before until_day, or months above 0";
            return Err(Fault::field(&path("day"), day, rule));
        }
        found.push(DayRow { until_day: until_day as u8, months: months as u8, day: day as u8 });
        before = until_day;
    }
    if before != 31 {
        return Err(Fault::field(&format!("{field}.rows"), before, "until day 31 in the last row"));
    }
    Ok(Rule::DayTable(found))
}

fn date_table(field: &str, rows: &[v1::DateTableRow]) -> Result<Vec<DateRow>, Fault> {
    let rows = bounded(&format!("{field}.rows"), rows, 1..=DUE_ROWS_MAX)?;
    let mut found: Vec<DateRow> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let path = |name: &str| format!("{field}.rows[{index}].{name}");
        let from = required_day(&path("from_date"), &row.from_date)?;
        let until = required_day(&path("until_date"), &row.until_date)?;
        let due = required_day(&path("due_date"), &row.due_date)?;
        if found.last().is_some_and(|before| from <= before.until) {
            return Err(Fault::field(&path("from_date"), &row.from_date, "after the row before"));
        }
        if until < from {
            return Err(Fault::field(&path("until_date"), &row.until_date, "not before from_date"));
        }
        if due < until {
            return Err(Fault::field(&path("due_date"), &row.due_date, "not before until_date"));
        }
        found.push(DateRow { from, until, due });
    }
    Ok(found)
}

fn required_day(field: &str, value: &str) -> Result<Day, Fault> {
    let found = admit::business_day(field, value)?;
    found.ok_or_else(|| Fault::field(field, value, "a day as YYYY-MM-DD"))
}

/// One row of `UpsertCalendars`.
pub(crate) fn upsert_calendar<'a>(
    request: RequestKey<'a>,
    m: &'a v1::Calendar,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    let calendar_id = admit::id("calendar_id", &m.calendar_id)?;
    let mut weekend = 0;
    for (index, day) in m.weekend.iter().enumerate() {
        weekend |= 1 << (number(&format!("weekend[{index}]"), *day, 1..=7)? - 1);
    }
    if weekend == 0x7f {
        return Err(Fault::field("weekend", "all seven days", "at most six days of the week"));
    }
    let from = required_day("from_date", &m.from_date)?;
    let until = required_day("until_date", &m.until_date)?;
    if until < from {
        return Err(Fault::field("until_date", &m.until_date, "not before from_date"));
    }
    let holidays = days_within("holidays", &m.holidays, from..=until)?;
    let workdays = days_within("workdays", &m.workdays, from..=until)?;
    if let Some(day) = workdays.iter().find(|day| weekend >> day.weekday() & 1 == 0) {
        return Err(Fault::field("workdays", day, "on days of the weekend"));
    }
    if let Some(day) = workdays.iter().find(|day| holidays.contains(day)) {
        return Err(Fault::field("workdays", day, "no holidays"));
    }
    let spec = CalendarSpec { weekend, from, until, holidays, workdays };
    let command = Command::UpsertCalendar(UpsertCalendar { request, calendar_id, spec });
    Ok(Request { command, actor, channel, reason: None })
}

/// Days of a calendar, in order, each once.
fn days_within(
    field: &str,
    texts: &[String],
    known: std::ops::RangeInclusive<Day>,
) -> Result<Vec<Day>, Fault> {
    let texts = bounded(field, texts, 0..=HOLIDAYS_MAX)?.iter().enumerate();
    let days = texts.map(|(index, text)| {
        let field = format!("{field}[{index}]");
        let day = required_day(&field, text)?;
        if !known.contains(&day) {
            return Err(Fault::field(&field, text, "from from_date to until_date"));
        }
        Ok(day)
    });
    let mut days = days.collect::<Result<Vec<_>, Fault>>()?;
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

/// One row of `AssignTerms`.
pub(crate) fn assign<'a>(
    request: RequestKey<'a>,
    m: &'a v1::TermsAssignment,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    let terms_id = admit::optional_id("terms_id", &m.terms_id)?;
    let scope = match (&*m.segment_id, &*m.account_id, &*m.contract_id) {
        ("", account_id, "") => TermsScope::Account(admit::id("account_id", account_id)?),
        ("", account_id, contract_id) => TermsScope::Contract {
            account_id: admit::id("account_id", account_id)?,
            contract_id: admit::id("contract_id", contract_id)?,
        },
        (segment_id, "", "") => TermsScope::Segment(admit::id("segment_id", segment_id)?),
        (segment_id, ..) => {
            let rule = "empty where an account or a contract is given";
            return Err(Fault::field("segment_id", admit::shown(segment_id), rule));
        }
    };
    let terms_id = Some(terms_id).filter(|id| !id.is_empty());
    let command = Command::AssignTerms(AssignTerms { request, scope, terms_id });
    Ok(Request { command, actor, channel, reason: None })
}

/// `ListTerms`: they are few, and in memory.
pub(crate) fn list(
    state: &State,
    m: &v1::ListTermsRequest,
) -> Result<v1::ListTermsResponse, Fault> {
    let all = state.payment_terms().terms();
    let row = |index: usize| terms(&all[index], calendar_id(state, &all[index]));
    let (terms, next_page_token) = page(m.page_size, &m.page_token, all.len(), row)?;
    Ok(v1::ListTermsResponse { terms, next_page_token })
}

/// `ListCalendars`.
pub(crate) fn list_calendars(
    state: &State,
    m: &v1::ListCalendarsRequest,
) -> Result<v1::ListCalendarsResponse, Fault> {
    let all = state.payment_terms().calendars();
    let row = |index: usize| calendar(&all[index]);
    let (calendars, next_page_token) = page(m.page_size, &m.page_token, all.len(), row)?;
    Ok(v1::ListCalendarsResponse { calendars, next_page_token })
}

/// Rows from where the page before ended, as many as were asked for or fit.
fn page<M: Message>(
    size: i32,
    token: &str,
    count: usize,
    row: impl Fn(usize) -> M,
) -> Result<(Vec<M>, String), Fault> {
    let (size, after) = (admit::page_size(size)?, admit::page_token(token)?);
    let mut next = after.map_or(0, |next| usize::try_from(next).unwrap_or(count).min(count));
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while next < count && rows.len() < size && bytes < PAGE_BYTES {
        let found = row(next);
        bytes += found.encoded_len();
        rows.push(found);
        next += 1;
    }
    Ok((rows, page_token((next < count).then_some(next as u64))))
}

/// `GetTermsOf`.
pub(crate) fn get(
    state: &State,
    slot: Slot,
    contract_id: &str,
) -> Result<v1::GetTermsOfResponse, Fault> {
    let found = terms_of(state, slot, contract_id)?;
    Ok(v1::GetTermsOfResponse {
        terms: found.map(|(found, _)| terms(found, calendar_id(state, found))),
        source: found.map_or(v1::TermsSource::Unspecified, |(_, of)| source(of)).into(),
    })
}

fn terms_of<'s>(
    state: &'s State,
    slot: Slot,
    contract_id: &str,
) -> Result<Option<(&'s NamedTerms, Source)>, Fault> {
    let contract_id = admit::optional_id("contract_id", contract_id)?;
    let contract_id = Some(contract_id).filter(|id| !id.is_empty());
    if let Some(contract_id) = contract_id {
        payment_terms::require_contract(state, slot, contract_id)?;
    }
    Ok(payment_terms::terms_of(state, slot, contract_id))
}

/// `QuoteTerms`: of the terms that are named, else of the account in `slot`.
pub(crate) fn quote(
    state: &State,
    now: Micros,
    m: &v1::QuoteTermsRequest,
    slot: Option<Slot>,
) -> Result<v1::QuoteTermsResponse, Fault> {
    let amount = admit::amount("amount_minor", m.amount_minor)?;
    let issued = admit::business_day("invoice_date", &m.invoice_date)?.unwrap_or(Day::of(now));
    let found = match slot {
        Some(slot) => terms_of(state, slot, &m.contract_id)?.map(|(of, from)| (of, Some(from))),
        None if m.account_id.is_empty() && m.contract_id.is_empty() => {
            let terms_id = admit::id("terms_id", &m.terms_id)?;
            Some((payment_terms::find_terms(state, terms_id)?, None))
        }
        None => {
            let rule = "empty where an account or a contract is given";
            return Err(Fault::field("terms_id", admit::shown(&m.terms_id), rule));
        }
    };
    let quote = found
        .map(|(terms, source)| invoice(&payment_terms::plan(state, terms, issued, amount), source));
    Ok(v1::QuoteTermsResponse { quote })
}

/// A calendar as answers show it.
pub(crate) fn calendar(found: &Calendar) -> v1::Calendar {
    let CalendarSpec { weekend, from, until, ref holidays, ref workdays } = found.spec;
    let texts = |days: &[Day]| days.iter().map(Day::to_string).collect();
    v1::Calendar {
        calendar_id: found.id.to_string(),
        weekend: (1..=7).filter(|day| weekend >> (day - 1) & 1 == 1).collect(),
        from_date: from.to_string(),
        until_date: until.to_string(),
        holidays: texts(holidays),
        workdays: texts(workdays),
    }
}

fn calendar_id<'s>(state: &'s State, terms: &NamedTerms) -> &'s str {
    let calendars = state.payment_terms().calendars();
    terms.calendar.map_or("", |index| &calendars[index as usize].id)
}

/// Payment terms as answers show them, with the id of their calendar.
pub(crate) fn terms(found: &NamedTerms, calendar_id: &str) -> v1::Terms {
    let TermsSpec { parts, discounts, discount_grace_days, grace_days, roll } = &found.spec;
    let roll = match roll {
        Roll::Keep => v1::NonWorkingDay::Keep,
        Roll::Next => v1::NonWorkingDay::Next,
        Roll::Previous => v1::NonWorkingDay::Previous,
    };
    let part = |part: &Part| {
        let due = Some(due_rule(&part.due));
        v1::TermsInstalment { share_bp: part.share.into(), due }
    };
    let discount = |discount: &Discount| {
        let until = Some(due_rule(&discount.until));
        v1::TermsDiscount { rate_bp: discount.percent.into(), until }
    };
    v1::Terms {
        terms_id: found.id.to_string(),
        instalments: parts.iter().map(part).collect(),
        discounts: discounts.iter().map(discount).collect(),
        discount_grace_days: (*discount_grace_days).into(),
        grace_days: (*grace_days).into(),
        calendar_id: calendar_id.to_owned(),
        non_working_day: roll.into(),
    }
}

fn due_rule(rule: &Rule) -> v1::DueRule {
    use v1::due_rule::Rule as Given;
    let day_row = |row: &DayRow| {
        let DayRow { until_day, months, day } = *row;
        v1::DayTableRow { until_day: until_day.into(), months: months.into(), day: day.into() }
    };
    let date_row = |row: &DateRow| {
        let [from_date, until_date, due_date] =
            [row.from, row.until, row.due].map(|day| day.to_string());
        v1::DateTableRow { from_date, until_date, due_date }
    };
    let given = match *rule {
        Rule::Net { days } => Given::Net(v1::NetDays { days: days.into() }),
        Rule::EndOfMonth { months, days } => {
            Given::EndOfMonth(v1::EndOfMonth { months: months.into(), days: days.into() })
        }
        Rule::DayOfMonth { months, day } => {
            Given::DayOfMonth(v1::DayOfMonth { months: months.into(), day: day.into() })
        }
        Rule::DayTable(ref rows) => {
            Given::DayTable(v1::DayTable { rows: rows.iter().map(day_row).collect() })
        }
        Rule::DateTable { ref rows, days } => {
            let rows = rows.iter().map(date_row).collect();
            Given::DateTable(v1::DateTable { rows, days: days.into() })
        }
    };
    v1::DueRule { rule: Some(given) }
}

fn source(source: Source) -> v1::TermsSource {
    match source {
        Source::Order => v1::TermsSource::Order,
        Source::Contract => v1::TermsSource::Contract,
        Source::Account => v1::TermsSource::Account,
        Source::Segment => v1::TermsSource::Segment,
    }
}

/// The dates and amounts of one invoice.
pub(crate) fn invoice(plan: &Plan, from: Option<Source>) -> v1::InvoiceTerms {
    let instalments = plan
        .instalments
        .iter()
        .map(|part| v1::Instalment { due_date: part.due.to_string(), amount_minor: part.amount });
    let discounts = plan.offers.iter().map(|offer| v1::Discount {
        rate_bp: offer.percent.into(),
        discount_date: offer.until.to_string(),
        granted_until: offer.granted_until.to_string(),
        amount_minor: offer.amount,
    });
    v1::InvoiceTerms {
        terms_id: plan.terms_id.to_string(),
        source: from.map_or(v1::TermsSource::Unspecified, source).into(),
        invoice_date: plan.issued.to_string(),
        due_date: plan.due.to_string(),
        overdue_date: plan.overdue_from().to_string(),
        instalments: instalments.collect(),
        discounts: discounts.collect(),
        beyond_calendar: plan.beyond_calendar,
    }
}

#[cfg(test)]
mod tests;
