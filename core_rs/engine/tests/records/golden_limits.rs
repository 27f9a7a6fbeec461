//! Verifications, proposals, and upserts on the ledger's word.

use super::*;

pub fn rows() -> Vec<Row> {
    vec![record_verification(), propose_limit(), approve_proposal(), reject_proposal(), sync()]
}

fn record_verification() -> Row {
    let (reference, source, date) = ("D-7", "bureau", Day(20_000));
    let (score, document) = (Some(712), Some([0xD0; 32]));
    let command = RecordVerification {
        request: REQUEST,
        account_id: "a",
        reference,
        source,
        date,
        score,
        document,
    };
    let recorded = |score, document| Event::VerificationRecorded {
        slot: 2,
        reference,
        source,
        date,
        score,
        document,
        by: "anna",
    };
    row(
        "record_verification",
        Command::RecordVerification(command),
        Outcome::Upserted(Upserted::Created),
        vec![recorded(score, document), recorded(None, None)],
        "\
         949481b37265636f72645f766572696669636174696f6e9793a1720107a161a3442d37a6627572 \
         656175cd4e20cd02c8c420d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0 \
         d0d0d0d0a36f6d73a3776562c00081a87570736572746564a7637265617465649281b576657269 \
         6669636174696f6e5f7265636f726465649702a3442d37a6627572656175cd4e20cd02c8c420d0 \
         d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0a4616e6e6181b576 \
         6572696669636174696f6e5f7265636f726465649702a3442d37a6627572656175cd4e20c0c0a4 \
         616e6e61",
    )
}

fn amount(amount: i64) -> Limit {
    Limit { kind: LimitKind::Amount(amount), valid_until: Some(Day(20_000)) }
}

fn propose_limit() -> Row {
    let (limit, verification, proposal) = (amount(300), Some("D-7"), 300);
    let command = ProposeLimit { request: REQUEST, account_id: "a", limit, verification };
    let reason = Some(TEXT);
    let proposed =
        Event::LimitProposed { slot: 2, proposal, limit, verification, by: "anna", reason };
    row(
        "propose_limit",
        Command::ProposeLimit(command),
        Outcome::Proposed(Proposed { proposal, approved: false }),
        vec![proposed],
        "\
         949481ad70726f706f73655f6c696d69749493a1720107a1619281a6616d6f756e74cd012ccd4e \
         20a3442d37a36f6d73a3776562c00081a870726f706f73656492cd012cc29181ae6c696d69745f \
         70726f706f7365649602cd012c9281a6616d6f756e74cd012ccd4e20a3442d37a4616e6e6191c4 \
         20d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1",
    )
}

fn approve_proposal() -> Row {
    let (limit, proposal) = (amount(300), 300);
    let approved = |proposal, verification, by, base| {
        let verification = Option::map(verification, Cow::Borrowed);
        Event::LimitApproved { slot: 2, proposal, limit, verification, by, base }
    };
    row(
        "approve_proposal",
        Command::ApproveProposal(ApproveProposal { request: REQUEST, account_id: "a", proposal }),
        Outcome::Done,
        vec![
            approved(Some(proposal), Some("D-7"), Some("bert"), None),
            approved(None, None, None, Some(250)),
        ],
        "\
         949481b0617070726f76655f70726f706f73616c9393a1720107a161cd012ca36f6d73a3776562 \
         c000a4646f6e659281ae6c696d69745f617070726f7665649602cd012c9281a6616d6f756e74cd \
         012ccd4e20a3442d37a462657274c081ae6c696d69745f617070726f7665649602c09281a6616d \
         6f756e74cd012ccd4e20c0c0ccfa",
    )
}

fn reject_proposal() -> Row {
    let proposal = 300;
    row(
        "reject_proposal",
        Command::RejectProposal(RejectProposal { request: REQUEST, account_id: "a", proposal }),
        Outcome::Done,
        vec![Event::ProposalClosed { slot: 2, proposal }],
        "\
         949481af72656a6563745f70726f706f73616c9393a1720107a161cd012ca36f6d73a3776562c0 \
         00a4646f6e659181af70726f706f73616c5f636c6f7365649202cd012c",
    )
}

fn sync() -> Row {
    let command = UpsertAccount {
        request: REQUEST,
        account_id: "a",
        name: None,
        currency: None,
        parent_id: None,
        segment_id: None,
        limit: Some(amount(300)),
        max_order: None,
        shared_limit: None,
    };
    row(
        "sync_account",
        Command::SyncAccount(command),
        Outcome::UpsertedProposing(
            Upserted::Unchanged,
            Proposed { proposal: 300, approved: false },
        ),
        vec![],
        "\
         949481ac73796e635f6163636f756e749893a1720107a161c0c0c0c09281a6616d6f756e74cd01 \
         2ccd4e20c0a36f6d73a3776562c00081b275707365727465645f70726f706f73696e6792a9756e \
         6368616e67656492cd012cc290",
    )
}
