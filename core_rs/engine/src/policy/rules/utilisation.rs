//! `utilisation`: how much an account uses of what it may owe today under its own limits, in bands.
//! What is disputed is used as long as it is owed, whether it counts against limits or not.

use crate::outcome::{Effect, ReasonCode};
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, HighRisk, Violations, outcome};
use crate::state::State;
use crate::values::Minor;

/// The highest band that there may be, in percent of the limit.
pub const PERCENT_MAX: i64 = 200;

/// From this share of the limit on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Of the limit.
    pub percent: u16,
    /// What an order leads to that reaches it.
    pub effect: Effect,
    /// Only for orders that are high-risk.
    pub high_risk: bool,
}

/// All bands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utilisation {
    /// In order of percent.
    bands: Vec<Band>,
    /// A band is left only so many percent below where it begins.
    hysteresis: u16,
    /// Which orders are.
    pub high_risk: HighRisk,
}

impl Utilisation {
    pub(super) fn read(section: &mut Section<'_, '_>, state: &State) -> Option<Utilisation> {
        section.require("band");
        let hysteresis = section.integer("hysteresis", 0..=50).unwrap_or_default() as u16;
        let high_risk = section.section("high_risk");
        let high_risk = high_risk.map(|mut all| HighRisk::read(&mut all, state));
        let high_risk = high_risk.unwrap_or_default();
        let mut bands: Vec<Band> = Vec::new();
        for mut band in section.sections("band") {
            band.require("percent");
            let percent = band.integer("percent", 1..=PERCENT_MAX);
            let only = band.flag("high_risk").unwrap_or_default();
            let effect = outcome(&mut band);
            if only && high_risk.is_empty() {
                let rule =
                    "high_risk: say which orders are, in a table [... .utilisation.high_risk]";
                band.problem(band.place(), rule);
            }
            let Some(percent) = percent.map(|percent| percent as u16) else { continue };
            if bands.iter().any(|known| known.percent == percent) {
                let rule = format_args!("overlaps another band that begins at {percent}");
                band.problem(band.place(), rule);
            }
            bands.push(Band { percent, effect, high_risk: only });
        }
        bands.sort_by_key(|band| band.percent);
        Some(Utilisation { bands, hysteresis, high_risk }).filter(|rule| !rule.bands.is_empty())
    }

    /// An order is held to the bands that it reaches or stays in. Of those the higher ones speak
    /// for the lower, unless a lower one leads to more.
    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        let owed = facts.exposure + i128::from(facts.amount);
        let lowest = self.bands.first().map_or(0, |band| band.percent);
        // Nearly every order stays below all bands, and need not be looked at any closer.
        if !reaches(owed, facts.own_ceiling, lowest) {
            return;
        }
        // With nothing to use, that is what declines it.
        let ceiling = facts.ceiling();
        let Some(limit @ 1..) = ceiling else { return };
        let is_risky = self.high_risk.is_met(facts);
        let is_reached = |band: &&Band| reaches(owed, ceiling, band.percent);
        let bands = self.bands.iter().rev().filter(|band| is_risky || !band.high_risk);
        let mut said = None;
        for band in bands.filter(is_reached) {
            let percent = i128::from(band.percent);
            if band.effect >= Effect::Refer {
                let below = (i128::from(limit) * percent - 1).div_euclid(100) - facts.exposure;
                violations.fits(below.clamp(i64::MIN.into(), i64::MAX.into()) as Minor);
            }
            if said < Some(band.effect) {
                said = Some(band.effect);
                let observed = (owed * 100 / i128::from(limit)).min(i64::MAX.into()) as i64;
                let (code, threshold) = (ReasonCode::UtilisationReached, band.percent.into());
                violations.add(code, band.effect, observed, threshold);
            }
        }
    }

    /// The most that may be owed for no band to stop an order; `None` where none would.
    pub fn most(&self, facts: &Facts<'_>) -> Option<i128> {
        let limit = facts.ceiling().filter(|most| *most > 0)?;
        let is_risky = self.high_risk.is_met(facts);
        let stops = |band: &&Band| band.effect >= Effect::Refer && (is_risky || !band.high_risk);
        let lowest = self.bands.iter().find(stops)?;
        Some((i128::from(limit) * i128::from(lowest.percent) - 1).div_euclid(100))
    }

    pub(super) fn strongest(&self) -> Effect {
        self.bands.iter().map(|band| band.effect).max().unwrap_or(Effect::Notify)
    }

    /// The highest band that an account is in where `owed` stands against `ceiling`, by where it
    /// begins, and it was in the band of `level` before; zero is none.
    #[must_use]
    pub fn level(&self, level: u16, owed: i128, ceiling: Option<Minor>) -> u16 {
        let is_in = |band: &&Band| {
            let kept = if band.percent <= level { self.hysteresis } else { 0 };
            reaches(owed, ceiling, band.percent.saturating_sub(kept).max(1))
        };
        self.bands.iter().filter(is_in).map(|band| band.percent).max().unwrap_or(0)
    }

    /// The bands that are crossed between that level and the one before: those that an account rose
    /// into, the lowest first, or fell out of, the highest first; each with the level after it.
    #[must_use]
    pub fn crossings(&self, level: u16, owed: i128, ceiling: Option<Minor>) -> Vec<Crossing> {
        let now = self.level(level, owed, ceiling);
        if now == level {
            return Vec::new();
        }
        let percents = || self.bands.iter().map(|band| band.percent);
        if now > level {
            let rising = percents().filter(|percent| (level + 1..=now).contains(percent));
            return rising.map(|percent| Crossing { percent, level: percent }).collect();
        }
        let below = |percent| percents().filter(|other| *other < percent).max().unwrap_or(0);
        let falling = percents().rev().filter(|percent| (now + 1..=level).contains(percent));
        falling.map(|percent| Crossing { percent, level: below(percent) }).collect()
    }
}

/// One band that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Where the band begins.
    pub percent: u16,
    /// The band that the account is in afterwards: the same one where it rose.
    pub level: u16,
}

/// Of nothing all is used as soon as anything is owed; without a limit, none.
fn reaches(owed: i128, ceiling: Option<Minor>, percent: u16) -> bool {
    match ceiling {
        None => false,
        Some(limit @ 1..) => owed * 100 >= i128::from(limit) * i128::from(percent),
        Some(_) => owed > 0,
    }
}
