use crate::bounds::REVALUED_MAX;
use crate::command::{Order, Reserve, ReserveAll, Revalue, UpsertAccount, UpsertRate};
use crate::error::Refusal;
use crate::outcome::{Outcome, Revalued, Upserted};
use crate::rates::Rate;
use crate::testing::*;
use crate::values::{Currency, LimitKind, Micros};

const HOUR: Micros = 3_600_000_000;

fn rate(rate: &str, as_of: Micros) -> UpsertRate<'static> {
    let (base, currency, source) = (eur(), usd(), "ecb");
    let (rate, as_of) = (Rate::parse(rate).unwrap(), Some(as_of));
    UpsertRate { request: REQUEST, base, currency, rate, source, as_of }
}

fn revalue(book: &mut Book, after: u64) -> Revalued {
    match book.run(Revalue { request: REQUEST, after }) {
        Ok(Outcome::Revalued(found)) => found,
        other => panic!("expected a revaluation, got {other:?}"),
    }
}

fn euros(order_id: &str, amount: i64) -> Reserve<'_> {
    Reserve { order: Order { currency: eur(), ..order(order_id, amount) }, ..reserve("", 0) }
}

#[test]
fn the_latest_rate_stands_whatever_comes_late() {
    let mut book = Book::with_100();
    book.now += HOUR;
    let now = book.now;
    for (command, outcome) in [
        (rate("1.25", now - 2), Upserted::Created),
        (rate("1.250", now - 2), Upserted::Unchanged),
        (rate("1.20", now - 3), Upserted::Unchanged),
        (rate("1.30", now - 2), Upserted::Updated),
        (rate("1.30", now), Upserted::Updated),
        (UpsertRate { as_of: None, ..rate("1.30", 0) }, Upserted::Unchanged),
    ] {
        assert_eq!(book.run(command), Ok(Outcome::Upserted(outcome)));
    }
    let refusal = book.refused(rate("1.40", now + 1));
    assert!(matches!(refusal, Refusal::NotYet { field: "as_of", .. }));
    let found = book.state.rates().exchange(usd(), eur()).expect("the other way round");
    assert!(found.inverted && found.quote.rate == Rate::parse("1.3").unwrap());
    let yen = Currency::parse("JPY").unwrap();
    assert_eq!(book.state.rates().exchange(usd(), yen), None);
}

#[test]
fn a_revaluation_goes_beyond_the_limit_and_keeps_what_has_no_rate_of_today() {
    let mut book = Book::with_100();
    let now = book.now;
    book.run(rate("1.25", now)).unwrap();
    book.reserved(euros("o", 80));
    assert_eq!(revalue(&mut book, 0), Revalued { examined: 1, revalued: 0, kept: 0, next: None });
    book.run(rate("2", now)).unwrap();
    assert_eq!(revalue(&mut book, 0), Revalued { examined: 1, revalued: 1, kept: 0, next: None });
    assert_eq!(book.position(), (0, 0, 160));
    book.now += 121 * HOUR;
    assert_eq!(revalue(&mut book, 0), Revalued { examined: 1, revalued: 0, kept: 1, next: None });
    assert_eq!(book.position(), (0, 0, 160));
    book.run(release("o")).unwrap();
    assert_eq!(revalue(&mut book, 0).examined, 0);
}

#[test]
fn a_revaluation_of_many_goes_on_where_it_ended() {
    let mut book = Book::with_100();
    let unlimited = Some(limit(LimitKind::Unlimited));
    book.run(UpsertAccount { limit: unlimited, ..account("a") }).unwrap();
    let now = book.now;
    book.run(rate("1.25", now)).unwrap();
    let names: Vec<_> = (0..=REVALUED_MAX).map(|number| format!("o{number}")).collect();
    for some in names.chunks(1_000) {
        let orders = some.iter().map(|name| euros(name, 4).order).collect();
        book.run(ReserveAll { request: REQUEST, orders }).unwrap();
    }
    book.run(rate("1.5", now)).unwrap();
    let first = revalue(&mut book, 0);
    assert_eq!((first.examined, first.revalued), (1_000, 1_000));
    let next = revalue(&mut book, first.next.expect("there is one more"));
    assert_eq!((next.examined, next.revalued, next.next), (1, 1, None));
    assert_eq!(book.position(), (0, 0, 6_006));
}
