//! One entry of the journal: who asked what, what was decided, what happened.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::values::Text;

/// A command with all that is said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// What is asked.
    #[serde(borrow)]
    pub command: Command<'a>,
    /// Who asks.
    pub actor: &'a str,
    /// Through which sales channel; may be empty.
    pub channel: &'a str,
    /// Why, in the caller's words.
    pub reason: Option<Text<'a>>,
}

impl Request<'_> {
    /// Whether `other`, of the same identity, asks for the same, whoever asks.
    #[must_use]
    pub fn is_repeat_of(&self, other: &Request<'_>) -> bool {
        self.channel == other.channel
            && self.reason == other.reason
            && self.command.is_repeat_of(&other.command)
    }
}

/// An [`Entry`] as it is written: the same bytes, with nothing copied to make them.
#[derive(Serialize)]
#[allow(missing_docs, reason = "as in Entry")]
pub struct EntryRef<'e> {
    pub request: &'e Request<'e>,
    pub policy_version: u64,
    pub outcome: &'e Outcome,
    pub events: &'e [Event<'e>],
}

/// What the journal keeps of one command. On disk: an array of these fields in this order, where
/// `request` is itself such an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// What was asked.
    #[serde(borrow)]
    pub request: Request<'a>,
    /// The policy in force.
    pub policy_version: u64,
    /// What was decided.
    pub outcome: Outcome,
    /// What happened.
    pub events: Vec<Event<'a>>,
}
