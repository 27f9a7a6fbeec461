//! `minimum-score`: what the latest verification of the account says of it.

use crate::bounds::SCORE_MAX;
use crate::outcome::{Effect, ReasonCode};
use crate::policy::reader::Section;
use crate::policy::rules::{Facts, Violations, outcome};

/// The higher the score, the better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinimumScore {
    /// What a lower one leads to, and none.
    pub effect: Effect,
    score: i64,
}

impl MinimumScore {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<MinimumScore> {
        section.require("score");
        let (effect, score) = (outcome(section), section.integer("score", 1..=SCORE_MAX));
        Some(MinimumScore { effect, score: score? })
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        match facts.score() {
            None => violations.add(ReasonCode::ScoreMissing, self.effect, 0, self.score),
            Some(score) if score < self.score => {
                violations.add(ReasonCode::ScoreTooLow, self.effect, score, self.score);
            }
            Some(_) => {}
        }
    }
}
