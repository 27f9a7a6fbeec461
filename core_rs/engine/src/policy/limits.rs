//! `[limits]`: for how long and how far a limit may be passed, and on whose word it holds.

use crate::bounds::{EXPOSURE_MINOR_MAX, ID_BYTES_MAX, SCORE_MAX};
use crate::model::Conditions;
use crate::policy::{Amounts, Section};
use crate::values::{Currency, Limit, LimitKind, Minor};

/// Longest grace of a limit that has ended, in days.
pub const GRACE_DAYS_MAX: u16 = 366;

/// Largest tolerance, in percent of the limit.
pub const TOLERANCE_PERCENT_MAX: u8 = 100;

/// Largest change that a band approves of, in percent of the limit before.
pub const CHANGE_PERCENT_MAX: u16 = 1_000;

/// What `[limits]` says. By default limits hold as they are set, by whomever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Whose word counts; `None`: everybody's who may set limits.
    pub owner: Option<Owner>,
    /// For so many days after its last one a limit still counts.
    pub grace_days: u16,
    /// In percent, by channel.
    tolerances: Vec<(Box<str>, u8)>,
    /// Of an account's first order no limit counts that was never approved on a verification.
    pub first_order_needs_verification: bool,
    /// What needs nobody's approval.
    bands: Vec<Band>,
}

/// Who owns limits. What the other sets is proposed, or refused where no proposal can carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Whoever loads them from the ledger.
    Ledger,
    /// Those who set them here.
    Creditgate,
}

/// Limits that the policy approves of itself: all that it says holds of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Band {
    /// By so many percent of the limit that somebody set last it may rise or fall.
    change_percent: Option<u16>,
    /// So much it may be at most; in another currency it is outside.
    amount: Amounts,
    /// The verification that it stands on says at least so much.
    score: Option<i64>,
}

/// A limit that takes the place of another.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The last limit that somebody set: the policy may have approved others since.
    pub base: Minor,
    /// The limit in force, or inherited.
    pub from: Limit,
    /// The one proposed.
    pub to: Limit,
    /// Of all.
    pub currency: Currency,
    /// The account's, where a verification is named.
    pub score: Option<i64>,
}

impl Limits {
    /// Reads the section; what is wrong in it is noted there.
    pub fn read(mut section: Section<'_, '_>) -> Limits {
        let owners = [("ledger", Owner::Ledger), ("creditgate", Owner::Creditgate)];
        let mut limits = Limits {
            owner: section.one_of("owner", &owners),
            first_order_needs_verification: section
                .flag("first_order_needs_verification")
                .unwrap_or_default(),
            ..Limits::default()
        };
        let grace = section.integer("grace_days", 0..=GRACE_DAYS_MAX.into());
        limits.grace_days = grace.map_or(0, |days| days as u16);
        if let Some(mut channels) = section.section("tolerance") {
            for channel in channels.keys() {
                if channel.len() > ID_BYTES_MAX {
                    let rule = format_args!("{channel:?} is no channel: at most 64 bytes");
                    channels.problem(channels.place(), rule);
                }
                let percent = channels.integer(&channel, 1..=TOLERANCE_PERCENT_MAX.into());
                limits.tolerances.extend(percent.map(|percent| (channel.into(), percent as u8)));
            }
        }
        limits.bands = section.sections("approve").into_iter().filter_map(Band::read).collect();
        limits
    }

    /// By how much an order through this channel may pass its account's own limit, rounded down.
    /// What an account owes stays within its bounds. A hard cap is one: whoever has it peaks up to
    /// there.
    #[must_use]
    pub fn tolerance(
        &self,
        channel: &str,
        limit: LimitKind,
        conditions: Option<&Conditions>,
    ) -> Minor {
        let LimitKind::Amount(limit) = limit else { return 0 };
        if conditions.is_some_and(|all| all.rolling_limit.is_some()) {
            return 0;
        }
        let found = self.tolerances.iter().find(|(known, _)| **known == *channel);
        let Some((_, percent)) = found else { return 0 };
        let part = i128::from(limit) * i128::from(*percent) / 100;
        part.min((EXPOSURE_MINOR_MAX - limit).into()) as Minor
    }

    /// Whether a change needs nobody's approval: that of an amount to another that ends no later,
    /// within a band.
    #[must_use]
    pub fn approves(&self, change: &Change) -> bool {
        let last = change.from.valid_until;
        let ends = last.is_none_or(|last| change.to.valid_until.is_some_and(|day| day <= last));
        ends && self.bands.iter().any(|band| band.holds(change))
    }
}

impl Band {
    fn read(mut section: Section<'_, '_>) -> Option<Band> {
        section.require("amount_max");
        let percent = section.integer("change_percent_max", 1..=CHANGE_PERCENT_MAX.into());
        let amount = section.amounts("amount_max");
        let score = section.integer("score_min", 0..=SCORE_MAX);
        let change_percent = percent.map(|percent| percent as u16);
        Some(Band { change_percent, amount: amount?, score })
    }

    fn holds(&self, change: &Change) -> bool {
        let Change { base, from, to, currency, score } = *change;
        let (LimitKind::Amount(_), LimitKind::Amount(to)) = (from.kind, to.kind) else {
            return false;
        };
        let within = |percent: u16| {
            let by = (i128::from(to) - i128::from(base)).abs();
            by * 100 <= i128::from(base) * i128::from(percent)
        };
        self.change_percent.is_none_or(within)
            && self.amount.of(currency).is_some_and(|most| to <= most)
            && self.score.is_none_or(|least| score.is_some_and(|score| least <= score))
    }
}

#[cfg(test)]
mod tests;
