use super::*;
use crate::command::*;
use crate::counting::OrderDetails;
use crate::decide::confirm;
use crate::model::{HoldKind, Signer};
use crate::outcome::Decision::{Approved, Declined, Referred};
use crate::outcome::ReasonCode::{self, *};
use crate::outcome::Upserted;
use crate::terms::*;
use crate::testing::*;
use crate::values::LimitKind;

mod bounds;

pub(in crate::decide) const HOUR: Micros = 3_600 * SECOND;

const POLICY: &str = "[approvals]\nescalate_after_hours = 2\nexpire_after_hours = 10\n\
                      valid_hours = 24\n\
                      [[approvals.bands]]\nup_to = \"0.50 USD\"\n\
                      roles = [\"credit_analyst\", \"finance\"]\n\
                      [[approvals.bands]]\nup_to = \"10 USD\"\nroles = \"finance\"\n\
                      signatures = 2\n";

/// Account "a" with a limit of 100, whose orders on "net30" are referred.
pub(in crate::decide) fn book() -> Book {
    let mut book = Book::with_100();
    let spec = TermsSpec {
        parts: vec![Part { share: WHOLE, due: Rule::Net { days: 30 } }],
        discounts: Vec::new(),
        discount_grace_days: 0,
        grace_days: 0,
        roll: Roll::Keep,
    };
    let net30 = UpsertTerms { request: REQUEST, terms_id: "net30", calendar_id: None, spec };
    book.run(net30).unwrap();
    book.set_policy(POLICY);
    book
}

pub(super) fn upgraded(order_id: &str, amount: Minor) -> Reserve<'_> {
    let details = OrderDetails { terms_id: Some("net30"), ..OrderDetails::default() };
    let order = Order { details: Some(Box::new(details)), ..order(order_id, amount) };
    Reserve { request: REQUEST, order, allow_partial: false }
}

/// The case of an order that is referred.
pub(in crate::decide) fn referred(book: &mut Book, order_id: &str, amount: Minor) -> u64 {
    let answer = book.reserved(upgraded(order_id, amount));
    assert_eq!((answer.verdict.decision, answer.amount), (Referred, 0));
    answer.case.expect("it waits in a case")
}

pub(in crate::decide) fn act<'a>(case: u64, role: Signer, act: Act<'a>) -> ReviewCase<'a> {
    ReviewCase { request: REQUEST, case, role: Some(role), act }
}

pub(in crate::decide) fn yes(waived: &[ReasonCode]) -> Approve<'static> {
    let (amount, until, on_behalf_of, revision) = (None, None, None, None);
    Approve { waived: waived.to_vec(), amount, until, on_behalf_of, revision }
}

pub(super) fn approve(case: u64, role: Signer) -> ReviewCase<'static> {
    act(case, role, Act::Approve(yes(&[TermsUpgraded])))
}

/// What became of it; panics where it is refused.
pub(in crate::decide) fn reviewed<'a>(
    book: &mut Book,
    who: &'static str,
    command: ReviewCase<'a>,
) -> Reviewed {
    let before = std::mem::replace(&mut book.actor, who);
    let found = book.run(command);
    book.actor = before;
    match found {
        Ok(Outcome::Reviewed(reviewed)) => *reviewed,
        other => panic!("expected a case, got {other:?}"),
    }
}

pub(super) fn refused(book: &mut Book, who: &'static str, command: ReviewCase<'_>) -> Refusal {
    let before = std::mem::replace(&mut book.actor, who);
    let refusal = book.refused(command);
    book.actor = before;
    refusal
}

pub(in crate::decide) fn case(book: &Book, id: u64) -> &Case {
    book.state.cases().get(id).unwrap()
}

#[test]
fn a_referred_order_opens_one_case_where_a_policy_says_who_signs() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    assert_eq!(book.position(), (0, 0, 0));
    assert_eq!(referred(&mut book, "o", 40), id, "asked again");
    assert_eq!(referred(&mut book, "o", 45), id, "for more");
    let found = case(&book, id);
    assert_eq!((found.amount, found.status), (45, CaseStatus::Open));
    assert_eq!((book.state.cases().count(), book.state.cases().pending_count()), (1, 1));
    assert!(found.asked_by.iter().eq(["oms"]));
    assert_eq!(book.reserved(reserve("other", 10)).case, None, "an order that fits opens none");

    book.set_policy("");
    assert_eq!(book.reserved(upgraded("p", 1)).case, None, "without the section none is opened");
}

#[test]
fn an_order_is_reserved_with_the_last_signature_and_learns_of_it_when_asked_again() {
    let mut book = book();
    let id = referred(&mut book, "o", 50);
    let found = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    assert_eq!((found.status, found.missing), (CaseStatus::Used, 0));
    let order = found.reserved.unwrap();
    assert_eq!((order.verdict.decision, order.amount), (Approved, 50));
    assert_eq!(order.verdict.reasons.len(), 1, "what was waived is named");
    assert_eq!(book.position(), (0, 0, 50));
    assert_eq!(book.order("o").details.as_ref().unwrap().terms_id.as_deref(), Some("net30"));

    let again = book.reserved(upgraded("o", 50));
    assert_eq!((again.reservation, again.case), (order.reservation, Some(id)));
    assert_eq!((again.verdict.decision, book.position()), (Approved, (0, 0, 50)));
    // Only to exactly what was approved.
    for other in [upgraded("o", 49), reserve("o", 50)] {
        assert_eq!(book.refused(other), Refusal::OrderAlreadyReserved("o".into()));
    }
    book.changed(release("o"));
    assert_ne!(referred(&mut book, "o", 50), id, "what was given back is referred anew");
}

#[test]
fn two_people_of_the_band_sign_and_none_of_them_asked() {
    let mut book = book();
    let id = referred(&mut book, "o", 60);
    let finance = || approve(id, Signer::Finance);
    assert!(matches!(
        refused(&mut book, "ann", approve(id, Signer::CreditAnalyst)),
        Refusal::Case(CaseRefusal::NotAuthorised { role: "credit_analyst", amount: 60, .. })
    ));
    let by_nobody = ReviewCase { role: None, ..finance() };
    assert!(matches!(
        refused(&mut book, "ann", by_nobody),
        Refusal::Case(CaseRefusal::NotAuthorised { .. })
    ));
    let own = Refusal::Case(CaseRefusal::SelfApproval { case: id, who: "oms".into() });
    assert_eq!(refused(&mut book, "oms", finance()), own);
    let first = reviewed(&mut book, "fay", finance());
    assert_eq!((first.missing, first.status), (1, CaseStatus::Open));
    let twice = Refusal::Case(CaseRefusal::SignedAlready { case: id, who: "fay".into() });
    assert_eq!(refused(&mut book, "fay", finance()), twice);
    let mut more = yes(&[TermsUpgraded]);
    more.amount = Some(70);
    let otherwise = refused(&mut book, "flo", act(id, Signer::Finance, Act::Approve(more)));
    assert_eq!(otherwise, Refusal::Case(CaseRefusal::SignedOtherwise { case: id }));
    assert_eq!(book.position(), (0, 0, 0));
    let second = reviewed(&mut book, "flo", finance());
    assert_eq!((second.missing, second.status), (0, CaseStatus::Used));
    assert_eq!(book.position(), (0, 0, 60));
}

#[test]
fn what_was_signed_counts_only_for_what_was_asked() {
    let mut book = book();
    let id = referred(&mut book, "o", 60);
    reviewed(&mut book, "fay", approve(id, Signer::Finance));
    assert_eq!(referred(&mut book, "o", 61), id);
    assert!(case(&book, id).signatures.is_empty());
    let missing = Refusal::Case(CaseRefusal::NotAReason { case: id, code: InsufficientCredit });
    let waives = act(id, Signer::Finance, Act::Approve(yes(&[InsufficientCredit])));
    assert_eq!(refused(&mut book, "fay", waives), missing);
}

#[test]
fn an_approval_of_less_is_for_an_order_of_less() {
    let mut book = book();
    let id = referred(&mut book, "o", 60);
    let mut less = yes(&[TermsUpgraded]);
    less.amount = Some(50);
    let found = reviewed(&mut book, "ann", act(id, Signer::CreditAnalyst, Act::Approve(less)));
    assert_eq!((found.status, found.reserved), (CaseStatus::Approved, None));
    assert_eq!(referred(&mut book, "o", 60), id, "still too much");
    assert_eq!(case(&book, id).status, CaseStatus::Approved);
    let found = book.reserved(upgraded("o", 50));
    assert_eq!((found.verdict.decision, found.case), (Approved, Some(id)));
    assert_eq!((case(&book, id).status, book.position()), (CaseStatus::Used, (0, 0, 50)));
    let again = book.reserved(upgraded("o", 50));
    assert_eq!((again.case, again.reservation), (Some(id), found.reservation));
    assert_eq!(book.refused(upgraded("o", 60)), Refusal::OrderAlreadyReserved("o".into()));
}

#[test]
fn a_waiver_carries_no_order_past_what_it_does_not_name() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    book.hold("other", 70);
    let found = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    assert_eq!(found.status, CaseStatus::Approved);
    let order = found.reserved.unwrap();
    let codes: Vec<_> = order.verdict.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(
        (order.verdict.decision, codes),
        (Declined, vec![InsufficientCredit, TermsUpgraded])
    );
    assert_eq!(book.position(), (0, 0, 70));
    let asked = book.reserved(upgraded("o", 40));
    assert_eq!((asked.verdict.decision, asked.case), (Declined, Some(id)));

    book.changed(release("other"));
    let asked = book.reserved(upgraded("o", 40));
    assert_eq!((asked.verdict.decision, asked.amount), (Approved, 40));
}

#[test]
fn a_claim_is_one_persons_and_a_rejection_ends_it() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let claim = |take_over| act(id, Signer::Finance, Act::Claim { take_over });
    assert_eq!(reviewed(&mut book, "ann", claim(false)).status, CaseStatus::Claimed);
    reviewed(&mut book, "ann", claim(false));
    let claimed = Refusal::Case(CaseRefusal::CaseClaimed { case: id, by: "ann".into() });
    assert_eq!(refused(&mut book, "fay", claim(false)), claimed);
    reviewed(&mut book, "fay", claim(true));
    assert_eq!(case(&book, id).claimed_by.as_deref(), Some("fay"));
    let supervisor = act(id, Signer::Supervisor, Act::Reject);
    let rejected = refused(&mut book, "sam", supervisor);
    assert!(matches!(rejected, Refusal::Case(CaseRefusal::NotAuthorised { .. })), "{rejected:?}");
    let found = reviewed(&mut book, "ann", act(id, Signer::CreditAnalyst, Act::Reject));
    assert_eq!((found.status, found.missing), (CaseStatus::Rejected, 0));
    let ended = Refusal::Case(CaseRefusal::CaseEnded { case: id, status: CaseStatus::Rejected });
    assert_eq!(refused(&mut book, "fay", approve(id, Signer::Finance)), ended);
}

#[test]
fn what_was_rejected_is_declined_until_something_else_is_asked() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    reviewed(&mut book, "fay", act(id, Signer::Finance, Act::Reject));
    let before = book.state.dump();
    book.actor = "pos";
    let again = book.reserved(upgraded("o", 40));
    assert_eq!((again.verdict.decision, again.case), (Declined, Some(id)));
    assert_eq!((again.verdict.reasons[0].code, book.state.dump()), (TermsUpgraded, before));
    let other = referred(&mut book, "o", 39);
    assert_ne!(other, id);
    // Whoever asked before may sign neither.
    assert!(case(&book, other).asked_by.iter().eq(["oms", "pos"]));
    let own = Refusal::Case(CaseRefusal::SelfApproval { case: other, who: "oms".into() });
    assert_eq!(refused(&mut book, "oms", approve(other, Signer::Finance)), own);
    assert_eq!(book.hold("o", 39).case, Some(other), "on its own terms it is let through");
}

#[test]
fn an_order_that_waits_is_taken_back() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let part = Release { amount: Some(1), ..release("o") };
    assert!(matches!(book.refused(part), Refusal::ReservationNotFound { .. }));
    match book.run(release("o")) {
        Ok(Outcome::Reviewed(found)) => {
            assert_eq!((found.case, found.status), (id, CaseStatus::Withdrawn));
            assert_eq!(found.reserved.unwrap().verdict.decision, Approved);
        }
        other => panic!("expected a case, got {other:?}"),
    }
    let ended = Refusal::Case(CaseRefusal::CaseEnded { case: id, status: CaseStatus::Withdrawn });
    assert_eq!(refused(&mut book, "ann", approve(id, Signer::Finance)), ended);
    assert!(matches!(book.refused(release("o")), Refusal::ReservationNotFound { .. }));
    assert_ne!(referred(&mut book, "o", 40), id);
    // What holds something is given back; and nobody looks at a case whose time is over.
    book.hold("p", 10);
    assert_eq!(book.changed(release("p")).amount, 10);
    let late = referred(&mut book, "q", 40);
    book.now += 10 * HOUR;
    let ended = Refusal::Case(CaseRefusal::CaseEnded { case: late, status: CaseStatus::Expired });
    assert_eq!(refused(&mut book, "ann", approve(late, Signer::Finance)), ended);
}

#[test]
fn an_order_whose_goods_left_waits_no_more() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let forced = CaptureOrder { amount: Some(40), forced: true, ..capture("o", "i") };
    book.changed(forced);
    let held = book.order("o").id;
    assert_eq!(
        (case(&book, id).status, case(&book, id).reservation),
        (CaseStatus::Used, Some(held))
    );
    assert_eq!(case(&book, id).waiver, None);
    book.run(RetryCases { cases: vec![id] }).unwrap();
    assert_eq!(book.position(), (0, 40, 0));

    book.hold("p", 10);
    book.changed(release("p"));
    let id = referred(&mut book, "p", 20);
    book.changed(adjust("p", 5));
    assert_eq!((case(&book, id).status, book.position()), (CaseStatus::Used, (0, 40, 5)));
    book.changed(release("p"));
    let id = referred(&mut book, "p", 20);
    book.changed(CaptureOrder { target: Target::Id(book.order("p").id), ..forced_more() });
    assert_eq!((case(&book, id).status, book.position()), (CaseStatus::Used, (0, 70, 0)));
}

fn forced_more() -> CaptureOrder<'static> {
    CaptureOrder { amount: Some(30), forced: true, ..capture("p", "j") }
}

#[test]
fn the_clock_escalates_then_ends() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    book.pass(2 * HOUR - 1);
    assert_eq!(case(&book, id).level, 0);
    book.pass(1);
    let found = case(&book, id);
    assert_eq!((found.level, found.status), (1, CaseStatus::Escalated));
    assert!(matches!(
        refused(&mut book, "ann", approve(id, Signer::CreditAnalyst)),
        Refusal::Case(CaseRefusal::NotAuthorised { .. })
    ));
    let above = act(id, Signer::Finance, Act::Escalate);
    assert_eq!(
        refused(&mut book, "ann", above),
        Refusal::Case(CaseRefusal::NothingAbove { case: id })
    );
    book.pass(8 * HOUR - 1);
    assert_eq!(case(&book, id).status, CaseStatus::Escalated, "once alone");
    book.pass(1);
    assert_eq!(case(&book, id).status, CaseStatus::Expired);
    assert_eq!(book.state.cases().pending_count(), 0);
    let all = Housekeep { closed_before: Micros::MAX, closed_count_max: u64::MAX };
    book.run(all).unwrap();
    assert_eq!(book.state.cases().count(), 0);
}

#[test]
fn an_approval_that_is_over_confirms_nothing_and_is_kept_while_it_holds() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let ttl = ttl(Some(72 * 3_600));
    let longer = Reserve { order: Order { ttl, ..upgraded("o", 40).order }, ..upgraded("o", 40) };
    book.reserved(longer);
    reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    let closed_at = book.now;
    book.now += 24 * HOUR - 1;
    let found = |book: &Book| confirm(&book.state, book.now, &by_order("o")).unwrap().verdict;
    assert_eq!(found(&book).decision, Approved);
    book.now += 1;
    let today = i64::from(TODAY.0) + 1;
    assert_eq!(found(&book).reasons, [reason(ApprovalExpired, today, today)]);

    // Long enough ago, but what it approved is still reserved.
    let all = Housekeep { closed_before: Micros::MAX, closed_count_max: u64::MAX };
    book.run(all).unwrap();
    assert_eq!((case(&book, id).closed_at, case(&book, id).kept_at), (closed_at, book.now));
    book.changed(release("o"));
    book.run(all).unwrap();
    assert_eq!(book.state.cases().count(), 0);
}

#[test]
fn others_sign_in_ones_place_for_a_time_and_never_for_more() {
    let mut book = book();
    let delegate =
        |role, during| Delegate { request: REQUEST, to: "ann", role, during, from: None };
    let soon = book.now + HOUR;
    let during = Some((soon, soon + HOUR));
    book.actor = "fay";
    let finance = Some(Signer::Finance);
    assert_eq!(
        book.refused(delegate(None, during)),
        Refusal::Case(CaseRefusal::NotASigner("no role"))
    );
    let self_made = Delegate { to: "fay", ..delegate(finance, during) };
    assert_eq!(book.refused(self_made), Refusal::Case(CaseRefusal::DelegatedToSelf("fay".into())));
    let made = book.run(delegate(finance, during));
    assert_eq!(made, Ok(Outcome::Upserted(Upserted::Created)));
    book.actor = "oms";
    let id = referred(&mut book, "o", 60);
    let by = |on_behalf_of, role| {
        let approve = Approve { on_behalf_of: Some(on_behalf_of), ..yes(&[TermsUpgraded]) };
        act(id, role, Act::Approve(approve))
    };
    let early = refused(&mut book, "ann", by("fay", Signer::CreditAnalyst));
    assert_eq!(early, Refusal::Case(CaseRefusal::NotDelegated("fay".into())));
    book.now += HOUR;
    // With fay's authority: her own would not do.
    let first = reviewed(&mut book, "ann", by("fay", Signer::CreditAnalyst));
    assert_eq!(first.missing, 1);
    for (who, command) in
        [("fay", approve(id, Signer::Finance)), ("ann", by("fay", Signer::Finance))]
    {
        let twice = refused(&mut book, who, command);
        assert!(
            matches!(twice, Refusal::Case(CaseRefusal::SignedAlready { .. })),
            "{who} {twice:?}"
        );
    }
    book.now += HOUR;
    let late = refused(&mut book, "bob", by("fay", Signer::Admin));
    assert_eq!(late, Refusal::Case(CaseRefusal::NotDelegated("fay".into())));
    book.actor = "fay";
    book.run(delegate(None, None)).unwrap();
    assert_eq!(
        book.refused(delegate(None, None)),
        Refusal::Case(CaseRefusal::DelegationNotFound("ann".into()))
    );
}

#[test]
fn a_held_accounts_case_waits_until_the_hold_is_lifted() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let (hold_id, kind, source) = ("h", HoldKind::Fraud, "desk");
    let hold = PlaceHold { request: REQUEST, account_id: "a", hold_id, kind, source, until: None };
    book.run(hold).unwrap();
    let found = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    assert_eq!(
        (found.status, found.reserved.unwrap().verdict.decision),
        (CaseStatus::Approved, Declined)
    );
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn what_people_said_is_erased_with_their_account() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    let comment = act(id, Signer::Finance, Act::Comment { priority: Some(7) });
    let mut request = book.request(comment);
    let body = Some(crate::values::TextBody { salt: [0; 16], text: "ask Ms Lee" });
    request.reason = Some(Text { digest: [0; 32], body });
    let (_, events) = crate::decide::decide(&book.state, 99, book.now, &request).unwrap();
    for event in &events {
        crate::apply::apply(&mut book.state, book.now, event);
    }
    assert_eq!(case(&book, id).comments[0].text.as_deref(), Some("ask Ms Lee"));
    assert_eq!(case(&book, id).priority, 7);
    let (entries, named) = (vec![1], vec![]);
    book.run(EraseTexts { request: REQUEST, account_id: "a", entries, named }).unwrap();
    assert_eq!(case(&book, id).comments[0].text, None);
}

#[test]
fn a_limit_that_is_gone_leaves_nothing_to_sign_for() {
    let mut book = book();
    let id = referred(&mut book, "o", 40);
    book.run(UpsertAccount { limit: Some(limit(LimitKind::NoCredit)), ..account("a") }).unwrap();
    let found = reviewed(&mut book, "ann", approve(id, Signer::CreditAnalyst));
    assert_eq!(found.status, CaseStatus::Approved);
    assert_eq!(book.position(), (0, 0, 0));
}
