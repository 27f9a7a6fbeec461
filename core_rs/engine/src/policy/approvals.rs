//! `[approvals]`: who may sign which referred orders, and how long these wait.

use crate::bounds::APPROVAL_HOURS_MAX;
use crate::model::Signer;
use crate::policy::reader::shown;
use crate::policy::{Amounts, Section};
use crate::values::{Currency, Micros, Minor};

const HOUR: Micros = 3_600_000_000;

/// Who signs what. Without a band no order that is referred opens a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// From small amounts to large ones.
    pub bands: Vec<Band>,
    /// After how long the clock escalates a case; absent: never.
    pub escalate_after: Option<Micros>,
    /// How long a case waits to be signed.
    pub expire_after: Micros,
    /// How long an approval holds, at most.
    pub valid_for: Micros,
    /// In which order waiting cases get the credit that comes back.
    pub order: WaitingOrder,
}

/// In which order waiting cases get the credit that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingOrder {
    /// The oldest case first.
    Oldest,
    /// The most urgent first; of equally urgent ones the oldest.
    Priority,
}

impl Default for Approvals {
    fn default() -> Approvals {
        Approvals {
            bands: Vec::new(),
            escalate_after: None,
            expire_after: 7 * 24 * HOUR,
            valid_for: 7 * 24 * HOUR,
            order: WaitingOrder::Oldest,
        }
    }
}

/// Amounts that the same people sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// The most, by currency; none: any amount of any currency.
    pub up_to: Option<Amounts>,
    /// Who.
    pub roles: Vec<Signer>,
    /// How many of them, each another person.
    pub signatures: u8,
}

impl Band {
    /// The most that is signed in this currency; `Some(None)`: any amount, `None`: nothing.
    fn bound(&self, currency: Currency) -> Option<Option<Minor>> {
        match &self.up_to {
            None => Some(None),
            Some(amounts) => amounts.of(currency).map(Some),
        }
    }

    /// Whether they sign so much.
    fn covers(&self, amount: Minor, currency: Currency) -> bool {
        let bound = self.bound(currency);
        bound.is_some_and(|most| most.is_none_or(|most| amount <= most))
    }
}

impl Approvals {
    /// Whether orders that are referred open cases.
    #[must_use]
    pub fn in_use(&self) -> bool {
        !self.bands.is_empty()
    }

    /// The bands that cover an amount, the lowest first.
    fn covering(&self, amount: Minor, currency: Currency) -> impl Iterator<Item = &Band> {
        self.bands.iter().filter(move |band| band.covers(amount, currency))
    }

    /// Who signs an amount that was escalated so many times: the lowest band that covers it, or one
    /// as many above, or the highest. `None`: nobody does.
    #[must_use]
    pub fn band(&self, amount: Minor, currency: Currency, level: u8) -> Option<&Band> {
        self.covering(amount, currency).take(usize::from(level) + 1).last()
    }

    /// Whether there is a band above the one that signs this amount at this level.
    #[must_use]
    pub fn has_above(&self, amount: Minor, currency: Currency, level: u8) -> bool {
        self.covering(amount, currency).nth(usize::from(level) + 1).is_some()
    }

    /// Whether this role may say no to an amount that was escalated so many times: one of those who
    /// sign it, or of a band above them; anybody, where nobody signs it.
    #[must_use]
    pub fn rejects(&self, role: Signer, amount: Minor, currency: Currency, level: u8) -> bool {
        let Some(lowest) = self.band(amount, currency, level) else { return true };
        let mut above = self.covering(amount, currency).skip(usize::from(level));
        lowest.roles.contains(&role) || above.any(|band| band.roles.contains(&role))
    }

    /// Whether this role signs anything.
    #[must_use]
    pub fn is_signer(&self, role: Signer) -> bool {
        self.bands.iter().any(|band| band.roles.contains(&role))
    }

    /// Reads the section.
    pub(super) fn read(mut section: Section<'_, '_>) -> Approvals {
        let default = Approvals::default();
        let hours = |section: &mut Section<'_, '_>, key: &str| {
            Some(section.integer(key, 1..=APPROVAL_HOURS_MAX)? * HOUR)
        };
        let words = [("oldest", WaitingOrder::Oldest), ("priority", WaitingOrder::Priority)];
        section.require("bands");
        let escalate_after = hours(&mut section, "escalate_after_hours");
        let expire_after = hours(&mut section, "expire_after_hours");
        let expire_after = expire_after.unwrap_or(default.expire_after);
        if escalate_after.is_some_and(|escalate| escalate >= expire_after) {
            let rule = "escalate_after_hours must be less than expire_after_hours";
            section.problem(section.place(), rule);
        }
        let read = Approvals {
            escalate_after,
            expire_after,
            valid_for: hours(&mut section, "valid_hours").unwrap_or(default.valid_for),
            order: section.one_of("order", &words).unwrap_or(default.order),
            bands: read_bands(&mut section),
        };
        drop(section);
        read
    }
}

fn read_bands(section: &mut Section<'_, '_>) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for mut below in section.sections("bands") {
        below.require("roles");
        let up_to = below.amounts("up_to");
        let roles = read_roles(&mut below);
        let signatures = below.integer("signatures", 1..=2).unwrap_or(1) as u8;
        let band = Band { up_to, roles, signatures };
        if let Some(overlap) = bands.iter().find_map(|before| overlap(before, &band)) {
            below.problem(below.place(), overlap);
        }
        bands.push(band);
    }
    bands
}

fn read_roles(band: &mut Section<'_, '_>) -> Vec<Signer> {
    let mut roles = Vec::new();
    for (name, place) in band.texts("roles").unwrap_or_default() {
        match Signer::of(&name) {
            Some(role) if roles.contains(&role) => {
                band.problem(place, format_args!("roles names {name:?} twice"));
            }
            Some(role) => roles.push(role),
            None => {
                let known = Signer::ALL.map(|(known, _)| format!("{known:?}")).join(", ");
                let rule = format_args!("roles: {:?} is not one of {known}", shown(&name));
                band.problem(place, rule);
            }
        }
    }
    roles
}

/// Why a band cannot stand behind another: it must go beyond it in every currency that both have.
fn overlap(before: &Band, band: &Band) -> Option<String> {
    let Some(lower) = &before.up_to else {
        return Some("the band before it is for any amount: only the last may be".to_owned());
    };
    let upper = band.up_to.as_ref()?;
    let both =
        lower.iter().filter_map(|(currency, most)| Some((currency, most, upper.of(currency)?)));
    let mut wrong = both.filter(|(_, lower, upper)| upper <= lower);
    wrong.next().map(|(currency, ..)| {
        format!("up_to overlaps a band before it: it must go beyond that in {currency}")
    })
}

#[cfg(test)]
mod tests;
