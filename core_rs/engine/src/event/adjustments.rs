//! What happened to adjustments that somebody proposed.

use serde::{Deserialize, Serialize};

use crate::values::ProposalId;

/// One fact about them. What they move is in the entries that follow an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentsEvent<'a> {
    /// They wait for a second person.
    Proposed {
        /// Their id.
        id: ProposalId,
        /// Under which source they would be posted.
        source: &'a str,
        /// SHA-256 of the entries.
        #[serde(with = "serde_bytes")]
        digest: [u8; 32],
        /// How many entries.
        count: u32,
        /// Who proposed them.
        by: &'a str,
    },
    /// They wait no more: they were approved or rejected, as the command says.
    Closed {
        /// Which.
        id: ProposalId,
    },
}
