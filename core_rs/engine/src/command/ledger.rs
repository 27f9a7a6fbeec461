//! What the ledger reports.

use serde::{Deserialize, Serialize};

use crate::values::{Currency, Day, Minor};

/// What kind of movement the ledger reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Raises outstanding; claims what was captured or reserved for it.
    Invoice,
    /// Lowers outstanding.
    Payment,
    /// Lowers outstanding.
    CreditMemo,
    /// Changes outstanding by a signed amount.
    Adjustment,
    /// An open item from before the service started, signed.
    OpeningBalance,
}

/// One movement in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post<'a> {
    /// The system it comes from.
    pub source: &'a str,
    /// Its id there.
    pub entry_id: &'a str,
    /// Where it stands in the source's stream; zero: nowhere.
    pub position: u64,
    /// Whose.
    pub account_id: &'a str,
    /// What.
    pub kind: EntryKind,
    /// Greater than zero; signed and not zero for adjustments and opening balances.
    pub amount: Minor,
    /// Must be the account's.
    pub currency: Currency,
    /// Which invoice, where there is one.
    #[serde(borrow)]
    pub invoice_id: Option<&'a str>,
    /// Which order the invoice bills, where known.
    pub order_id: Option<&'a str>,
    /// Invoice date, where known.
    pub issued: Option<Day>,
    /// Due date, where known.
    pub due: Option<Day>,
    /// What part settles which invoice; in sum at most the amount.
    pub allocations: Vec<(&'a str, Minor)>,
}
