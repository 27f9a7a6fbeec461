use crate::command::*;
use crate::decide::cases::signatures_missing;
use crate::decide::cases::tests::*;
use crate::error::{CaseRefusal, Refusal};
use crate::model::{CaseStatus, Signer};
use crate::outcome::Decision::{Approved, Declined, Referred};
use crate::outcome::Outcome;
use crate::outcome::ReasonCode::*;
use crate::testing::*;
use crate::values::LimitKind;

#[test]
fn a_signature_that_is_over_counts_for_nothing() {
    let mut book = book();
    book.set_policy(
        "[approvals]\nexpire_after_hours = 72\nvalid_hours = 48\n\
         [[approvals.bands]]\nroles = [\"finance\", \"supervisor\"]\nsignatures = 2\n",
    );
    let id = referred(&mut book, "o", 40);
    let finance = || approve(id, Signer::Finance);
    book.now += HOUR;
    assert_eq!(reviewed(&mut book, "fay", finance()).missing, 1);
    book.now += 48 * HOUR;
    assert_eq!(signatures_missing(&book.state, case(&book, id), book.now), 2);
    // The second person is the first again, and signs what they like.
    let mut more = yes(&[TermsUpgraded]);
    more.amount = Some(50);
    let found = reviewed(&mut book, "sam", act(id, Signer::Supervisor, Act::Approve(more.clone())));
    assert_eq!((found.missing, found.status), (1, CaseStatus::Open));
    assert_eq!((case(&book, id).signatures.len(), book.position()), (1, (0, 0, 0)));
    let found = reviewed(&mut book, "fay", act(id, Signer::Finance, Act::Approve(more)));
    assert_eq!((found.status, book.position()), (CaseStatus::Used, (0, 0, 40)));
}

#[test]
fn an_order_is_held_to_the_rules_of_its_own_channel_whoever_signs() {
    let mut book = book();
    let banded = |web: &str| {
        format!(
            "[limits]\ntolerance = {{ cli = 50 }}\n\
             [channel.web.maximum-order]\namount = \"{web} USD\"\n\
             [approvals]\n[[approvals.bands]]\nroles = \"finance\"\n"
        )
    };
    book.set_policy(&banded("1.00"));
    book.channel = "web";
    let id = referred(&mut book, "o", 90);
    let other = referred(&mut book, "p", 70);
    // By then the channel's own rule forbids it, and another's tolerance is not the order's.
    book.set_policy(&banded("0.80"));
    book.channel = "cli";
    let found = reviewed(&mut book, "fay", approve(id, Signer::Finance));
    let order = found.reserved.unwrap();
    let codes: Vec<_> = order.verdict.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(
        (order.verdict.decision, codes),
        (Declined, vec![OrderAmountExceeded, TermsUpgraded])
    );
    book.hold("held", 40);
    let found = reviewed(&mut book, "fay", approve(other, Signer::Finance));
    assert_eq!(found.reserved.unwrap().verdict.decision, Declined, "nothing is tolerated of web");
}

#[test]
fn the_second_signs_what_the_first_did_where_a_reason_has_gone() {
    let mut book = Book::with_100();
    book.set_policy(
        "[all.insufficient-credit]\noutcome = \"refer\"\n\
         [all.maximum-order]\namount = \"0.50 USD\"\noutcome = \"refer\"\n\
         [approvals]\n[[approvals.bands]]\nroles = \"finance\"\nsignatures = 2\n",
    );
    let both = |id| {
        let approve = Act::Approve(yes(&[InsufficientCredit, OrderAmountExceeded]));
        act(id, Signer::Finance, approve)
    };
    let id = book.reserved(reserve("o", 120)).case.unwrap();
    assert_eq!(reviewed(&mut book, "fay", both(id)).missing, 1);
    let raised = Some(limit(LimitKind::Amount(200)));
    book.run(UpsertAccount { limit: raised, ..account("a") }).unwrap();
    assert_eq!(book.reserved(reserve("o", 120)).case, Some(id));
    assert_eq!((case(&book, id).reasons.len(), case(&book, id).signatures.len()), (1, 1));
    let one = act(id, Signer::Finance, Act::Approve(yes(&[OrderAmountExceeded])));
    let otherwise = Refusal::Case(CaseRefusal::SignedOtherwise { case: id });
    assert_eq!(refused(&mut book, "flo", one), otherwise);
    assert_eq!(reviewed(&mut book, "flo", both(id)).status, CaseStatus::Used);
}

#[test]
fn a_rule_that_holds_the_account_does_so_at_a_signature_too() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    book.set_policy(
        "[all.maximum-order]\namount = \"0.30 USD\"\noutcome = \"hold\"\n\
         [approvals]\n[[approvals.bands]]\nroles = \"finance\"\n",
    );
    reviewed(&mut book, "fay", approve(id, Signer::Finance));
    assert_eq!(book.reserved(reserve("p", 1)).verdict.reasons[0].code, AccountOnHold);
}

#[test]
fn who_has_seen_another_order_does_not_sign_this_one() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let seen = |revision| {
        let approve = Approve { revision: Some(revision), ..yes(&[TermsUpgraded]) };
        act(id, Signer::Finance, Act::Approve(approve))
    };
    let revision = case(&book, id).revision;
    referred(&mut book, "o", 45);
    let changed = Refusal::Case(CaseRefusal::CaseChanged { case: id, revision: revision + 1 });
    assert_eq!(refused(&mut book, "fay", seen(revision)), changed);
    referred(&mut book, "o", 45);
    let found = reviewed(&mut book, "fay", seen(revision + 1));
    assert_eq!((found.status, book.position()), (CaseStatus::Used, (0, 0, 45)));
}

#[test]
fn what_was_signed_as_a_referral_stands_once_the_rule_declines() {
    let mut book = Book::with_100();
    let rule = |outcome: &str| {
        format!(
            "[all.insufficient-credit]\noutcome = \"{outcome}\"\n\
             [approvals]\n[[approvals.bands]]\nroles = \"finance\"\n"
        )
    };
    book.set_policy(&rule("refer"));
    let asked = book.reserved(reserve("o", 120));
    assert_eq!(asked.verdict.decision, Referred);
    book.set_policy(&rule("decline"));
    let signed =
        act(asked.case.unwrap(), Signer::Finance, Act::Approve(yes(&[InsufficientCredit])));
    let found = reviewed(&mut book, "fay", signed.clone());
    assert_eq!(
        (found.status, found.reserved.unwrap().verdict.decision),
        (CaseStatus::Approved, Declined)
    );
    assert_eq!(book.reserved(reserve("o", 120)).verdict.decision, Declined, "asked again");
    book.set_policy(&rule("refer"));
    assert_eq!(book.reserved(reserve("o", 120)).verdict.decision, Approved);
}

#[test]
fn a_no_takes_the_authority_of_a_yes_or_of_those_above() {
    let mut book = book();
    let no = |case, role| act(case, role, Act::Reject);
    let denied = |refusal| matches!(refusal, Refusal::Case(CaseRefusal::NotAuthorised { .. }));
    let large = referred(&mut book, "large", 60);
    reviewed(&mut book, "fay", approve(large, Signer::Finance));
    assert!(denied(refused(&mut book, "ann", no(large, Signer::CreditAnalyst))));
    assert_eq!(case(&book, large).signatures.len(), 1);
    assert_eq!(reviewed(&mut book, "flo", no(large, Signer::Finance)).status, CaseStatus::Rejected);

    // What was escalated is no longer theirs.
    let small = referred(&mut book, "small", 40);
    let escalated = act(small, Signer::CreditAnalyst, Act::Escalate);
    assert_eq!(reviewed(&mut book, "ann", escalated).missing, 2, "of those above");
    assert!(denied(refused(&mut book, "ann", no(small, Signer::CreditAnalyst))));

    // Those above need not stand in the band below, and whoever may reject at all does so where
    // nobody signs.
    book.set_policy(
        "[approvals]\n[[approvals.bands]]\nup_to = \"0.30 USD\"\nroles = \"credit_analyst\"\n\
         [[approvals.bands]]\nup_to = \"0.50 USD\"\nroles = \"finance\"\n",
    );
    let (low, lower) = (referred(&mut book, "low", 20), referred(&mut book, "lower", 20));
    assert!(denied(refused(&mut book, "sam", no(low, Signer::Supervisor))));
    reviewed(&mut book, "fay", no(low, Signer::Finance));
    let beyond = referred(&mut book, "beyond", 90);
    reviewed(&mut book, "sam", no(beyond, Signer::Supervisor));

    book.set_policy("");
    let nobody = ReviewCase { role: None, ..no(lower, Signer::Admin) };
    let refusal = Refusal::Case(CaseRefusal::NotASigner("no role"));
    assert_eq!(refused(&mut book, "sam", nobody), refusal);
    reviewed(&mut book, "sam", no(lower, Signer::Supervisor));
}

#[test]
fn an_order_that_is_let_past_one_shared_limit_is_let_past_no_other() {
    let mut book = Book::with_100();
    book.set_policy(
        "[all.shared-limit]\noutcome = \"refer\"\n[all.insufficient-credit]\noutcome = \"refer\"\n\
         [approvals]\n[[approvals.bands]]\nroles = \"finance\"\n",
    );
    let shares = |id, most| UpsertAccount { shared_limit: Some(most), ..account(id) };
    book.run(shares("b", Some(50))).unwrap();
    book.run(UpsertAccount { parent_id: Some("b"), ..account("a") }).unwrap();
    let id = book.reserved(reserve("o", 120)).case.unwrap();
    let past = Act::Approve(yes(&[SharedLimitExceeded]));
    let found = reviewed(&mut book, "fay", act(id, Signer::Finance, past));
    assert_eq!(found.status, CaseStatus::Approved, "it is short of its own limit");
    // That is raised, and another limit is shared than the one that was signed for.
    let limit = Some(limit(LimitKind::Amount(200)));
    book.run(UpsertAccount { limit, ..shares("a", Some(50)) }).unwrap();
    book.run(shares("b", None)).unwrap();
    assert_eq!(book.run(RetryCases { cases: vec![id] }), Ok(Outcome::Retried(vec![])));
    assert_eq!(book.reserved(reserve("o", 120)).verdict.decision, Referred);
    assert_eq!((case(&book, id).status, case(&book, id).revision), (CaseStatus::Open, 1));
}
