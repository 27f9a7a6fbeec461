//! Orders that do not count as they are, and rates.

use creditgate_engine::counting::*;
use creditgate_engine::rates::*;

use super::*;

pub fn details() -> BoxedStrategy<OrderDetails<'static>> {
    let shipping = (option::of(day()), number(), number(), option::of(string())).prop_map(
        |(ship_date, tax, freight, bill_to)| Shipping { ship_date, tax, freight, bill_to },
    );
    (option::of(string()), option::of(string()), option::of(shipping))
        .prop_map(|(contract_id, terms_id, shipping)| OrderDetails {
            contract_id,
            terms_id,
            shipping,
        })
        .boxed()
}

fn quote() -> BoxedStrategy<Quote> {
    (1_i64..1_000_000, string(), number())
        .prop_map(|(rate, source, as_of)| {
            let rate = Rate::parse(&format!("0.{rate:06}")).expect("a decimal");
            Quote { rate, source: source.into(), as_of }
        })
        .boxed()
}

fn parts() -> BoxedStrategy<Parts> {
    (number(), number(), number(), number())
        .prop_map(|(open, captured, released, expired)| Parts { open, captured, released, expired })
        .boxed()
}

pub fn counting() -> BoxedStrategy<Counting> {
    let exchange = (currency(), currency(), quote(), any::<bool>())
        .prop_map(|(from, to, quote, inverted)| Exchange { from, to, quote, inverted });
    let waiting = select(vec![Waiting::Never, Waiting::Still, Waiting::Over]);
    let all = (parts(), number(), number(), option::of(exchange), option::of(day()), waiting);
    (all, option::of(string()))
        .prop_map(|((parts, total, excluded, exchange, ship_date, waiting), sold_to)| {
            let sold_to = sold_to.map(Into::into);
            Counting { parts, total, excluded, exchange, ship_date, waiting, sold_to }
        })
        .boxed()
}

pub fn kept() -> BoxedStrategy<Details> {
    (option::of(string()), option::of(string()), option::of(counting()))
        .prop_map(|(contract_id, terms_id, counting)| Details {
            contract_id: contract_id.map(Into::into),
            terms_id: terms_id.map(Into::into),
            counting,
        })
        .boxed()
}

pub fn command() -> BoxedStrategy<Command<'static>> {
    (request(), currency(), currency(), quote(), string(), any::<u64>(), any::<bool>())
        .prop_map(|(request, base, currency, Quote { rate, as_of, .. }, source, after, sets)| {
            if sets {
                let as_of = Some(as_of).filter(|_| after % 2 == 0);
                let rate = UpsertRate { request, base, currency, rate, source, as_of };
                return Command::UpsertRate(rate);
            }
            Command::Revalue(Revalue { request, after })
        })
        .boxed()
}

pub fn event() -> BoxedStrategy<Event<'static>> {
    let rate = (currency(), currency(), quote(), any::<bool>());
    (any::<u64>(), parts(), number(), rate, 0..4)
        .prop_map(|(reservation, change, amount, (base, currency, quote, inverted), which)| {
            match which {
                0 => Event::OrderMoved { reservation, change },
                1 => Event::Counted { reservation, amount },
                2 => Event::Revalued { reservation, amount, quote, inverted },
                _ => Event::RateSet { base, currency, quote },
            }
        })
        .boxed()
}
