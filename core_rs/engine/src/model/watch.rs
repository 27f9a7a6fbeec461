//! What a policy has to know of an account.

use serde::{Deserialize, Serialize};

use crate::model::{Counted, Velocity};
use crate::policy::PolicyVersion;
use crate::values::Micros;

/// What a policy has to know of an account from one order to the next.
///
/// In one cache line: it is looked at for every order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Watch {
    /// Something was shipped or billed to it.
    pub billed: bool,
    /// The highest band of utilisation that it is in, by where it begins, in percent; zero: none.
    pub level: u16,
    /// The policy whose bands those are.
    pub level_of: PolicyVersion,
    /// What was approved lately; not written where nobody asks.
    #[serde(default, skip_serializing_if = "Velocity::is_empty")]
    pub velocity: Velocity,
}

const _: () = assert!(size_of::<Watch>() == 64);

impl Watch {
    /// Nothing is known.
    pub const NONE: Watch =
        Watch { billed: false, level: 0, level_of: 0, velocity: Velocity::NONE };

    /// When no order that was counted is in a window any more; `None`: none was counted.
    #[must_use]
    pub fn over_at(&self) -> Option<Micros> {
        (!self.velocity.is_empty()).then(|| self.velocity.over_at())
    }

    /// Notes something more.
    pub fn note(&mut self, noted: Noted) {
        match noted {
            Noted::Orders { now, length, counted } => {
                self.velocity.note(now, length, counted);
            }
            Noted::NoOrders => self.velocity = Velocity::NONE,
            Noted::Billed => self.billed = true,
            Noted::Level { level, version } => (self.level, self.level_of) = (level, version),
        }
    }
}

/// Something that a policy has to know of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Orders were approved.
    Orders {
        /// When.
        now: Micros,
        /// How long a part of the window is in which they are counted, in microseconds.
        length: Micros,
        /// How many.
        counted: Counted,
    },
    /// None of those that were approved is in a window any more.
    NoOrders,
    /// Something was shipped or billed to it.
    Billed,
    /// In which band of utilisation it is.
    Level {
        /// By where the band begins, in percent; zero: none.
        level: u16,
        /// The policy whose bands those are.
        version: PolicyVersion,
    },
}
