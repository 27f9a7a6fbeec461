//! Holds and temporary limits.

use creditgate_engine::model::{HoldKind, TemporaryLimitKind};

use super::*;

pub fn rows() -> Vec<Row> {
    vec![
        place_hold(),
        lift_hold(),
        set_temporary_limit(),
        remove_temporary_limit(),
        set_rolling_limit(),
        remove_rolling_limit(),
        held(),
    ]
}

fn place_hold() -> Row {
    let (hold_id, kind, source, until) = ("h", HoldKind::Fraud, "radar", Some(5));
    let command = PlaceHold { request: REQUEST, account_id: "a", hold_id, kind, source, until };
    let reason = Some(TEXT);
    row(
        "place_hold",
        Command::PlaceHold(command),
        Outcome::Upserted(Upserted::Created),
        vec![Event::HoldPlaced { slot: 2, hold_id, kind, source, until, reason }],
        "\
         949481aa706c6163655f686f6c649693a1720107a161a168a56672617564a5726164617205a36f \
         6d73a3776562c00081a87570736572746564a7637265617465649181ab686f6c645f706c616365 \
         649602a168a56672617564a572616461720591c420d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1 \
         d1d1d1d1d1d1d1d1d1d1d1d1d1d1",
    )
}

fn lift_hold() -> Row {
    row(
        "lift_hold",
        Command::LiftHold(LiftHold { request: REQUEST, account_id: "a", hold_id: "h" }),
        Outcome::Done,
        vec![Event::HoldLifted { slot: 2, hold_id: "h" }],
        "\
         949481a96c6966745f686f6c649393a1720107a161a168a36f6d73a3776562c000a4646f6e6591 \
         81ab686f6c645f6c69667465649202a168",
    )
}

fn set_temporary_limit() -> Row {
    let (limit_id, kind, amount) = ("t", TemporaryLimitKind::Override, 300);
    let (first, last) = (Day(20_000), Day(20_001));
    let command = SetTemporaryLimit {
        request: REQUEST,
        account_id: "a",
        limit_id,
        kind,
        amount,
        first: None,
        last,
    };
    row(
        "set_temporary_limit",
        Command::SetTemporaryLimit(command),
        Outcome::Upserted(Upserted::Created),
        vec![Event::TemporaryLimitSet { slot: 2, limit_id, kind, amount, first, last }],
        "\
         949481b37365745f74656d706f726172795f6c696d69749793a1720107a161a174a86f76657272 \
         696465cd012cc0cd4e21a36f6d73a3776562c00081a87570736572746564a76372656174656491 \
         81b374656d706f726172795f6c696d69745f7365749602a174a86f76657272696465cd012ccd4e \
         20cd4e21",
    )
}

fn remove_temporary_limit() -> Row {
    let limit_id = "t";
    let command = RemoveTemporaryLimit { request: REQUEST, account_id: "a", limit_id };
    row(
        "remove_temporary_limit",
        Command::RemoveTemporaryLimit(command),
        Outcome::Done,
        vec![Event::TemporaryLimitRemoved { slot: 2, limit_id }],
        "\
         949481b672656d6f76655f74656d706f726172795f6c696d69749393a1720107a161a174a36f6d \
         73a3776562c000a4646f6e659181b774656d706f726172795f6c696d69745f72656d6f76656492 \
         02a174",
    )
}

fn set_rolling_limit() -> Row {
    let (hard_cap, days, exposure) = (500, 30, 300);
    let command = SetRollingLimit { request: REQUEST, account_id: "a", hard_cap, days };
    row(
        "set_rolling_limit",
        Command::SetRollingLimit(command),
        Outcome::Upserted(Upserted::Created),
        vec![Event::RollingLimitSet { slot: 2, hard_cap, days, exposure }],
        "\
         949481b17365745f726f6c6c696e675f6c696d69749493a1720107a161cd01f41ea36f6d73a377 \
         6562c00081a87570736572746564a7637265617465649181b1726f6c6c696e675f6c696d69745f \
         7365749402cd01f41ecd012c",
    )
}

fn remove_rolling_limit() -> Row {
    row(
        "remove_rolling_limit",
        Command::RemoveRollingLimit(RemoveRollingLimit { request: REQUEST, account_id: "a" }),
        Outcome::Done,
        vec![Event::AverageMoved { slot: 2, amount: -300 }, Event::RollingLimitRemoved { slot: 2 }],
        "\
         949481b472656d6f76655f726f6c6c696e675f6c696d69749293a1720107a161a36f6d73a37765 \
         62c000a4646f6e659281ad617665726167655f6d6f7665649202d1fed481b5726f6c6c696e675f \
         6c696d69745f72656d6f7665649102",
    )
}

fn held() -> Row {
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let mut held = reserved(Decision::Declined, &[ReasonCode::FraudSuspension]);
    held.verdict.reasons[0].whose = Some(Whose::Hold("h".into()));
    row(
        "reserve, held",
        Command::Reserve(reserve),
        Outcome::Reserved(held),
        vec![],
        "\
         949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a377 \
         6562c00081a872657365727665649494a86465636c696e65649194b046524155445f5355535045 \
         4e53494f4ecd012cfe81a4686f6c64a16800c0cd0401cd012c0590",
    )
}
