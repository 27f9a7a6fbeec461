use creditgate_engine::outcome::{Cure, CuringInvoice, Level, Reason, ReasonCode, Whose};
use creditgate_engine::values::reservation_id;
use prost::Message;

use super::*;
use crate::wire::cases;

fn violated(code: ReasonCode) -> Reason {
    Reason::own(code, i64::MAX, -5)
}

#[test]
fn an_answer_is_written_as_the_message_says() {
    let short = violated(ReasonCode::InsufficientCredit);
    let code = ReasonCode::SharedLimitExceeded;
    let shared = Reason { whose: Some(Whose::Group("head".into())), ..violated(code) };
    let code = ReasonCode::FraudSuspension;
    let held = Reason { whose: Some(Whose::Hold("h".into())), ..violated(code) };
    let head = Some(Level::Group("head".into()));
    for (reasons, fitting, available, bound_by, reservation, replayed) in [
        (vec![], None, Some(0), None, Some(reservation_id(1, 0)), false),
        (vec![], None, None, None, Some(u64::MAX), true),
        (vec![], None, Some(7), Some(Level::Segment("s".into())), Some(1), false),
        (vec![short.clone()], Some(0), Some(-9), None, None, false),
        (vec![held, short.clone(), shared], Some(0), Some(-9), head, None, false),
        (vec![short; 40], Some(7), Some(i64::MIN), None, None, true),
    ] {
        let decision = Decision::Declined;
        let invoice = Some(CuringInvoice { invoice_id: "i".into(), open: 7 });
        let cure = fitting.map(|_| Box::new(Cure { invoice, fits_from: Some(Day(20_000)) }));
        let verdict = Verdict { decision, reasons, fitting, available, bound_by, cure };
        for time in [0_i64, -1, 1, 1_000_000, 1_790_000_000_123_456] {
            let made = Made { seq: time.unsigned_abs(), time, policy_version: 1, replayed };
            let counting = replayed.then(|| v1::OrderCounting {
                currency: "EUR".to_owned(),
                counted_minor: time,
                ..v1::OrderCounting::default()
            });
            let account_currency = if replayed { "USD" } else { "" }.to_owned();
            let counts = Counts { account_currency, counting };
            let made_of = Reserved {
                verdict: verdict.clone(),
                reservation,
                amount: 12_345,
                expires_at: time,
                case: replayed.then_some(u64::MAX),
                counting: None,
            };
            let expected = cases::order(made_of.clone(), counts.clone(), made);
            let mut bytes = Vec::new();
            reserved(&mut bytes, made_of, made, Some(Box::new(counts)));
            assert_eq!(v1::CheckAndReserveResponse::decode(&bytes[..]), Ok(expected));
        }
    }
}
