//! `[velocity]`: over how long orders are counted, for all rules that ask how many there were.

use crate::model::PARTS;
use crate::policy::reader::Section;
use crate::values::Micros;

const HOUR: Micros = 3_600_000_000;

/// Longest time over which orders are counted: 31 days.
const HOURS_MAX: i64 = 744;

/// One window for a policy, so that an account keeps one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// 24 where it is not said.
    pub hours: i64,
}

impl Default for Window {
    fn default() -> Window {
        Window { hours: 24 }
    }
}

impl Window {
    pub(super) fn read(root: &mut Section<'_, '_>) -> Window {
        let hours = root.section("velocity").and_then(|mut section| {
            section.require("hours");
            section.integer("hours", 1..=HOURS_MAX)
        });
        hours.map_or_else(Window::default, |hours| Window { hours })
    }

    /// How long each of its parts is, in microseconds.
    #[must_use]
    pub fn part(self) -> Micros {
        self.hours * HOUR / PARTS
    }
}
