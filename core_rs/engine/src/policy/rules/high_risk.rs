//! Which orders are high-risk, where a rule is for those alone.

use crate::bounds::SCORE_MAX;
use crate::policy::money::Amounts;
use crate::policy::reader::{Section, shown};
use crate::policy::rules::{Facts, is_first_order};
use crate::state::State;
use crate::values::SegmentIndex;

/// Any of it makes an order high-risk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HighRisk {
    /// A total of more than this.
    above: Amounts,
    segments: Vec<SegmentIndex>,
    /// A lower score, or none.
    score_below: Option<i64>,
    /// Nothing was shipped to the account yet.
    pub first_order: bool,
}

impl HighRisk {
    pub(super) fn read(section: &mut Section<'_, '_>, state: &State) -> HighRisk {
        let above = section.amounts("above").unwrap_or_default();
        let score_below = section.integer("score_below", 1..=SCORE_MAX);
        let first_order = section.flag("first_order").unwrap_or_default();
        let mut segments = Vec::new();
        for (id, place) in section.texts("segments").unwrap_or_default() {
            let (known, id) = (state.segment_index(&id), shown(&id));
            match known {
                Some(index) => segments.push(index),
                None => section.problem(place, format_args!("segment {id:?} is not known")),
            }
        }
        HighRisk { above, segments, score_below, first_order }
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == HighRisk::default()
    }

    pub(super) fn is_met(&self, facts: &Facts<'_>) -> bool {
        let low = |least: i64| facts.score().is_none_or(|score| score < least);
        let above = self.above.of(facts.terms.currency);
        above.is_some_and(|above| facts.order_total > above)
            || facts.terms.segment.is_some_and(|segment| self.segments.contains(&segment))
            || self.score_below.is_some_and(low)
            || self.first_order && is_first_order(facts.state, facts.slot)
    }
}
