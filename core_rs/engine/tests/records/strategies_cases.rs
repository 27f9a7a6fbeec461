//! Cases, and who signs them.

use creditgate_engine::event::{CaseAsk, CaseEvent};
use creditgate_engine::model::{CaseCounts, CaseDetails, CaseStatus, Signer, Waived, Waiver};
use creditgate_engine::outcome::{CaseOrder, Reviewed};

use super::*;

fn signer() -> BoxedStrategy<Signer> {
    select(Signer::ALL.to_vec()).prop_map(|(_, signer)| signer).boxed()
}

fn approve() -> BoxedStrategy<Approve<'static>> {
    let waived = vec(select(PRECEDENCE.to_vec()), 1..4);
    let (instead, seen) = (option::of(string()), option::of(any::<u32>()));
    (waived, option::of(number()), option::of(number()), instead, seen)
        .prop_map(|(waived, amount, until, on_behalf_of, revision)| Approve {
            waived,
            amount,
            until,
            on_behalf_of,
            revision,
        })
        .boxed()
}

pub fn command() -> BoxedStrategy<Command<'static>> {
    let act = prop_oneof![
        any::<bool>().prop_map(|take_over| Act::Claim { take_over }),
        approve().prop_map(Act::Approve),
        Just(Act::Reject),
        Just(Act::Escalate),
        option::of(any::<u8>()).prop_map(|priority| Act::Comment { priority }),
    ];
    let during = option::of((number(), number()));
    prop_oneof![
        (request(), any::<u64>(), option::of(signer()), act).prop_map(
            |(request, case, role, act)| {
                Command::ReviewCase(ReviewCase { request, case, role, act })
            }
        ),
        (request(), (string(), option::of(string())), option::of(signer()), during).prop_map(
            |(request, (to, from), role, during)| {
                Command::Delegate(Delegate { request, to, role, during, from })
            }
        ),
        vec(any::<u64>(), 0..4).prop_map(|cases| Command::RetryCases(RetryCases { cases })),
    ]
    .boxed()
}

fn asked() -> BoxedStrategy<CaseDetails> {
    let counts = (number(), option::of(currency()), option::of(day()), number(), number());
    let counts = (counts, option::of(string())).prop_map(
        |((worth, currency, ship_date, tax, freight), sold_to)| {
            let sold_to = sold_to.map(Into::into);
            CaseCounts { worth, currency, ship_date, tax, freight, sold_to }
        },
    );
    (option::of(string()), option::of(string()), option::of(counts))
        .prop_map(|(contract_id, terms_id, counts)| CaseDetails {
            contract_id: contract_id.map(Into::into),
            terms_id: terms_id.map(Into::into),
            counts,
        })
        .boxed()
}

fn ask() -> BoxedStrategy<CaseAsk<'static>> {
    let texts = (string(), string(), string());
    let numbers = (number(), number(), number());
    (any::<u32>(), texts, numbers, ttl(), verdict(), option::of(asked()))
        .prop_map(|(slot, texts, (amount, escalates_at, expires_at), ttl, verdict, asked)| {
            let (order_id, channel, by) = texts;
            let (channel, by, reasons) = (channel.into(), by.into(), verdict.reasons);
            CaseAsk {
                slot,
                order_id,
                amount,
                ttl,
                reasons,
                channel,
                by,
                escalates_at,
                expires_at,
                asked: asked.map(Box::new),
            }
        })
        .boxed()
}

fn waiver() -> BoxedStrategy<Waiver> {
    (verdict(), number(), number())
        .prop_map(|(verdict, amount, until)| {
            let waived = verdict.reasons.into_iter();
            let waived = waived.map(|reason| Waived { code: reason.code, whose: reason.whose });
            Waiver { waived: waived.collect(), amount, until }
        })
        .boxed()
}

pub fn event() -> BoxedStrategy<Event<'static>> {
    let case = any::<u64>;
    let by = || string().prop_map(Into::into);
    prop_oneof![
        (case(), ask(), vec(string(), 0..3)).prop_map(|(case, ask, askers)| {
            let askers = askers.into_iter().map(Into::into).collect();
            CaseEvent::Opened { case, ask, askers }
        }),
        (case(), ask(), any::<bool>()).prop_map(|(case, ask, anew)| CaseEvent::AskedAgain {
            case,
            ask,
            anew
        }),
        (case(), by()).prop_map(|(case, by)| CaseEvent::Claimed { case, by }),
        (case(), by(), option::of(text()), option::of(any::<u8>()))
            .prop_map(|(case, by, text, priority)| CaseEvent::Noted { case, by, text, priority }),
        (case(), by(), option::of(by()), signer(), waiver(), any::<bool>()).prop_map(
            |(case, by, on_behalf_of, role, waiver, complete)| {
                CaseEvent::Signed { case, by, on_behalf_of, role, waiver, complete }
            }
        ),
        (case(), any::<u8>(), number()).prop_map(|(case, level, escalates_at)| {
            CaseEvent::Escalated { case, level, escalates_at }
        }),
        (case(), any::<u64>(), any::<bool>()).prop_map(|(case, reservation, unsigned)| {
            CaseEvent::Used { case, reservation, unsigned }
        }),
        (
            (case(), any::<u64>(), any::<u32>()),
            by(),
            number(),
            number(),
            (option::of(counting::kept()), string())
        )
            .prop_map(
                |((case, reservation, slot), order_id, amount, expires_at, (details, channel))| {
                    let details = details.map(Box::new);
                    CaseEvent::Reserved {
                        case,
                        reservation,
                        slot,
                        order_id,
                        amount,
                        expires_at,
                        details,
                        channel: channel.into(),
                    }
                }
            ),
        case().prop_flat_map(|case| {
            select(vec![
                CaseEvent::Rejected { case },
                CaseEvent::Expired { case },
                CaseEvent::Withdrawn { case },
                CaseEvent::TextsErased { case },
                CaseEvent::Kept { case },
                CaseEvent::Forgotten { case },
            ])
        }),
        (by(), string(), signer(), option::of((number(), number())))
            .prop_map(|(from, to, role, during)| CaseEvent::Delegated { from, to, role, during }),
        (by(), by()).prop_map(|(from, to)| CaseEvent::DelegationForgotten { from, to }),
    ]
    .prop_map(Event::Case)
    .boxed()
}

pub fn reviewed() -> BoxedStrategy<Reviewed> {
    let status = select(vec![CaseStatus::Open, CaseStatus::Used, CaseStatus::Expired]);
    let named = option::of((string(), number()));
    let order = (option::of(reserved()), option::of((currency(), named)));
    (any::<u64>(), string(), status, any::<u8>(), order)
        .prop_map(|(case, account_id, status, missing, (reserved, of))| Reviewed {
            case,
            account_id: account_id.into(),
            status,
            missing,
            reserved,
            currency: of.map(|(currency, _)| currency),
            order: of.and_then(|(_, named)| named).map(|(order_id, amount)| {
                Box::new(CaseOrder { order_id: order_id.into(), amount })
            }),
        })
        .boxed()
}
