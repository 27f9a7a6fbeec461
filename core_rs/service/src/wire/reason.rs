//! Why an order was not approved, and what would help: to messages.

use creditgate_engine::outcome::{Cure, Effect, Level, Reason, ReasonCode, Whose};

use crate::wire::v1;

impl From<Cure> for v1::Cure {
    fn from(Cure { invoice, fits_from }: Cure) -> v1::Cure {
        let (invoice_id, open_minor) =
            invoice.map(|found| (found.invoice_id.into(), found.open)).unwrap_or_default();
        let fits_from = fits_from.map(|day| day.to_string()).unwrap_or_default();
        v1::Cure { invoice_id, open_minor, fits_from }
    }
}

impl From<Effect> for v1::Effect {
    fn from(effect: Effect) -> v1::Effect {
        match effect {
            Effect::Notify => v1::Effect::Notify,
            Effect::Alert => v1::Effect::Alert,
            Effect::Refer => v1::Effect::Refer,
            Effect::Decline => v1::Effect::Decline,
            Effect::Hold => v1::Effect::Hold,
        }
    }
}

impl From<Level> for v1::LimitLevel {
    fn from(level: Level) -> v1::LimitLevel {
        let of = match level {
            Level::Group(id) => v1::limit_level::Of::AccountId(id.into()),
            Level::Segment(id) => v1::limit_level::Of::SegmentId(id.into()),
        };
        v1::LimitLevel { of: Some(of) }
    }
}

/// A violated rule, with its unit.
pub(crate) fn reason(reason: Reason) -> v1::Reason {
    let unit = match reason.code {
        ReasonCode::AccountClosed
        | ReasonCode::AccountSuspended
        | ReasonCode::FraudSuspension
        | ReasonCode::BureauSuspension
        | ReasonCode::AccountOnHold
        | ReasonCode::NoCreditLimit
        | ReasonCode::FxRateUnavailable => v1::ReasonUnit::Unspecified,
        ReasonCode::LimitExpired
        | ReasonCode::LimitInGrace
        | ReasonCode::TermsUpgraded
        | ReasonCode::ApprovalExpired => v1::ReasonUnit::Date,
        ReasonCode::MaxOrderAmountExceeded
        | ReasonCode::InsufficientCredit
        | ReasonCode::RollingAverageExceeded
        | ReasonCode::SharedLimitExceeded
        | ReasonCode::SegmentCapExceeded
        | ReasonCode::OrderAmountExceeded
        | ReasonCode::FirstOrder
        | ReasonCode::LimitTolerated => v1::ReasonUnit::Minor,
        ReasonCode::UtilisationReached => v1::ReasonUnit::Percent,
        ReasonCode::ScoreTooLow | ReasonCode::ScoreMissing => v1::ReasonUnit::Points,
        ReasonCode::LedgerStale | ReasonCode::FxRateStale => v1::ReasonUnit::Hours,
        ReasonCode::OverdueDays | ReasonCode::OldestItem => v1::ReasonUnit::Days,
        ReasonCode::OverdueAmount | ReasonCode::VelocityAmount => v1::ReasonUnit::Minor,
        ReasonCode::OverdueShare => v1::ReasonUnit::Percent,
        ReasonCode::VelocityCount => v1::ReasonUnit::Orders,
        ReasonCode::BatchNotApproved => v1::ReasonUnit::Index,
    };
    let effect = v1::Effect::from(reason.effect()).into();
    let mut sold_to_account_id = String::new();
    let (level, hold_id) = match reason.whose {
        None => (None, String::new()),
        Some(Whose::Group(id)) => (Some(Level::Group(id).into()), String::new()),
        Some(Whose::Segment(id)) => (Some(Level::Segment(id).into()), String::new()),
        Some(Whose::Hold(id)) => (None, id.into()),
        Some(Whose::SoldTo(id, hold)) => {
            sold_to_account_id = id.into();
            (None, hold.map(Into::into).unwrap_or_default())
        }
    };
    v1::Reason {
        code: reason.code as i32,
        unit: unit.into(),
        observed: reason.observed,
        threshold: reason.threshold,
        level,
        hold_id,
        sold_to_account_id,
        effect,
    }
}
