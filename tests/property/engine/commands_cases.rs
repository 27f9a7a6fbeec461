//! What people and the clock do about cases.

use creditgate_engine::model::Signer;
use creditgate_engine::outcome::ReasonCode;

use super::*;

/// The request names who asks.
fn by(who: &'static str) -> RequestKey<'static> {
    RequestKey { id: who, ..REQUEST }
}

fn code() -> BoxedStrategy<ReasonCode> {
    use ReasonCode::{
        InsufficientCredit, MaxOrderAmountExceeded, OrderAmountExceeded, ScoreMissing, ScoreTooLow,
        SharedLimitExceeded, TermsUpgraded,
    };
    prop_oneof![
        9 => select(vec![TermsUpgraded, InsufficientCredit, OrderAmountExceeded, ScoreMissing]),
        1 => select(vec![SharedLimitExceeded, ScoreTooLow, MaxOrderAmountExceeded]),
    ]
    .boxed()
}

pub fn review() -> BoxedStrategy<Command<'static>> {
    let who = select(vec!["ann", "fay", "flo", "oms"]);
    let role = option::weighted(0.95, select(vec![Signer::CreditAnalyst, Signer::Finance]));
    let until = option::weighted(0.2, START..START + 9 * DAY);
    let terms = (option::weighted(0.2, 1_i64..150), until);
    // None: whatever its case names, as long as the test puts it in.
    let other = prop_oneof![3 => Just(vec![]), 2 => vec(code(), 1..4)];
    let from = option::weighted(0.2, select(vec!["ann", "fay"]));
    let seen = option::weighted(0.2, 0_u32..2);
    let approve =
        (other, terms, from, seen).prop_map(|(waived, (amount, until), on_behalf_of, revision)| {
            Act::Approve(Approve { waived, amount, until, on_behalf_of, revision })
        });
    let act = prop_oneof![
        9 => approve,
        1 => any::<bool>().prop_map(|take_over| Act::Claim { take_over }),
        1 => Just(Act::Reject),
        1 => Just(Act::Escalate),
        1 => Just(Act::Comment { priority: Some(4) }),
    ];
    let review = (who.clone(), 0..3_u64, role.clone(), act).prop_map(|(who, case, role, act)| {
        Command::ReviewCase(ReviewCase { request: by(who), case, role, act })
    });
    let during = option::weighted(0.8, (START..START + 3 * DAY, 1..4 * DAY));
    let whose = option::weighted(0.2, who.clone());
    let delegate = (who.clone(), who, role, during, whose);
    let delegate = delegate.prop_map(|(who, to, role, during, from)| {
        let during = during.map(|(first, long)| (first, first + long));
        Command::Delegate(Delegate { request: by(who), to, role, during, from })
    });
    let retry = vec(0..3_u64, 0..4);
    prop_oneof![
        8 => review,
        1 => delegate,
        2 => retry.prop_map(|cases| Command::RetryCases(RetryCases { cases })),
    ]
    .boxed()
}

/// An order on better terms that two sign, one of them maybe so late that the other's word is over.
pub fn two_signers() -> BoxedStrategy<Vec<Step>> {
    let asked = (select(vec!["a", "b"]), order_id(), 45_i64..125, 40..200_000_u32);
    let who = select(vec![("fay", "flo"), ("flo", "fay"), ("fay", "fay"), ("oms", "fay")]);
    let (terms, order) = (ReasonCode::TermsUpgraded, ReasonCode::OrderAmountExceeded);
    let waived = prop_oneof![
        4 => Just((vec![], vec![])),
        1 => (select(vec![vec![], vec![terms], vec![order]]), Just(vec![terms])),
    ];
    let two = (who, waived);
    let rate = || select(vec!["0.5", "1", "1.25"]);
    let counts = (prop::bool::weighted(0.4), shipping(), (rate(), rate()));
    (asked, two, 0..52_i64, (channel(), channel()), counts)
        .prop_map(|(asked, two, hours, (channel, other), (foreign, shipping, rates))| {
            let (account_id, order_id, amount, ttl_s) = asked;
            let spec = TermsSpec {
                parts: vec![Part { share: WHOLE, due: Rule::Net { days: 45 } }],
                discounts: vec![],
                discount_grace_days: 0,
                grace_days: 0,
                roll: Roll::Keep,
            };
            let (request, terms_id) = (REQUEST, "n2");
            let terms = UpsertTerms { request, terms_id, calendar_id: None, spec };
            let ttl = Ttl { asked_s: Some(ttl_s), default_s: DEFAULT_TTL_S };
            let currency = currency_for(account_id, foreign);
            let shipping = shipping.map(|of| Shipping { freight: 0, tax: amount / 9, ..of });
            let details = OrderDetails { terms_id: Some(terms_id), contract_id: None, shipping };
            let details = Some(Box::new(details));
            let order = Order { account_id, order_id, amount, currency, ttl, details };
            let ((one, two), (first, second)) = two;
            let approve = |who, waived| {
                let role = Some(Signer::Finance);
                let (amount, until, on_behalf_of, revision) = (None, None, None, None);
                let act = Act::Approve(Approve { waived, amount, until, on_behalf_of, revision });
                Command::ReviewCase(ReviewCase { request: by(who), case: 0, role, act })
            };
            let step = |later, channel, command| Step { later, actor: "oms", channel, command };
            let rate = |rate| {
                let base = currency_for("c", false);
                let (currency, source, as_of) = (currency_for("c", true), "ecb", None);
                let rate = Rate::parse(rate).expect("a decimal");
                let rate = UpsertRate { request, base, currency, rate, source, as_of };
                step(0, channel, Command::UpsertRate(rate))
            };
            vec![
                rate(rates.0),
                step(0, channel, Command::UpsertTerms(terms)),
                step(
                    0,
                    channel,
                    Command::Reserve(Reserve { request, order, allow_partial: false }),
                ),
                step(0, other, approve(one, first)),
                rate(rates.1),
                step(hours * DAY / 24, other, approve(two, second)),
            ]
        })
        .boxed()
}

/// An order that does not fit where people are asked about that, signed for some of its reasons or
/// for none, and what may let it be reserved then.
pub fn short_of_credit() -> BoxedStrategy<Vec<Step>> {
    use ReasonCode::{InsufficientCredit, OrderAmountExceeded, SharedLimitExceeded};
    let asked = (select(vec!["a", "c"]), order_id(), 10_i64..60, (channel(), channel()));
    let waived = select(vec![
        None,
        Some(vec![]),
        Some(vec![InsufficientCredit]),
        Some(vec![SharedLimitExceeded]),
        Some(vec![SharedLimitExceeded]),
        Some(vec![InsufficientCredit, SharedLimitExceeded, OrderAmountExceeded]),
    ]);
    let limits = (any::<bool>(), 0..40_i64, option::weighted(0.7, 0..40_i64), 0..200_i64);
    (asked, waived, limits, any::<bool>(), option::of(0..40_i64))
        .prop_map(|(asked, waived, (of_ledger, low, shared, high), again, above)| {
            let (account_id, order_id, amount, (channel, other)) = asked;
            let (request, ttl) = (REQUEST, Ttl { asked_s: None, default_s: DEFAULT_TTL_S });
            let currency = currency_for(account_id, false);
            let step = |channel, command| Step { later: 0, actor: "oms", channel, command };
            let set = |most, shared| {
                let kind = LimitKind::Amount(most);
                let limit = Some(Limit { kind, valid_until: None });
                UpsertAccount { limit, ..account(account_id, Some(shared)) }
            };
            let upsert =
                |upsert| step(channel, on_word((Command::UpsertAccount(upsert), of_ledger)));
            let order = Order { account_id, order_id, amount, currency, ttl, details: None };
            let ask = || Reserve { request, order: order.clone(), allow_partial: false };
            let approve = waived.map(|waived| {
                let (amount, until, on_behalf_of, revision) = (None, None, None, None);
                let act = Act::Approve(Approve { waived, amount, until, on_behalf_of, revision });
                let (request, role) = (by("fay"), Some(Signer::Finance));
                step(other, Command::ReviewCase(ReviewCase { request, case: 0, role, act }))
            });
            let mut steps = vec![upsert(set(low, shared)), step(channel, Command::Reserve(ask()))];
            steps.extend(approve);
            steps.extend(again.then(|| step(other, Command::Reserve(ask()))));
            // Another limit takes the place of the one that may have been signed for.
            let above = above.filter(|_| account_id == "a");
            steps.extend(above.map(|most| upsert(account("b", Some(Some(most))))));
            let parent_id = above.map(|_| "b");
            steps.push(upsert(UpsertAccount { parent_id, ..set(high, None) }));
            steps.push(step(other, Command::RetryCases(RetryCases { cases: vec![0, 1] })));
            steps
        })
        .boxed()
}
