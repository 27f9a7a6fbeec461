//! What enums are called in the journal.

use super::*;

#[test]
fn names_in_the_journal_have_not_changed() {
    fn names<T: Serialize>(values: &[T]) -> Vec<String> {
        let name = |value: &T| rmp_serde::from_slice(&rmp_serde::to_vec(value).unwrap()).unwrap();
        values.iter().map(name).collect()
    }
    use Decision::{Approved, Declined, PartiallyApproved, Referred};
    use ReasonCode::*;
    assert_eq!(
        names(&[Approved, PartiallyApproved, Referred, Declined]),
        ["approved", "partially_approved", "referred", "declined"]
    );
    let codes = [
        AccountClosed,
        AccountSuspended,
        NoCreditLimit,
        LimitExpired,
        MaxOrderAmountExceeded,
        InsufficientCredit,
        BatchNotApproved,
        SharedLimitExceeded,
        SegmentCapExceeded,
        AccountOnHold,
        TermsUpgraded,
        BureauSuspension,
        FraudSuspension,
        RollingAverageExceeded,
        LimitTolerated,
        LimitInGrace,
    ];
    let code_names = [
        "ACCOUNT_CLOSED",
        "ACCOUNT_SUSPENDED",
        "NO_CREDIT_LIMIT",
        "LIMIT_EXPIRED",
        "MAX_ORDER_AMOUNT_EXCEEDED",
        "INSUFFICIENT_CREDIT",
        "BATCH_NOT_APPROVED",
        "SHARED_LIMIT_EXCEEDED",
        "SEGMENT_CAP_EXCEEDED",
        "ACCOUNT_ON_HOLD",
        "TERMS_UPGRADED",
        "BUREAU_SUSPENSION",
        "FRAUD_SUSPENSION",
        "ROLLING_AVERAGE_EXCEEDED",
        "LIMIT_TOLERATED",
        "LIMIT_IN_GRACE",
    ];
    assert_eq!(names(&codes), code_names);
    let numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 30, 31];
    assert_eq!(codes.map(|code| code as i32), numbers, "numbers are never reused");
    use EntryKind::{Adjustment, CreditMemo, Dispute, Invoice, OpeningBalance, Payment};
    let kinds = [Invoice, Payment, CreditMemo, Adjustment, OpeningBalance, Dispute];
    let kind_names =
        ["invoice", "payment", "credit_memo", "adjustment", "opening_balance", "dispute"];
    assert_eq!(names(&kinds), kind_names);
    assert_eq!(
        names(&[Status::Active, Status::Suspended, Status::Closed]),
        ["active", "suspended", "closed"]
    );
    assert_eq!(
        names(&[LimitKind::Unlimited, LimitKind::NoCredit, LimitKind::Inherit]),
        ["unlimited", "no_credit", "inherit"]
    );
    assert_eq!(
        names(&[Upserted::Created, Upserted::Updated, Upserted::Unchanged]),
        ["created", "updated", "unchanged"]
    );
    use creditgate_engine::model::HoldKind::*;
    assert_eq!(names(&[Fraud, Bureau, Manual]), ["fraud", "bureau", "manual"]);
    use creditgate_engine::model::TemporaryLimitKind::*;
    assert_eq!(
        names(&[Override, Increase, Collateral, Insurance]),
        ["override", "increase", "collateral", "insurance"]
    );
}
