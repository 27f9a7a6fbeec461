//! Orders that do not count as they are, and rates, in the journal.

use creditgate_engine::counting::*;
use creditgate_engine::rates::*;

use super::*;

fn quote() -> Quote {
    Quote { rate: Rate::parse("1.0825").unwrap(), source: "ecb".into(), as_of: 4 }
}

pub fn kept() -> Counting {
    let eur = Currency::parse("EUR").unwrap();
    Counting {
        parts: Parts { open: 300, captured: 0, released: 0, expired: 0 },
        total: 300,
        excluded: 50,
        exchange: Some(Exchange { from: eur, to: usd(), quote: quote(), inverted: true }),
        ship_date: Some(Day(20_000)),
        waiting: Waiting::Still,
        sold_to: Some("b".into()),
    }
}

pub fn rows() -> Vec<Row> {
    let shipping =
        Shipping { ship_date: Some(Day(20_000)), tax: 30, freight: 20, bill_to: Some("a") };
    let details = OrderDetails { contract_id: None, terms_id: Some("t"), shipping: Some(shipping) };
    let order = Order { details: Some(Box::new(details)), ..order() };
    let reserve = Reserve { request: REQUEST, order, allow_partial: false };
    let (reservation, currency) = (1025, usd());
    let counting = Some(Box::new(kept()));
    let outcome = Reserved { counting, ..reserved(Decision::Approved, &[]) };
    let details = Details { terms_id: Some("t".into()), counting: Some(kept()), contract_id: None };
    let base = Currency::parse("EUR").unwrap();
    let Quote { rate, as_of, .. } = quote();
    let as_of = Some(as_of);
    let rate = UpsertRate { request: REQUEST, base, currency, rate, source: "ecb", as_of };
    let revalued = Revalued { examined: 3, revalued: 2, kept: 1, next: Some(reservation) };
    let change = Parts { open: -300, captured: 100, released: 200, expired: 0 };
    vec![
        row(
            "reserve, counting",
            Command::Reserve(reserve),
            Outcome::Reserved(outcome),
            vec![held(Some(Box::new(details)))],
            "\
             949481a7726573657276659393a172010796a161a16fcd012ca3555344923c5a93c0a17494cd4e \
             201e14a161c2a36f6d73a3776562c00081a872657365727665649694a8617070726f7665649000 \
             c0cd0401cd012c05c09794cd012c000000cd012c3294a3455552a35553449392cd2a4904a36563 \
             6204c3cd4e20a57374696c6ca1629181a8726573657276656497cd040102a16fcd012c0593c0a1 \
             749794cd012c000000cd012c3294a3455552a35553449392cd2a4904a365636204c3cd4e20a573 \
             74696c6ca162a0",
        ),
        row(
            "upsert_rate",
            Command::UpsertRate(rate),
            Outcome::Upserted(Upserted::Created),
            vec![Event::RateSet { base, currency, quote: quote() }],
            "\
             949481ab7570736572745f726174659693a1720107a3455552a355534492cd2a4904a365636204 \
             a36f6d73a3776562c00081a87570736572746564a7637265617465649181a8726174655f736574 \
             93a3455552a35553449392cd2a4904a365636204",
        ),
        row(
            "revalue",
            Command::Revalue(Revalue { request: REQUEST, after: 7 }),
            Outcome::Revalued(revalued),
            vec![
                Event::Revalued { reservation, amount: -3, quote: quote(), inverted: false },
                Event::Counted { reservation, amount: 300 },
                Event::OrderMoved { reservation, change },
            ],
            "\
             949481a7726576616c75659293a172010707a36f6d73a3776562c00081a8726576616c75656494 \
             030201cd04019381a8726576616c75656494cd0401fd9392cd2a4904a365636204c281a7636f75 \
             6e74656492cd0401cd012c81ab6f726465725f6d6f76656492cd040194d1fed464ccc800",
        ),
    ]
}
