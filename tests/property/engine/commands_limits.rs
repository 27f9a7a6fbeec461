//! Random verifications, proposals and reconciliations, and the rules that decide about limits.

use super::*;

pub(super) fn verification() -> BoxedStrategy<Command<'static>> {
    let references = vec!["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"];
    let today = Day::of(START).0;
    let found = ((today - 4..today + 3).prop_map(Day), option::of(select(vec![300, 700])));
    (account_id(), select(references), found)
        .prop_map(|(account_id, reference, (date, score))| {
            let (request, source, document) = (REQUEST, "bureau", None);
            Command::RecordVerification(RecordVerification {
                request,
                account_id,
                reference,
                source,
                date,
                score,
                document,
            })
        })
        .boxed()
}

pub(super) fn proposal() -> BoxedStrategy<Command<'static>> {
    let of = option::of(select(vec!["v0", "v1", "v2", "v3"]));
    prop_oneof![
        (account_id(), limit(), of).prop_map(|(account_id, limit, verification)| {
            let request = REQUEST;
            Command::ProposeLimit(ProposeLimit { request, account_id, limit, verification })
        }),
        (account_id(), 0_u64..4, prop::bool::weighted(0.7)).prop_map(
            |(account_id, proposal, agrees)| {
                let request = REQUEST;
                if agrees {
                    Command::ApproveProposal(ApproveProposal { request, account_id, proposal })
                } else {
                    Command::RejectProposal(RejectProposal { request, account_id, proposal })
                }
            }
        ),
    ]
    .boxed()
}

/// What the policy says of limits.
pub fn rules() -> BoxedStrategy<Option<Rules>> {
    let band = (
        option::of(select(vec![10, 100])),
        select(vec![40, 120]),
        option::of(select(vec![300, 500])),
    );
    let owner = option::of(select(vec![Owner::Ledger, Owner::Creditgate]));
    let (grace_days, tolerance) = (0..3, select(vec![0, 7, 50]));
    let verified_only = prop::bool::weighted(0.3);
    let rest = (exposure(), referring());
    let rules = (owner, grace_days, tolerance, verified_only, option::of(band), rest);
    let rules = rules.prop_map(|(owner, grace_days, tolerance, verified_only, band, rest)| {
        let (exposure, referring) = rest;
        Rules { owner, grace_days, tolerance, verified_only, band, exposure, referring }
    });
    option::weighted(0.7, rules).boxed()
}

/// Often none, so that orders are decided without anybody too.
fn referring() -> impl Strategy<Value = Referring> {
    let most = option::weighted(0.4, select(vec![20, 40]));
    let score = option::weighted(0.4, Just(500));
    let short = (prop::bool::weighted(0.4), prop::bool::weighted(0.4));
    (most, score, short).prop_map(|(most, score, (short, shared))| Referring {
        most,
        score,
        short,
        shared,
    })
}

fn exposure() -> impl Strategy<Value = ExposurePolicy> {
    let horizon_days = option::weighted(0.8, 0..4_i32);
    let most = option::weighted(0.3, 0..=100_i128);
    (horizon_days, any::<[bool; 3]>(), most).prop_map(
        |(horizon_days, [tax_counts, freight_counts, disputed_counts], excluded_percent_max)| {
            ExposurePolicy {
                horizon_days,
                tax_counts,
                freight_counts,
                excluded_percent_max,
                disputed_counts,
            }
        },
    )
}

/// Adjustments that are proposed and closed: a place among those that wait, mostly with the digest
/// of what was proposed, until the test makes an id of it.
pub(super) fn adjustments() -> BoxedStrategy<Command<'static>> {
    let digest = || prop::bool::weighted(0.8).prop_map(|same| [u8::from(same); 32]);
    let close = (0..2_u64, option::weighted(0.8, digest()));
    prop_oneof![
        digest().prop_map(|digest| Command::ProposeAdjustments(ProposeAdjustments {
            request: REQUEST,
            source: "repair",
            digest,
            count: 2,
        })),
        close.prop_map(|(adjustments, approved)| {
            Command::CloseAdjustments(CloseAdjustments { request: REQUEST, adjustments, approved })
        }),
    ]
    .boxed()
}

/// Of a source that may not have been heard of yet.
pub(super) fn reconciliation() -> BoxedStrategy<Command<'static>> {
    (select(vec!["erp", "pay"]), 0_u64..3)
        .prop_map(|(source, differing)| {
            let found = Findings { accounts: 3, differing, ..Findings::default() };
            let request = REQUEST;
            Command::RecordReconciliation(RecordReconciliation { request, source, found })
        })
        .boxed()
}

/// An upsert on the word of the ledger, or of those who work here.
pub(super) fn on_word((command, of_ledger): (Command<'static>, bool)) -> Command<'static> {
    match command {
        Command::UpsertAccount(command) if of_ledger => Command::SyncAccount(command),
        Command::UpsertSegment(command) if of_ledger => Command::SyncSegment(command),
        command => command,
    }
}
