//! Policies in the journal.

use super::*;

/// An order that is declined, for one reason as always and for others as a policy says.
fn judged() -> Row {
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let mut declined = reserved(Decision::Declined, &[ReasonCode::InsufficientCredit]);
    let policy = |code, effect| Reason::of_policy(code, effect, 95, 90);
    let mut held = policy(ReasonCode::AccountOnHold, Effect::Refer);
    held.whose = Some(Whose::Hold("h".into()));
    declined.verdict.reasons.extend([
        held,
        policy(ReasonCode::OrderAmountExceeded, Effect::Decline),
        policy(ReasonCode::UtilisationReached, Effect::Notify),
        policy(ReasonCode::ScoreTooLow, Effect::Alert),
        policy(ReasonCode::ScoreMissing, Effect::Refer),
        policy(ReasonCode::FirstOrder, Effect::Hold),
        policy(ReasonCode::LedgerStale, Effect::Hold),
    ]);
    row(
        "reserve, under a policy",
        Command::Reserve(reserve),
        Outcome::Reserved(declined),
        vec![
            Event::FirstBilled { slot: 2 },
            Event::UtilisationCrossed { slot: 2, percent: 90, level: 80, version: 300 },
            Event::UtilisationTaken { slot: 2, level: 80, version: 300 },
        ],
        "\
             949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a377 \
             6562c00081a872657365727665649494a86465636c696e65649893b3494e53554646494349454e \
             545f435245444954cd012cfe95af4143434f554e545f4f4e5f484f4c445f5a81a4686f6c64a168 \
             a5726566657293b54f524445525f414d4f554e545f45584345454445445f5a95b35554494c4953 \
             4154494f4e5f524541434845445f5ac0a66e6f7469667995ad53434f52455f544f4f5f4c4f575f \
             5ac0a5616c65727495ad53434f52455f4d495353494e475f5ac0a5726566657295ab4649525354 \
             5f4f524445525f5ac0a4686f6c6495ac4c45444745525f5354414c455f5ac0a4686f6c6400c0cd \
             0401cd012c059381ac66697273745f62696c6c6564910281b37574696c69736174696f6e5f6372 \
             6f7373656494025a50cd012c81b17574696c69736174696f6e5f74616b656e930250cd012c",
    )
}

/// One that says what would cure it, on behalf of an account whose orders are counted.
fn cured() -> Row {
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let mut declined = reserved(Decision::Declined, &[ReasonCode::InsufficientCredit]);
    let of_policy = |code| Reason::of_policy(code, Effect::Refer, 9, 5);
    declined.verdict.reasons.extend(
        [
            ReasonCode::OverdueDays,
            ReasonCode::OverdueAmount,
            ReasonCode::OverdueShare,
            ReasonCode::OldestItem,
            ReasonCode::VelocityCount,
            ReasonCode::VelocityAmount,
        ]
        .map(of_policy),
    );
    let invoice = Some(CuringInvoice { invoice_id: "i".into(), open: 300 });
    declined.verdict.cure = Some(Box::new(Cure { invoice, fits_from: Some(Day(20_000)) }));
    row(
        "reserve, with a cure",
        Command::Reserve(reserve),
        Outcome::Reserved(declined),
        vec![Event::OrdersCounted { slot: 2, part: 3_600_000_000, orders: 1, amount: 300 }],
        "\
             949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a377 \
             6562c00081a872657365727665649496a86465636c696e65649793b3494e53554646494349454e \
             545f435245444954cd012cfe95ac4f5645524455455f444159530905c0a5726566657295ae4f56 \
             45524455455f414d4f554e540905c0a5726566657295ad4f5645524455455f53484152450905c0 \
             a5726566657295ab4f4c444553545f4954454d0905c0a5726566657295ae56454c4f434954595f \
             434f554e540905c0a5726566657295af56454c4f434954595f414d4f554e540905c0a572656665 \
             7200c0c09292a169cd012ccd4e20cd0401cd012c059181ae6f72646572735f636f756e74656494 \
             02ced693a40001cd012c",
    )
}

pub fn rows() -> Vec<Row> {
    let text = "[all]\n";
    vec![
        judged(),
        cured(),
        row(
            "put_policy",
            Command::PutPolicy(PutPolicy { request: REQUEST, text }),
            Outcome::Policy(2),
            vec![Event::PolicyPut { version: 2, text, by: "oms".into() }],
            "\
             949481aa7075745f706f6c6963799293a1720107a65b616c6c5d0aa36f6d73a3776562c00081a6 \
             706f6c696379029181aa706f6c6963795f7075749302a65b616c6c5d0aa36f6d73",
        ),
        row(
            "activate_policy",
            Command::ActivatePolicy(ActivatePolicy { request: REQUEST, version: 300 }),
            Outcome::Policy(300),
            vec![
                Event::PolicyActivated { version: 300, retired: Some(2), by: "oms".into() },
                Event::PolicyActivated { version: 2, retired: None, by: "oms".into() },
            ],
            "\
             949481af61637469766174655f706f6c6963799293a1720107cd012ca36f6d73a3776562c00081 \
             a6706f6c696379cd012c9281b0706f6c6963795f61637469766174656493cd012c02a36f6d7381 \
             b0706f6c6963795f6163746976617465649302c0a36f6d73",
        ),
        row(
            "shadow_policy",
            Command::ShadowPolicy(ShadowPolicy { request: REQUEST, version: Some(3) }),
            Outcome::Policy(3),
            vec![
                Event::PolicyShadowed { was: None, version: Some(3) },
                Event::PolicyShadowed { was: Some(3), version: None },
            ],
            "\
             949481ad736861646f775f706f6c6963799293a172010703a36f6d73a3776562c00081a6706f6c \
             696379039281af706f6c6963795f736861646f77656492c00381af706f6c6963795f736861646f \
             7765649203c0",
        ),
        row(
            "housekeep, of counted orders",
            Command::Housekeep(Housekeep { closed_before: 1, closed_count_max: 2 }),
            Outcome::Done,
            vec![Event::OrdersForgotten { slot: 2 }],
            "\
             949481a9686f7573656b656570920102a36f6d73a3776562c000a4646f6e659181b06f72646572 \
             735f666f72676f7474656e9102",
        ),
    ]
}
