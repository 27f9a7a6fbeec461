//! The rules by name, what violating them leads to, and in which order they are named.

use serde::{Deserialize, Serialize};

/// The rules; numbers as in the wire contract, never reused. The order in which a decision names
/// them is [`PRECEDENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// The account is closed.
    AccountClosed = 1,
    /// The account is suspended.
    AccountSuspended = 2,
    /// No limit, none inherited, or no credit.
    NoCreditLimit = 3,
    /// Observed today, threshold the last valid day.
    LimitExpired = 4,
    /// Observed the order's total, threshold the account's maximum.
    MaxOrderAmountExceeded = 5,
    /// Observed the amount that had to fit, threshold what was available.
    InsufficientCredit = 6,
    /// Observed the index of the first item that does not fit.
    BatchNotApproved = 7,
    /// Observed the amount that had to fit, threshold what was available under the limit that the
    /// named account shares with all below it.
    SharedLimitExceeded = 8,
    /// Observed the amount that had to fit, threshold what was available under the cap of the named
    /// segment.
    SegmentCapExceeded = 9,
    /// A person holds the account.
    AccountOnHold = 10,
    /// Observed the day on which the terms asked for would be due, threshold that of its own.
    TermsUpgraded = 11,
    /// A credit bureau does.
    BureauSuspension = 12,
    /// A fraud signal does.
    FraudSuspension = 13,
    /// Observed the average exposure, rounded up, threshold the account's limit.
    RollingAverageExceeded = 14,
    /// Observed the order's total, threshold the policy's maximum.
    OrderAmountExceeded = 15,
    /// Observed what the account would owe with the order, in whole percent of its limit, rounded
    /// down; threshold where the band of the policy begins.
    UtilisationReached = 16,
    /// Observed the score, threshold the least.
    ScoreTooLow = 17,
    /// Threshold the least score; the account has none.
    ScoreMissing = 18,
    /// Observed what the account would owe with the order, threshold what it may before anything
    /// was shipped to it.
    FirstOrder = 19,
    /// Observed for how many whole hours nothing has come from the ledger, threshold how many are
    /// too many.
    LedgerStale = 20,
    /// Observed for how many days the invoice is overdue that is so the longest, grace not counted,
    /// threshold the most that may be.
    OverdueDays = 21,
    /// Observed what is overdue, threshold the most that may be.
    OverdueAmount = 22,
    /// Observed what is overdue, in whole percent of the account's limit, rounded up; threshold the
    /// most that may be.
    OverdueShare = 23,
    /// Observed how many days old the oldest invoice is that is not paid, threshold the most that
    /// may be.
    OldestItem = 24,
    /// Observed how many orders were approved lately, with this one; threshold how many may be.
    VelocityCount = 25,
    /// Observed the amount approved lately, with this order; threshold how much may be.
    VelocityAmount = 26,
    /// Observed the amount that had to fit, threshold what the account's own limit left: its
    /// channel may go beyond.
    LimitTolerated = 30,
    /// Observed today, threshold the last valid day: the limit has ended, and counts for some days
    /// more.
    LimitInGrace = 31,
    /// There is no rate between the order's currency and the account's.
    FxRateUnavailable = 35,
    /// Observed the age of the rate in hours, rounded up, threshold the oldest that one may be.
    FxRateStale = 36,
    /// What was approved is reserved, and the approval's time is over. Observed today, threshold
    /// its last day.
    ApprovalExpired = 40,
}

/// What a violated rule leads to, the strongest last: the strongest of all decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The order is approved, and the decision says so.
    Notify,
    /// The same, for somebody to look at.
    Alert,
    /// A person decides.
    Refer,
    /// The order is declined.
    Decline,
    /// The order is declined, and the account held.
    Hold,
}

impl ReasonCode {
    /// What the rule leads to where no policy says something else.
    #[must_use]
    pub fn default_effect(self) -> Effect {
        match self {
            ReasonCode::TermsUpgraded => Effect::Refer,
            ReasonCode::LimitTolerated | ReasonCode::LimitInGrace => Effect::Notify,
            _ => Effect::Decline,
        }
    }

    /// Whether credit that comes back may put it right.
    #[must_use]
    pub fn is_of_credit(self) -> bool {
        matches!(
            self,
            ReasonCode::InsufficientCredit
                | ReasonCode::RollingAverageExceeded
                | ReasonCode::SharedLimitExceeded
                | ReasonCode::SegmentCapExceeded
                | ReasonCode::UtilisationReached
        )
    }
}

/// All rules, in the order in which a decision names those that an order violates; beside the
/// batch's stand notices alone.
pub const PRECEDENCE: [ReasonCode; 31] = [
    ReasonCode::AccountClosed,
    ReasonCode::AccountSuspended,
    ReasonCode::FraudSuspension,
    ReasonCode::BureauSuspension,
    ReasonCode::AccountOnHold,
    ReasonCode::NoCreditLimit,
    ReasonCode::LimitExpired,
    ReasonCode::LimitInGrace,
    ReasonCode::LedgerStale,
    ReasonCode::OverdueDays,
    ReasonCode::OverdueAmount,
    ReasonCode::OverdueShare,
    ReasonCode::OldestItem,
    ReasonCode::ScoreMissing,
    ReasonCode::ScoreTooLow,
    ReasonCode::FirstOrder,
    ReasonCode::FxRateUnavailable,
    ReasonCode::FxRateStale,
    ReasonCode::MaxOrderAmountExceeded,
    ReasonCode::OrderAmountExceeded,
    ReasonCode::VelocityCount,
    ReasonCode::VelocityAmount,
    ReasonCode::InsufficientCredit,
    ReasonCode::LimitTolerated,
    ReasonCode::UtilisationReached,
    ReasonCode::RollingAverageExceeded,
    ReasonCode::SharedLimitExceeded,
    ReasonCode::SegmentCapExceeded,
    ReasonCode::TermsUpgraded,
    ReasonCode::ApprovalExpired,
    ReasonCode::BatchNotApproved,
];
