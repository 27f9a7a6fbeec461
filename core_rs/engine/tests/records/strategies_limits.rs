//! Verifications and proposals.

use super::*;

fn document() -> impl Strategy<Value = Option<[u8; 32]>> {
    option::of(any::<[u8; 32]>())
}

fn findings() -> impl Strategy<Value = Findings> {
    any::<[u64; 6]>().prop_map(|[position, accounts, items, differing, unsettled, unreadable]| {
        Findings { position, accounts, items, differing, unsettled, unreadable }
    })
}

pub fn command() -> BoxedStrategy<Command<'static>> {
    let found = (string(), string(), day(), option::of(number()), document());
    let segment = (request(), string(), currency(), option::of(limit()));
    let decided = (request(), string(), any::<u64>());
    prop_oneof![
        (request(), string(), found).prop_map(|(request, account_id, found)| {
            let (reference, source, date, score, document) = found;
            Command::RecordVerification(RecordVerification {
                request,
                account_id,
                reference,
                source,
                date,
                score,
                document,
            })
        }),
        (request(), string(), limit(), option::of(string())).prop_map(
            |(request, account_id, limit, verification)| {
                Command::ProposeLimit(ProposeLimit { request, account_id, limit, verification })
            }
        ),
        (decided, any::<bool>()).prop_map(|((request, account_id, proposal), agrees)| {
            if agrees {
                Command::ApproveProposal(ApproveProposal { request, account_id, proposal })
            } else {
                Command::RejectProposal(RejectProposal { request, account_id, proposal })
            }
        }),
        (request(), string(), any::<[u8; 32]>(), any::<u32>()).prop_map(
            |(request, source, digest, count)| {
                Command::ProposeAdjustments(ProposeAdjustments { request, source, digest, count })
            }
        ),
        (request(), any::<u64>(), document()).prop_map(|(request, adjustments, approved)| {
            Command::CloseAdjustments(CloseAdjustments { request, adjustments, approved })
        }),
        (request(), string(), findings()).prop_map(|(request, source, found)| {
            Command::RecordReconciliation(RecordReconciliation { request, source, found })
        }),
        upsert_account().prop_map(Command::SyncAccount),
        segment.prop_map(|(request, segment_id, currency, limit)| {
            let cap = Some(None);
            Command::SyncSegment(UpsertSegment { request, segment_id, currency, limit, cap })
        }),
    ]
    .boxed()
}

pub fn event() -> BoxedStrategy<Event<'static>> {
    let found = (string(), string(), day(), option::of(number()), document(), string());
    let proposed = (any::<u64>(), limit(), option::of(string()), string(), option::of(text()));
    let by = (option::of(string()), option::of(number()));
    let approved = (option::of(any::<u64>()), limit(), option::of(string()), by);
    let of_adjustments = (any::<u64>(), string(), any::<[u8; 32]>(), any::<u32>(), string());
    let proposed_adjustments = of_adjustments.prop_map(|(id, source, digest, count, by)| {
        AdjustmentsEvent::Proposed { id, source, digest, count, by }
    });
    let closed = any::<u64>().prop_map(|id| AdjustmentsEvent::Closed { id });
    prop_oneof![
        prop_oneof![proposed_adjustments, closed].prop_map(Event::Adjustments),
        (string(), findings()).prop_map(|(source, found)| Event::Reconciled(source, found)),
        (any::<u32>(), found).prop_map(|(slot, (reference, source, date, score, document, by))| {
            Event::VerificationRecorded { slot, reference, source, date, score, document, by }
        }),
        (any::<u32>(), proposed).prop_map(|(slot, (proposal, limit, verification, by, reason))| {
            Event::LimitProposed { slot, proposal, limit, verification, by, reason }
        }),
        (any::<u32>(), approved).prop_map(|(slot, (proposal, limit, verification, (by, base)))| {
            let verification = verification.map(Cow::Borrowed);
            Event::LimitApproved { slot, proposal, limit, verification, by, base }
        }),
        (any::<u32>(), any::<u64>())
            .prop_map(|(slot, proposal)| Event::ProposalClosed { slot, proposal }),
    ]
    .boxed()
}
