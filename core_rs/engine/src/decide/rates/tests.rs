use crate::bounds::REVALUED_MAX;
use crate::command::{
    CaptureOrder, Order, Reserve, ReserveAll, Revalue, UpsertAccount, UpsertRate,
};
use crate::counting::{OrderDetails, Shipping};
use crate::error::Refusal;
use crate::outcome::{Outcome, Revalued, Upserted};
use crate::rates::Rate;
use crate::testing::*;
use crate::values::{Currency, Day, LimitKind, Micros};

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

#[test]
fn a_rate_that_is_quoted_again_is_no_other_rate_but_of_today() {
    let mut book = Book::with_100();
    let now = book.now;
    book.run(rate("1.25", now)).unwrap();
    book.reserved(euros("o", 8));
    book.now += HOUR;
    book.run(rate("1.25", now + HOUR)).unwrap();
    let found = revalue(&mut book, 0);
    assert_eq!((found.examined, found.revalued, found.kept), (1, 0, 0));
    let counting = book.order("o").counting().expect("it is in euros");
    let quote = &counting.exchange.as_ref().expect("by a rate").quote;
    assert_eq!((quote.as_of, book.position()), (now + HOUR, (0, 0, 10)));
}

#[test]
fn a_revaluation_moves_what_is_open_and_counts_of_whatever_kind() {
    let mut book = Book::with_limit(LimitKind::Unlimited);
    book.set_policy("[exposure]\nhorizon_days = 2\ntax_counts = false");
    let now = book.now;
    book.run(rate("1.25", now)).unwrap();
    let ship_date = Some(Day::of(now).plus(4));
    let of = |order_id, amount, shipping| {
        let details = OrderDetails { shipping: Some(shipping), ..OrderDetails::default() };
        let order = Order { details: Some(Box::new(details)), ..euros(order_id, amount).order };
        let order = Order { ttl: ttl(Some(9 * 86_400)), ..order };
        Reserve { order, ..reserve("", 0) }
    };
    book.reserved(of("waits", 8_000, Shipping { ship_date, ..Shipping::default() }));
    book.reserved(of("taxed", 1_200, Shipping { tax: 200, ..Shipping::default() }));
    book.reserved(of("shipped", 2_000, Shipping { tax: 400, ..Shipping::default() }));
    book.run(CaptureOrder { amount: Some(500), ..capture("shipped", "i") }).unwrap();
    assert_eq!(book.position(), (0, 500, 1_250 + 1_500));
    book.run(rate("1.5", now)).unwrap();
    let found = revalue(&mut book, 0);
    assert_eq!((found.examined, found.revalued), (3, 3));
    assert_eq!(book.position(), (0, 500, 1_500 + 1_800), "what has left keeps its rate");
    book.pass(2 * DAY);
    assert_eq!(book.position(), (0, 500, 1_500 + 1_800 + 12_000));
    for order_id in ["waits", "taxed", "shipped"] {
        book.run(capture(order_id, "j")).unwrap();
    }
    assert_eq!(book.position(), (0, 500 + 1_500 + 1_800 + 12_000, 0));
}
