use std::slice;

use super::*;
use crate::apply::apply;
use crate::bounds::VERIFICATIONS_MAX;
use crate::command::{Command, UpsertAccount};
use crate::decide::levels::{LimitSource, effective_limit};
use crate::decide::{check, confirm, decide};
use crate::entry::Request;
use crate::model::Conditions;
use crate::outcome::ReasonCode::{InsufficientCredit, LimitExpired, LimitInGrace, NoCreditLimit};
use crate::outcome::{Decision, Reason};
use crate::testing::*;
use crate::values::{LimitKind, Minor};

const SECOND_PERSON: &str = "bert";

fn verification(reference: &str, days: i32, score: Option<i64>) -> RecordVerification<'_> {
    let (date, document) = (Day(TODAY.0 + days), Some([7; 32]));
    let (account_id, source) = ("a", "bureau");
    RecordVerification { request: REQUEST, account_id, reference, source, date, score, document }
}

fn proposing(amount: Minor, verification: Option<&str>) -> ProposeLimit<'_> {
    let limit = limit(LimitKind::Amount(amount));
    ProposeLimit { request: REQUEST, account_id: "a", limit, verification }
}

fn approval(proposal: ProposalId) -> ApproveProposal<'static> {
    ApproveProposal { request: REQUEST, account_id: "a", proposal }
}

fn rejection(proposal: ProposalId) -> RejectProposal<'static> {
    RejectProposal { request: REQUEST, account_id: "a", proposal }
}

/// What a load says of account "a".
fn sync(amount: Minor) -> Command<'static> {
    Command::SyncAccount(upsert(amount))
}

fn upsert(amount: Minor) -> UpsertAccount<'static> {
    UpsertAccount { limit: Some(limit(LimitKind::Amount(amount))), ..account("a") }
}

impl Book {
    fn proposed(&mut self, command: ProposeLimit<'_>) -> Proposed {
        match self.run(command) {
            Ok(Outcome::Proposed(proposed)) => proposed,
            other => panic!("expected a proposal, got {other:?}"),
        }
    }

    /// Runs a load that becomes a proposal.
    fn synced(&mut self, amount: Minor) -> (Upserted, Proposed) {
        match self.run(sync(amount)) {
            Ok(Outcome::UpsertedProposing(upserted, proposed)) => (upserted, proposed),
            other => panic!("expected a proposal, got {other:?}"),
        }
    }

    fn as_actor<R>(&mut self, actor: &'static str, f: impl FnOnce(&mut Book) -> R) -> R {
        let before = std::mem::replace(&mut self.actor, actor);
        let result = f(self);
        self.actor = before;
        result
    }

    fn limit_of_a(&self) -> LimitKind {
        self.state.terms(0).limit.kind
    }

    fn waiting(&self) -> Vec<ProposalId> {
        let found: Vec<_> = self.state.proposals(0).map(|(id, _)| id).collect();
        let kept = self.state.backing(0).map_or(Vec::new(), |all| all.proposals().to_vec());
        assert_eq!(kept.iter().map(|proposal| proposal.id).collect::<Vec<_>>(), found);
        found
    }

    /// Why an order of account "a" through a channel is declined.
    fn refusals(&self, amount: Minor, channel: &str) -> Vec<Reason> {
        let inquiry = crate::decide::Inquiry { channel, ..inquiry(amount) };
        let found = check(&self.state, self.now, &inquiry).expect("it is decided").verdict;
        let blocks = found.reasons.iter().any(Reason::blocks);
        assert_eq!(found.decision == Decision::Approved, !blocks);
        found.reasons
    }
}

#[test]
fn a_proposal_waits_for_somebody_else() {
    let mut book = Book::with_100();
    let Proposed { proposal, approved } = book.proposed(proposing(500, None));
    assert!(!approved);
    assert_eq!((book.limit_of_a(), book.waiting()), (LimitKind::Amount(100), vec![proposal]));
    assert_eq!(
        book.refused(approval(proposal)),
        Refusal::Limit(LimitRefusal::OwnProposal(proposal))
    );
    assert_eq!(book.refused(approval(99)), Refusal::Limit(LimitRefusal::ProposalNotFound(99)));
    book.as_actor(SECOND_PERSON, |book| book.run(approval(proposal)).unwrap());
    assert_eq!((book.limit_of_a(), book.waiting()), (LimitKind::Amount(500), vec![]));
    let found = book.state.backing(0).and_then(|all| all.approval().cloned()).unwrap();
    assert_eq!((found.by.as_deref(), found.at), (Some(SECOND_PERSON), book.now));
    assert_eq!(
        book.refused(rejection(proposal)),
        Refusal::Limit(LimitRefusal::ProposalNotFound(proposal))
    );
    // One that is rejected leaves the limit, and nothing else.
    let Proposed { proposal, .. } = book.proposed(proposing(900, None));
    book.as_actor(SECOND_PERSON, |book| book.run(rejection(proposal)).unwrap());
    assert_eq!((book.limit_of_a(), book.waiting()), (LimitKind::Amount(500), vec![]));
    // Whoever proposed one may take it back.
    let Proposed { proposal, .. } = book.proposed(proposing(900, None));
    book.run(rejection(proposal)).unwrap();
    assert_eq!(book.waiting(), []);
}

#[test]
fn a_proposal_is_approved_only_in_place_of_the_limit_that_it_was_made_on() {
    let mut book = Book::with_100();
    let Proposed { proposal, .. } = book.proposed(proposing(500, None));
    book.as_actor("carl", |book| book.run(upsert(20)).unwrap());
    let changed = Refusal::Limit(LimitRefusal::LimitChanged(proposal));
    book.as_actor(SECOND_PERSON, |book| assert_eq!(book.refused(approval(proposal)), changed));
    let again = book.proposed(proposing(500, None)).proposal;
    book.as_actor(SECOND_PERSON, |book| book.run(approval(again)).unwrap());
    assert_eq!(book.limit_of_a(), LimitKind::Amount(500));
    // A limit of somebody's own word takes the place of what the same one proposed.
    book.proposed(proposing(600, None));
    book.run(upsert(550)).unwrap();
    assert_eq!(book.waiting(), []);
}

#[test]
fn a_proposer_has_one_proposal_of_an_account_waiting() {
    let mut book = Book::with_100();
    book.proposed(proposing(500, None));
    let second = book.proposed(proposing(600, None)).proposal;
    assert_eq!(book.waiting(), [second]);
    let actors = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    for actor in actors {
        book.as_actor(actor, |book| book.proposed(proposing(700, None)));
    }
    let refused = book.as_actor("c8", |book| book.refused(proposing(700, None)));
    assert_eq!(refused, Refusal::Limit(LimitRefusal::TooManyProposals("a".into())));
    book.as_actor("c7", |book| book.proposed(proposing(701, None)));
    assert_eq!(book.waiting().len(), PROPOSALS_MAX);
}

#[test]
fn no_more_proposals_wait_in_all_than_there_is_room_for() {
    let mut book = Book::with_100();
    let proposers = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    let own = limit(LimitKind::Amount(1));
    for slot in 1..=(PROPOSALS_TOTAL_MAX / proposers.len()) as Slot {
        let account_id = &*format!("a{slot}");
        let account = Event::AccountSet {
            slot,
            account_id,
            currency: usd(),
            parent: None,
            segment: None,
            limit: own,
            max_order: 0,
            name: None,
            shared_limit: None,
        };
        apply(&mut book.state, book.now, &account);
        for by in proposers {
            book.seq += 1;
            let (proposal, limit) = (book.seq, Limit::INHERIT);
            let (verification, reason) = (None, None);
            let event = Event::LimitProposed { slot, proposal, limit, verification, by, reason };
            apply(&mut book.state, book.now, &event);
        }
        book.state.settle(book.state.mark());
    }
    let decided = |book: &Book, account_id: &'static str, actor: &'static str| {
        let command = ProposeLimit { account_id, ..proposing(500, None) };
        let request = Request { actor, ..book.request(command) };
        decide(&book.state, book.seq + 1, book.now, &request).map(|_| ())
    };
    let refused = Err(Refusal::Limit(LimitRefusal::TooManyProposalsInAll));
    assert_eq!(decided(&book, "a", "anna"), refused);
    // It would take the place of one that waits.
    assert_eq!(decided(&book, "a1", "c7"), Ok(()));
    let (slot, proposal) = (1, book.seq - PROPOSALS_TOTAL_MAX as ProposalId + 1);
    apply(&mut book.state, book.now, &Event::ProposalClosed { slot, proposal });
    assert_eq!(decided(&book, "a", "anna"), Ok(()));
}

#[test]
fn what_makes_no_sense_is_not_proposed_nor_approved() {
    let mut book = Book::with_100();
    assert_eq!(book.refused(proposing(100, None)), Refusal::Limit(LimitRefusal::NothingProposed));
    let unknown = book.refused(proposing(500, Some("v")));
    assert_eq!(unknown, Refusal::Limit(LimitRefusal::VerificationNotFound("v".into())));
    let until = |days| {
        let valid_until = Some(Day(TODAY.0 + days));
        let limit = Limit { kind: LimitKind::Amount(500), valid_until };
        ProposeLimit { limit, ..proposing(500, None) }
    };
    assert!(matches!(book.refused(until(-1)), Refusal::Passed { .. }));
    let Proposed { proposal, .. } = book.proposed(until(0));
    book.pass(DAY);
    let refused = book.as_actor(SECOND_PERSON, |book| book.refused(approval(proposal)));
    assert!(matches!(refused, Refusal::Passed { field: "limit.valid_until", .. }));
    book.set_policy("[limits]\nowner = \"creditgate\"\n");
    let ended = UpsertAccount { limit: Some(until(-1).limit), ..account("a") };
    let refused = book.refused(Command::SyncAccount(ended));
    assert!(matches!(refused, Refusal::Passed { field: "limit.valid_until", .. }));
}

#[test]
fn the_policy_approves_of_what_is_within_its_bands() {
    let mut book = Book::with_100();
    book.set_policy(
        "[[limits.approve]]\nchange_percent_max = 50\namount_max = \"9 USD\"\nscore_min = 700\n",
    );
    assert!(!book.proposed(proposing(140, None)).approved);
    let record = |book: &mut Book, by, command| {
        book.as_actor(by, |book| book.run(command).unwrap());
    };
    record(&mut book, SECOND_PERSON, verification("poor", -3, Some(650)));
    record(&mut book, SECOND_PERSON, verification("good", -5, Some(700)));
    assert!(!book.proposed(proposing(150, Some("good"))).approved, "the latest score counts");
    assert_eq!(book.waiting().len(), 1, "in the place of the one before");
    record(&mut book, "oms", verification("own", -2, Some(900)));
    assert!(!book.proposed(proposing(150, Some("own"))).approved, "on nobody else's word");
    assert!(!book.proposed(proposing(150, Some("good"))).approved, "the score is one's own");
    record(&mut book, SECOND_PERSON, verification("new", -1, Some(700)));
    assert!(!book.proposed(proposing(150, Some("own"))).approved, "on nobody else's word");
    assert!(book.proposed(proposing(150, Some("good"))).approved);
    assert_eq!((book.limit_of_a(), book.waiting()), (LimitKind::Amount(150), vec![]));
    let backing = book.state.backing(0).unwrap();
    let found = backing.approval().unwrap();
    assert_eq!((found.by.as_deref(), found.verification.as_deref()), (None, Some("good")));
    assert_eq!(backing.verified_by().map(|id| &**id), Some("good"));
    // It goes as far as from the limit that somebody set, however many steps it takes.
    assert!(!book.proposed(proposing(151, Some("good"))).approved);
    assert!(book.proposed(proposing(120, Some("good"))).approved);
    assert!(!book.proposed(proposing(151, Some("good"))).approved);
    book.as_actor(SECOND_PERSON, |book| book.run(upsert(150)).unwrap());
    let found = book.state.backing(0).and_then(|all| all.approval().cloned()).unwrap();
    assert_eq!(found.by.as_deref(), Some(SECOND_PERSON), "not the policy, who set it before");
    assert!(book.proposed(proposing(225, Some("good"))).approved);
}

#[test]
fn no_verification_that_something_stands_on_is_forgotten() {
    let mut book = Book::with_100();
    for (reference, days) in [("approved", -9), ("waits", -8), ("nothing", -7)] {
        book.run(verification(reference, days, None)).unwrap();
    }
    let Proposed { proposal, .. } = book.proposed(proposing(200, Some("approved")));
    book.as_actor(SECOND_PERSON, |book| book.run(approval(proposal)).unwrap());
    let Proposed { proposal, .. } = book.proposed(proposing(300, Some("waits")));
    for reference in ["d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8"] {
        book.run(verification(reference, -2, None)).unwrap();
    }
    let is_kept =
        |book: &Book, reference| book.state.backing(0).unwrap().verification(reference).is_some();
    assert!(is_kept(&book, "approved") && is_kept(&book, "waits") && !is_kept(&book, "nothing"));
    let reused = Refusal::Limit(LimitRefusal::VerificationReused("approved".into()));
    assert_eq!(book.refused(verification("approved", -1, Some(900))), reused);
    book.run(rejection(proposal)).unwrap();
    assert!(is_kept(&book, "approved") && !is_kept(&book, "waits"));
}

#[test]
fn verifications_are_kept_the_latest_first_and_never_replaced() {
    let mut book = Book::with_100();
    assert_eq!(book.state.conditions(0).and_then(Conditions::score), None);
    let to_come = book.refused(verification("v", 1, None));
    assert_eq!(to_come, Refusal::Limit(LimitRefusal::VerificationToCome(Day(TODAY.0 + 1))));
    let created = Ok(Outcome::Upserted(Upserted::Created));
    let unchanged = Ok(Outcome::Upserted(Upserted::Unchanged));
    assert_eq!(book.run(verification("old", -400, Some(900))), created);
    assert_eq!(book.run(verification("new", -2, Some(500))), created);
    assert_eq!(book.state.conditions(0).and_then(Conditions::score), Some(500));
    // The register's extract says nothing of a score, so that of the bureau stands.
    assert_eq!(book.run(verification("extract", 0, None)), created);
    assert_eq!(book.state.conditions(0).and_then(Conditions::score), Some(500));
    assert_eq!(book.run(verification("new", -2, Some(500))), unchanged);
    let reused = book.refused(verification("new", -2, Some(501)));
    assert_eq!(reused, Refusal::Limit(LimitRefusal::VerificationReused("new".into())));
    for reference in ["d1", "d2", "d3", "d4", "d5"] {
        assert_eq!(book.run(verification(reference, -2, None)), created);
    }
    let references = |book: &Book| -> Vec<String> {
        let kept = book.state.backing(0).unwrap().verifications();
        kept.iter().map(|known| known.reference.to_string()).collect()
    };
    assert_eq!(references(&book), ["extract", "d1", "d2", "d3", "d4", "d5", "new", "old"]);
    assert_eq!(book.run(verification("d6", -2, None)), created);
    assert_eq!(references(&book).len(), VERIFICATIONS_MAX);
    assert_eq!(book.run(verification("old", -400, Some(900))), unchanged, "earlier than all kept");
    assert!(!references(&book).contains(&"old".to_owned()));
}

#[test]
fn a_first_order_needs_a_limit_that_was_approved_on_a_verification() {
    let mut book = Book::with_100();
    book.hold("before", 10);
    book.set_policy("[limits]\nfirst_order_needs_verification = true\n");
    let no_limit = [reason(NoCreditLimit, 0, 0)];
    assert_eq!(book.refusals(1, ""), no_limit);
    let terms = book.state.terms(0);
    let found = effective_limit(&book.state, 0, &terms, book.state.conditions(0), book.now);
    assert_eq!(found.source, LimitSource::Unverified);
    // Neither a limit that somebody sets, nor one approved on nothing, nor the record alone counts.
    book.run(upsert(200)).unwrap();
    let Proposed { proposal, .. } = book.proposed(proposing(300, None));
    book.as_actor(SECOND_PERSON, |book| book.run(approval(proposal)).unwrap());
    book.run(verification("v", -1, None)).unwrap();
    assert_eq!(book.refusals(1, ""), no_limit);
    // What is in force may be approved on it.
    let Proposed { proposal, .. } = book.proposed(proposing(300, Some("v")));
    book.as_actor(SECOND_PERSON, |book| book.run(approval(proposal)).unwrap());
    assert_eq!(book.refusals(290, ""), []);
    // Once is enough.
    book.run(upsert(50)).unwrap();
    assert_eq!(book.refusals(40, ""), []);
    book.set_policy("");
    assert_eq!(book.refusals(41, ""), [reason(InsufficientCredit, 41, 40)]);
}

#[test]
fn an_order_that_was_taken_and_one_after_a_shipment_need_no_verification() {
    let mut book = Book::with_100();
    book.hold("before", 10);
    book.set_policy("[limits]\nfirst_order_needs_verification = true\n");
    // Nothing was shipped yet: another order would be a first one, this one was taken.
    assert_eq!(book.refusals(1, ""), [reason(NoCreditLimit, 0, 0)]);
    let more = book.changed(adjust("before", 11)).verdict;
    assert_eq!(more.reasons, [reason(NoCreditLimit, 0, 0)]);
    let confirmed = confirm(&book.state, book.now, &by_order("before")).unwrap().verdict;
    assert_eq!((confirmed.decision, confirmed.reasons), (Decision::Approved, vec![]));
    let shipped = book.changed(capture("before", "i"));
    assert_eq!((shipped.amount, shipped.verdict.available), (10, Some(90)));
    assert_eq!(book.refusals(90, ""), []);
    // Whoever was billed once is no new customer, also when all is paid.
    book.post(invoice("i", 10));
    book.post(payment(10, &[("i", 10)]));
    assert_eq!(book.position(), (0, 0, 0));
    assert_eq!(book.refusals(100, ""), []);
    assert_eq!(book.refusals(101, ""), [reason(InsufficientCredit, 101, 100)]);
}

#[test]
fn a_sync_overwrites_no_limit_that_is_owned_here() {
    let mut book = Book::with_100();
    book.actor = "erp";
    book.set_policy("[limits]\nowner = \"creditgate\"\n");
    let (upserted, first) = book.synced(200);
    assert_eq!((upserted, first.approved), (Upserted::Unchanged, false));
    // Every night the same: nothing new.
    let (again, events) = book.events(sync(200)).unwrap();
    assert_eq!((again, events), (Outcome::UpsertedProposing(upserted, first), vec![]));
    // Other fields take effect, and another limit takes the place of the one that waits.
    let body = Some(crate::values::TextBody { salt: [0; 16], text: "Acme" });
    let name = Some(Some(Text { digest: [7; 32], body }));
    let other = UpsertAccount { name, ..upsert(300) };
    let (outcome, _) = book.events(Command::SyncAccount(other)).unwrap();
    let Outcome::UpsertedProposing(Upserted::Updated, second) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (book.limit_of_a(), book.waiting()),
        (LimitKind::Amount(100), vec![second.proposal])
    );
    assert_eq!(book.state.account_name(0), Some("Acme"));
    // Back to what is in force: nobody has to decide any more.
    assert_eq!(book.run(sync(100)), Ok(Outcome::Upserted(Upserted::Updated)));
    assert_eq!(book.waiting(), []);
    assert!(book.state.conditions(0).is_none(), "nothing is left of it");
    assert_eq!(book.run(sync(100)), Ok(Outcome::Upserted(Upserted::Unchanged)));
    // A new account has what it inherits until somebody agrees.
    let new = UpsertAccount { account_id: "b", ..upsert(700) };
    let (outcome, _) = book.events(Command::SyncAccount(new)).unwrap();
    assert!(matches!(outcome, Outcome::UpsertedProposing(Upserted::Created, _)), "{outcome:?}");
    assert_eq!(book.state.terms(1).limit, Limit::INHERIT);
}

#[test]
fn the_owners_word_holds_at_once_and_is_on_record() {
    let mut book = Book::with_100();
    book.set_policy("[limits]\nowner = \"ledger\"\n");
    book.actor = "erp";
    let (outcome, events) = book.events(sync(200)).unwrap();
    assert_eq!(outcome, Outcome::Upserted(Upserted::Updated));
    let limit = limit(LimitKind::Amount(200));
    let approved = Event::LimitApproved {
        slot: 0,
        proposal: None,
        limit,
        verification: None,
        by: Some("erp"),
        base: None,
    };
    assert_eq!(events[1..], [approved]);
    assert!(book.state.conditions(0).is_none(), "it costs the account nothing");
    // Here people propose, and the ledger has the last word.
    let Ok(Outcome::UpsertedProposing(Upserted::Unchanged, mine)) =
        book.as_actor("anna", |book| book.run(upsert(300)))
    else {
        panic!("expected a proposal");
    };
    book.as_actor(SECOND_PERSON, |book| book.run(approval(mine.proposal)).unwrap());
    assert_eq!(book.limit_of_a(), LimitKind::Amount(300));
    book.run(sync(250)).unwrap();
    assert_eq!(book.limit_of_a(), LimitKind::Amount(250));
    let found = book.state.backing(0).and_then(|all| all.approval().cloned()).unwrap();
    assert_eq!(found.by.as_deref(), Some("erp"), "not whoever approved the one before");
}

#[test]
fn whose_word_it_is_does_not_change_what_an_upsert_asks_for() {
    assert!(sync(100).is_repeat_of(&Command::UpsertAccount(upsert(100))));
    assert!(!sync(100).is_repeat_of(&Command::UpsertAccount(upsert(101))));
}

#[test]
fn a_limit_that_has_ended_counts_for_its_days_of_grace() {
    let mut book = Book::with_100();
    let until = Limit { kind: LimitKind::Amount(100), valid_until: Some(TODAY) };
    book.run(UpsertAccount { limit: Some(until), ..account("a") }).unwrap();
    book.set_policy("[limits]\ngrace_days = 2\n");
    let mut order = reserve("o", 50);
    order.order.ttl = ttl(Some(30 * 86_400));
    book.reserved(order);
    book.pass(2 * DAY);
    let in_grace = reason(LimitInGrace, (TODAY.0 + 2).into(), TODAY.0.into());
    assert_eq!(book.refusals(50, ""), slice::from_ref(&in_grace));
    let confirmed = confirm(&book.state, book.now, &by_order("o")).unwrap().verdict;
    assert_eq!((confirmed.decision, confirmed.reasons), (Decision::Approved, vec![in_grace]));
    book.pass(DAY);
    let ended = reason(LimitExpired, (TODAY.0 + 3).into(), TODAY.0.into());
    assert_eq!(book.refusals(50, ""), slice::from_ref(&ended));
    let confirmed = confirm(&book.state, book.now, &by_order("o")).unwrap().verdict;
    assert_eq!((confirmed.decision, confirmed.reasons), (Decision::Declined, vec![ended]));
}
