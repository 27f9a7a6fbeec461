//! Cases in the journal.

use std::borrow::Cow;

use creditgate_engine::counting::Details;
use creditgate_engine::event::{CaseAsk, CaseEvent};
use creditgate_engine::model::{CaseCounts, CaseDetails, CaseStatus, Signer, Waived, Waiver};
use creditgate_engine::outcome::{CaseOrder, Reviewed};

use super::*;

fn asked(counts: Option<CaseCounts>) -> CaseDetails {
    CaseDetails { contract_id: None, terms_id: Some("n".into()), counts }
}

fn ask(asked: Option<CaseDetails>) -> CaseAsk<'static> {
    CaseAsk {
        slot: 2,
        order_id: "o",
        amount: 300,
        ttl: order().ttl,
        reasons: vec![Reason::own(ReasonCode::TermsUpgraded, 30, 10)],
        channel: "web".into(),
        by: "oms".into(),
        escalates_at: 0,
        expires_at: 9,
        asked: asked.map(Box::new),
    }
}

fn waiver() -> Waiver {
    let whose = Some(Whose::Group("head".into()));
    let shared = Waived { code: ReasonCode::SharedLimitExceeded, whose };
    let upgraded = Waived { code: ReasonCode::TermsUpgraded, whose: None };
    Waiver { waived: vec![shared, upgraded], amount: 300, until: 9 }
}

fn review(name: &'static str, act: Act<'static>, events: Vec<CaseEvent<'static>>) -> Row {
    let role = Some(Signer::Finance);
    let command = Command::ReviewCase(ReviewCase { request: REQUEST, case: 7, role, act });
    let (account_id, status) = ("a".into(), CaseStatus::Claimed);
    let (reserved, currency, order) = (None, None, None);
    let reviewed = Reviewed { case: 7, account_id, status, missing: 1, reserved, currency, order };
    let events = events.into_iter().map(Event::Case).collect();
    row(name, command, Outcome::Reviewed(Box::new(reviewed)), events, hex(name))
}

const BY: Cow<'static, str> = Cow::Borrowed("fay");

fn signed(on_behalf_of: Option<Cow<'static, str>>, complete: bool) -> CaseEvent<'static> {
    let (case, role, waiver) = (7, Signer::CreditAnalyst, waiver());
    CaseEvent::Signed { case, by: BY, on_behalf_of, role, waiver, complete }
}

fn held(details: Option<Details>) -> CaseEvent<'static> {
    held_through(details, "")
}

pub fn held_through(details: Option<Details>, channel: &str) -> CaseEvent<'static> {
    CaseEvent::Reserved {
        case: 7,
        reservation: 1025,
        slot: 2,
        order_id: "o".into(),
        amount: 300,
        expires_at: 5,
        details: details.map(Box::new),
        channel: channel.into(),
    }
}

/// Of an account's texts, and of what was said of its cases; of entries that were named.
pub fn erasures() -> [Row; 2] {
    let of_account =
        EraseTexts { request: REQUEST, account_id: "a", entries: vec![7, 70_000], named: vec![] };
    let of_entries = EraseTexts { account_id: "", named: vec![6, 7, 70_000], ..of_account.clone() };
    let account = row(
        "erase_texts",
        Command::EraseTexts(of_account),
        Outcome::Erased(2),
        vec![Event::TextsErased { slot: 2 }],
        "\
         949481ab65726173655f74657874739393a1720107a1619207ce00011170a36f6d73a3776562c000 \
         81a6657261736564029181ac74657874735f6572617365649102",
    );
    let entries = row(
        "erase_texts_of_entries",
        Command::EraseTexts(of_entries),
        Outcome::Erased(2),
        vec![],
        "\
         949481ab65726173655f74657874739493a1720107a09207ce00011170930607ce00011170a36f6d\
         73a3776562c00081a66572617365640290",
    );
    [account, entries]
}

pub fn rows() -> Vec<Row> {
    let mut rows = reviews();
    let used = Reviewed {
        case: 7,
        account_id: "a".into(),
        status: CaseStatus::Used,
        missing: 0,
        reserved: Some(Reserved { case: Some(7), ..reserved(Decision::Approved, &[]) }),
        currency: Some(order().currency),
        order: None,
    };
    let referred = Reserved {
        reservation: None,
        case: Some(7),
        ..reserved(Decision::Referred, &[ReasonCode::TermsUpgraded])
    };
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let opened = CaseEvent::Opened { case: 7, ask: ask(Some(asked(None))), askers: vec![] };
    let again = CaseEvent::AskedAgain { case: 7, ask: ask(None), anew: true };
    let delegation = Delegate { request: REQUEST, to: "ann", role: None, during: None, from: None };
    let delegate = |during| Command::Delegate(Delegate { during, ..delegation.clone() });
    let of_another = Delegate { from: Some("fay"), ..delegation.clone() };
    let over = CaseEvent::DelegationForgotten { from: BY, to: "ann".into() };
    let (role, during) = (Signer::Supervisor, Some((1, 2)));
    let delegated =
        |during| Event::Case(CaseEvent::Delegated { from: BY, to: "ann", role, during });
    let ended = [
        CaseEvent::TextsErased { case: 7 },
        CaseEvent::Kept { case: 7 },
        CaseEvent::Forgotten { case: 7 },
    ];
    rows.extend([
        row(
            "reserve, referred",
            Command::Reserve(reserve),
            Outcome::Reserved(referred),
            [opened, again].map(Event::Case).to_vec(),
            hex("reserve, referred"),
        ),
        row("delegate", delegate(during), Outcome::Done, vec![delegated(during)], hex("delegate")),
        row("end", delegate(None), Outcome::Done, vec![delegated(None)], hex("end")),
        row(
            "end another's",
            Command::Delegate(of_another),
            Outcome::Done,
            vec![delegated(None), Event::Case(over)],
            hex("end another's"),
        ),
        row(
            "retried",
            Command::RetryCases(RetryCases { cases: vec![7] }),
            Outcome::Retried(vec![used]),
            vec![Event::Case(held(None))],
            hex("retried"),
        ),
        row(
            "retry_cases",
            Command::RetryCases(RetryCases { cases: vec![7, 8] }),
            Outcome::Done,
            ended.map(Event::Case).to_vec(),
            hex("retry_cases"),
        ),
    ]);
    rows.push(counted());
    rows
}

/// Of an order that does not count as it is: opened, reserved, and signed without that.
fn counted() -> Row {
    let counts = CaseCounts {
        worth: 375,
        currency: Currency::parse("EUR"),
        ship_date: Some(Day(20_000)),
        tax: 30,
        freight: 20,
        sold_to: Some("b".into()),
    };
    let ask = ask(Some(asked(Some(counts))));
    let opened = CaseEvent::Opened { case: 7, ask, askers: vec![] };
    let details = Details {
        terms_id: Some("n".into()),
        contract_id: None,
        counting: Some(super::counting::kept()),
    };
    let signed = Reviewed {
        case: 7,
        account_id: "a".into(),
        status: CaseStatus::Approved,
        missing: 0,
        reserved: Some(reserved(Decision::Declined, &[ReasonCode::FxRateStale])),
        currency: Some(order().currency),
        order: Some(Box::new(CaseOrder { order_id: "o".into(), amount: 300 })),
    };
    row(
        "signed, counting",
        Command::RetryCases(RetryCases { cases: vec![7] }),
        Outcome::Reviewed(Box::new(signed)),
        [opened, held(Some(details))].map(Event::Case).to_vec(),
        hex("signed, counting"),
    )
}

fn reviews() -> Vec<Row> {
    let text = Text { digest: [7; 32], body: None };
    let noted = CaseEvent::Noted { case: 7, by: BY, text: Some(text), priority: Some(3) };
    let approve = Approve {
        waived: vec![ReasonCode::TermsUpgraded],
        amount: Some(300),
        until: None,
        on_behalf_of: Some("flo"),
        revision: None,
    };
    let seen = Approve { revision: Some(2), ..approve.clone() };
    let again = CaseEvent::Opened { case: 7, ask: ask(None), askers: vec!["pos".into()] };
    let used = CaseEvent::Used { case: 7, reservation: 9, unsigned: true };
    let claimed = vec![
        CaseEvent::Claimed { case: 7, by: BY },
        CaseEvent::Used { case: 7, reservation: 9, unsigned: false },
    ];
    let approved = vec![
        signed(None, false),
        signed(Some("flo".into()), true),
        held(None),
        held(Some(Details { terms_id: Some("n".into()), ..Details::default() })),
    ];
    let escalated = CaseEvent::Escalated { case: 7, level: 1, escalates_at: 8 };
    vec![
        review("claim", Act::Claim { take_over: true }, claimed),
        review("approve", Act::Approve(approve), approved),
        review(
            "approve what was seen",
            Act::Approve(seen),
            vec![again, used, CaseEvent::Withdrawn { case: 7 }],
        ),
        review("reject", Act::Reject, vec![CaseEvent::Rejected { case: 7 }]),
        review("escalate", Act::Escalate, vec![escalated, CaseEvent::Expired { case: 7 }]),
        review("comment", Act::Comment { priority: None }, vec![noted]),
    ]
}

/// What each row is written as, apart from it: several are made alike.
fn hex(name: &str) -> &'static str {
    match name {
        "reserve, referred" => {
            "\
             949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a377 \
             6562c00081a872657365727665649594a872656665727265649193ae5445524d535f5550475241 \
             444544cd012cfe00c0c0cd012c05079281a46361736581a66f70656e656492079a02a16fcd012c \
             923c5a9193ae5445524d535f55504752414445441e0aa3776562a36f6d73000992c0a16e81a463 \
             61736581ab61736b65645f616761696e93079902a16fcd012c923c5a9193ae5445524d535f5550 \
             4752414445441e0aa3776562a36f6d730009c3"
        }
        "claim" => {
            "\
             949481ab7265766965775f636173659493a172010707a766696e616e636581a5636c61696d91c3 \
             a36f6d73a3776562c00081a872657669657765649507a161a7636c61696d656401c09281a46361 \
             736581a7636c61696d65649207a366617981a46361736581a475736564920709"
        }
        "approve" => {
            "\
             949481ab7265766965775f636173659493a172010707a766696e616e636581a7617070726f7665 \
             9491ae5445524d535f5550475241444544cd012cc0a3666c6fa36f6d73a3776562c00081a87265 \
             7669657765649507a161a7636c61696d656401c09481a46361736581a67369676e65649607a366 \
             6179c0ae6372656469745f616e616c797374939292b55348415245445f4c494d49545f45584345 \
             4544454481a567726f7570a46865616491ae5445524d535f5550475241444544cd012c09c281a4 \
             6361736581a67369676e65649607a3666179a3666c6fae6372656469745f616e616c7973749392 \
             92b55348415245445f4c494d49545f455843454544454481a567726f7570a46865616491ae5445 \
             524d535f5550475241444544cd012c09c381a46361736581a872657365727665649807cd040102 \
             a16fcd012c05c0a081a46361736581a872657365727665649807cd040102a16fcd012c0592c0a1 \
             6ea0"
        }
        "reject" => {
            "\
             949481ab7265766965775f636173659493a172010707a766696e616e6365a672656a656374a36f \
             6d73a3776562c00081a872657669657765649507a161a7636c61696d656401c09181a463617365 \
             81a872656a65637465649107"
        }
        "escalate" => {
            "\
             949481ab7265766965775f636173659493a172010707a766696e616e6365a8657363616c617465 \
             a36f6d73a3776562c00081a872657669657765649507a161a7636c61696d656401c09281a46361 \
             736581a9657363616c617465649307010881a46361736581a7657870697265649107"
        }
        "comment" => {
            "\
             949481ab7265766965775f636173659493a172010707a766696e616e636581a7636f6d6d656e74 \
             91c0a36f6d73a3776562c00081a872657669657765649507a161a7636c61696d656401c09181a4 \
             6361736581a56e6f7465649407a366617991c42007070707070707070707070707070707070707 \
             0707070707070707070707070703"
        }
        "delegate" => {
            "\
             949481a864656c65676174659493a1720107a3616e6ec0920102a36f6d73a3776562c000a4646f \
             6e659181a46361736581a964656c65676174656494a3666179a3616e6eaa73757065727669736f \
             72920102"
        }
        "end" => {
            "\
             949481a864656c65676174659493a1720107a3616e6ec0c0a36f6d73a3776562c000a4646f6e65 \
             9181a46361736581a964656c65676174656494a3666179a3616e6eaa73757065727669736f72c0"
        }
        "retry_cases" => {
            "\
             949481ab72657472795f636173657391920708a36f6d73a3776562c000a4646f6e659381a46361 \
             736581ac74657874735f657261736564910781a46361736581a46b657074910781a46361736581 \
             a9666f72676f7474656e9107"
        }
        other => later_hex(other),
    }
}

/// Of rows with fields that were added.
fn later_hex(name: &str) -> &'static str {
    match name {
        "approve what was seen" => {
            "\
             949481ab7265766965775f636173659493a172010707a766696e616e636581a7617070726f7665 \
             9591ae5445524d535f5550475241444544cd012cc0a3666c6f02a36f6d73a3776562c00081a872 \
             657669657765649507a161a7636c61696d656401c09381a46361736581a66f70656e6564930799 \
             02a16fcd012c923c5a9193ae5445524d535f55504752414445441e0aa3776562a36f6d73000991 \
             a3706f7381a46361736581a475736564930709c381a46361736581a977697468647261776e9107"
        }
        "end another's" => {
            "\
             949481a864656c65676174659593a1720107a3616e6ec0c0a3666179a36f6d73a3776562c000a4 \
             646f6e659281a46361736581a964656c65676174656494a3666179a3616e6eaa73757065727669 \
             736f72c081a46361736581b464656c65676174696f6e5f666f72676f7474656e92a3666179a361 \
             6e6e"
        }
        "retried" => {
            "\
             949481ab72657472795f6361736573919107a36f6d73a3776562c00081a7726574726965649196 \
             07a161a475736564009594a8617070726f7665649000c0cd0401cd012c0507a35553449181a463 \
             61736581a872657365727665649807cd040102a16fcd012c05c0a0"
        }
        "signed, counting" => {
            "\
             949481ab72657472795f6361736573919107a36f6d73a3776562c00081a8726576696577656497 \
             07a161a8617070726f766564009494a86465636c696e65649193ad46585f524154455f5354414c \
             45cd012cfe00c0cd0401cd012c05a355534492a16fcd012c9281a46361736581a66f70656e6564 \
             92079a02a16fcd012c923c5a9193ae5445524d535f55504752414445441e0aa3776562a36f6d73 \
             000993c0a16e96cd0177a3455552cd4e201e14a16281a46361736581a872657365727665649807 \
             cd040102a16fcd012c0593c0a16e9794cd012c000000cd012c3294a3455552a35553449392cd2a \
             4904a365636204c3cd4e20a57374696c6ca162a0"
        }
        other => panic!("{other} has no bytes"),
    }
}
