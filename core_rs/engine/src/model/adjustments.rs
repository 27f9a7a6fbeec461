//! Adjustments of what the ledger says that wait for a second person.

use serde::{Deserialize, Serialize};

use crate::values::{Id, Micros, ProposalId};

/// All that is kept of a proposal: whoever approves it brings the entries again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustments {
    /// Unique in the store.
    pub id: ProposalId,
    /// Under which source they would be posted.
    pub source: Id,
    /// SHA-256 of the entries.
    #[serde(with = "serde_bytes")]
    pub digest: [u8; 32],
    /// How many entries.
    pub count: u32,
    /// Who proposed them, and may not approve them.
    pub by: Id,
    /// When.
    pub at: Micros,
}
