use super::*;
use crate::bounds::ACCOUNT_CASES_PENDING_MAX;

#[test]
fn no_account_takes_the_cases_of_others() {
    let mut book = book();
    let ids: Vec<String> = (0..ACCOUNT_CASES_PENDING_MAX).map(|n| n.to_string()).collect();
    let first = referred(&mut book, &ids[0], 1);
    for order_id in &ids[1..] {
        referred(&mut book, order_id, 1);
    }
    let beyond = book.reserved(upgraded("o", 1));
    assert_eq!((beyond.verdict.decision, beyond.case), (Referred, None));
    assert_eq!(referred(&mut book, &ids[0], 2), first, "its order is still asked for again");

    book.run(UpsertAccount { limit: Some(limit(LimitKind::Unlimited)), ..account("b") }).unwrap();
    let other =
        Reserve { order: Order { account_id: "b", ..upgraded("o", 1).order }, ..upgraded("o", 1) };
    let other = book.reserved(other).case.expect("another account has its own");
    reviewed(&mut book, "fay", act(other, Signer::Finance, Act::Reject));
    assert_eq!(book.reserved(upgraded("o", 1)).case, None);
    reviewed(&mut book, "fay", act(first, Signer::Finance, Act::Reject));
    referred(&mut book, "o", 1);
}
