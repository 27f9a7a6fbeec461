//! What holds of every decision, whatever the model says.

use creditgate_engine::command::{Command, Order, Reserve};
use creditgate_engine::decide::{Inquiry, check};
use creditgate_engine::entry::Request;
use creditgate_engine::outcome::{
    Decision, Effect, Outcome, PRECEDENCE, Reason, ReasonCode, Reserved, Verdict,
};
use creditgate_engine::state::State;
use creditgate_engine::values::Micros;

/// A decision, on how much, whether in a case, and whether against what it says.
type Decided<'o> = (&'o Verdict, i64, bool, bool);

fn decided(outcome: &Outcome) -> Vec<Decided<'_>> {
    fn reserved(made: &Reserved) -> Decided<'_> {
        (&made.verdict, made.amount, made.case.is_some(), false)
    }
    match outcome {
        Outcome::Reserved(one) => vec![reserved(one)],
        Outcome::ReservedAll(all) => all.iter().map(reserved).collect(),
        Outcome::Changed(c) => vec![(&c.verdict, c.amount, false, c.breach)],
        Outcome::Reviewed(reviewed) => reviewed.reserved.iter().map(reserved).collect(),
        Outcome::Retried(all) => {
            all.iter().filter_map(|one| one.reserved.as_ref()).map(reserved).collect()
        }
        _ => vec![],
    }
}

/// `available`: what was, of each account, with what its channel may go beyond.
pub fn assert_verdicts(
    outcome: &Outcome,
    command: &Command<'_>,
    available: &[(&str, Option<i128>)],
) {
    for (verdict, amount, in_case, breach) in decided(outcome) {
        let Verdict { decision, ref reasons, .. } = *verdict;
        let place = |code| PRECEDENCE.iter().position(|known| *known == code);
        assert!(reasons.iter().map(|reason| place(reason.code)).is_sorted(), "{reasons:?}");
        let twice = reasons.iter().enumerate().any(|(at, reason)| {
            let same = |other: &Reason| (other.code, &other.whose) == (reason.code, &reason.whose);
            reasons[..at].iter().any(same)
        });
        assert!(!twice, "each once: {reasons:?}");
        let strongest = reasons.iter().map(Reason::effect).max();
        let blocks = strongest >= Some(Effect::Refer);
        let referred = strongest == Some(Effect::Refer);
        // What was signed for is named, and approved.
        let signed = referred && in_case && decision == Decision::Approved;
        // What was rejected is declined, as it was referred.
        let rejected = referred && in_case && decision == Decision::Declined;
        let stands = referred && !signed && !rejected && !breach;
        assert_eq!(decision == Decision::Referred, stands, "{verdict:?}");
        let refused = matches!(decision, Decision::Declined | Decision::Referred);
        assert!(!refused || blocks && amount == 0, "{verdict:?}");
        assert!(decision != Decision::Approved || !blocks || breach || signed, "{verdict:?}");
        assert!(!breach || blocks);
        let tolerated = reasons.iter().any(|reason| reason.code == ReasonCode::LimitTolerated);
        assert!(!(tolerated && refused), "nothing is tolerated of it: {reasons:?}");
    }
    // One that a case has let through may be asked for again, and holds what it holds.
    if let (Command::Reserve(command), Outcome::Reserved(reserved)) = (command, outcome)
        && reserved.counting.is_none()
        && reserved.case.is_none()
    {
        let Reserve { order, allow_partial, .. } = command;
        let own = available.iter().find(|(known, _)| *known == order.account_id);
        let room = own.and_then(|(_, room)| *room).unwrap_or(i128::MAX);
        let decision = reserved.verdict.decision;
        let refused = matches!(decision, Decision::Declined | Decision::Referred);
        assert!(refused || (1..=room.min(order.amount.into())).contains(&reserved.amount.into()));
        assert!(decision != Decision::PartiallyApproved || *allow_partial);
    }
}

/// `Check` says what `CheckAndReserve` decides.
pub fn assert_check(state: &State, now: Micros, asked: &Request<'_>, outcome: &Outcome) {
    let (Command::Reserve(command), Outcome::Reserved(reserved)) = (&asked.command, outcome) else {
        return;
    };
    // It does not ask under which name an order was signed for, or rejected.
    if reserved.case.is_some() && reserved.verdict.decision != Decision::Referred {
        return;
    }
    let Reserve { order, allow_partial, .. } = command;
    let Order { account_id, amount, currency, ref details, .. } = *order;
    let details = details.as_deref();
    let (allow_partial, channel) = (*allow_partial, asked.channel);
    let inquiry = Inquiry { account_id, amount, currency, allow_partial, details, channel };
    let checked = check(state, now, &inquiry);
    let expected = Reserved { reservation: None, expires_at: 0, case: None, ..reserved.clone() };
    assert_eq!(checked, Ok(expected));
}
