//! Credit policy as Finance writes it: numbered versions of a text, of which one is in force.
//!
//! The text is the truth. It is journalled as it was written, checked as a whole when it is put,
//! and read again when it comes into force, so nothing else of it is kept anywhere. A section of
//! the text is a file here: a struct whose default means that nothing of it is in use, a field of
//! [`Policy`], and a line in [`read`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::values::Micros;

pub mod approvals;
pub mod exposure;
pub mod limits;
pub mod money;
pub mod rates;
pub mod reader;
pub mod rules;
pub mod scopes;
pub mod shadow;
pub mod trial;
pub mod velocity;

pub use approvals::{Approvals, Band, WaitingOrder};
pub use exposure::Exposure;
pub use limits::Limits;
pub use money::Amounts;
pub use rates::Rates;
pub use reader::{Place, Problem, Reader, Section};
pub use scopes::Rules;
pub use velocity::Window;

/// The number of a policy; the rules that are built in are the first.
pub type PolicyVersion = u64;

/// The rules that are built in, with nothing beside them: in force until another is activated.
pub const BUILT_IN: PolicyVersion = 1;

/// What a policy says, as decisions need it.
#[derive(Debug)]
pub struct Policy {
    /// Which.
    pub version: PolicyVersion,
    /// Since when it is in force.
    pub active_since: Micros,
    /// What orders are held to: `[all]`, `[segment.ID]`, `[channel.NAME]`, `[account.ID]`.
    pub rules: Rules,
    /// Over how long orders are counted: `[velocity]`.
    pub window: Window,
    /// For how long and how far limits may be passed, and on whose word they hold.
    pub limits: Limits,
    /// Which open orders count: `[exposure]`.
    pub exposure: Exposure,
    /// Orders in other currencies: `[rates]`.
    pub rates: Rates,
    /// `[approvals]`.
    pub approvals: Approvals,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            version: BUILT_IN,
            active_since: 0,
            rules: Rules::default(),
            window: Window::default(),
            limits: Limits::default(),
            exposure: Exposure::default(),
            rates: Rates::default(),
            approvals: Approvals::default(),
        }
    }
}

impl Policy {
    /// Whether it asks if anything was shipped to an account yet.
    #[must_use]
    pub fn asks_first_order(&self) -> bool {
        self.rules.asks_first_order() || self.limits.first_order_needs_verification
    }
}

/// Reads a policy's text, with every mistake in it. Where there are any, the policy is what is left
/// without them, and must not come into force.
///
/// The segments and accounts that it names must be in `state`; none is ever removed from there.
#[must_use]
pub fn read(text: &str, state: &State) -> (Policy, Vec<Problem>) {
    let reader = Reader::new(text);
    let mut root = reader.root();
    let limits = root.section("limits").map(Limits::read).unwrap_or_default();
    let approvals = root.section("approvals").map(Approvals::read).unwrap_or_default();
    let exposure = root.section("exposure").map(|mut all| Exposure::read(&mut all));
    let rates = root.section("rates").map(|mut all| Rates::read(&mut all));
    let (rules, window) = (Rules::read(&mut root, state), Window::read(&mut root));
    let (exposure, rates) = (exposure.unwrap_or_default(), rates.unwrap_or_default());
    let policy = Policy { rules, window, limits, approvals, exposure, rates, ..Policy::default() };
    drop(root);
    (policy, reader.finish())
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStatus {
    /// It was put, and never activated.
    Draft,
    /// It is in force.
    Active,
    /// It was in force, until another took its place.
    Retired,
    /// It is tried beside the one in force.
    Shadow,
}

/// One version: its text, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// From 2 on.
    pub version: PolicyVersion,
    /// As it was written.
    pub text: Box<str>,
    /// What became of it.
    pub status: PolicyStatus,
    /// Who wrote it.
    pub put_by: Box<str>,
    /// When.
    pub put_at: Micros,
    /// Who activated it last; empty: nobody has.
    pub activated_by: Box<str>,
    /// When; zero: never.
    pub activated_at: Micros,
}

impl PolicyRow {
    /// One that was just put.
    #[must_use]
    pub fn draft(version: PolicyVersion, text: &str, put_by: &str, put_at: Micros) -> PolicyRow {
        PolicyRow {
            version,
            text: text.into(),
            status: PolicyStatus::Draft,
            put_by: put_by.into(),
            put_at,
            activated_by: "".into(),
            activated_at: 0,
        }
    }
}

/// All versions, and what the one in force says.
#[derive(Default)]
pub struct Policies {
    /// By version, from 2 on, without gaps.
    rows: Vec<PolicyRow>,
    in_force: Arc<Policy>,
    /// Whether there is anything beside what is built in: every order asks.
    has_rules: bool,
    shadow: Option<Arc<Policy>>,
    needs_verification: bool,
}

impl Policies {
    /// All versions that were put, in order.
    #[must_use]
    pub fn rows(&self) -> &[PolicyRow] {
        &self.rows
    }

    /// A version that was put.
    #[must_use]
    pub fn row(&self, version: PolicyVersion) -> Option<&PolicyRow> {
        self.rows.get(usize::try_from(version.checked_sub(BUILT_IN + 1)?).ok()?)
    }

    /// The number of the next one that is put.
    #[must_use]
    pub fn next_version(&self) -> PolicyVersion {
        BUILT_IN + 1 + self.rows.len() as PolicyVersion
    }

    /// What the one in force says.
    #[inline]
    #[must_use]
    pub fn in_force(&self) -> &Policy {
        &self.in_force
    }

    pub(crate) fn in_force_shared(&self) -> &Arc<Policy> {
        &self.in_force
    }

    /// What is tried beside the one in force.
    #[inline]
    #[must_use]
    pub fn shadow(&self) -> Option<&Arc<Policy>> {
        self.shadow.as_ref()
    }

    #[inline]
    pub(crate) fn has_rules(&self) -> bool {
        self.has_rules
    }

    /// Whether a first order needs a limit that was approved on a verification.
    #[inline]
    pub(crate) fn needs_verification(&self) -> bool {
        self.needs_verification
    }

    /// Puts a row in its place; returns the one before.
    pub(crate) fn set(&mut self, row: PolicyRow) -> Option<PolicyRow> {
        let place = (row.version - BUILT_IN - 1) as usize;
        match self.rows.get_mut(place) {
            Some(was) => Some(std::mem::replace(was, row)),
            None => {
                assert_eq!(place, self.rows.len(), "versions have no gaps");
                self.rows.push(row);
                None
            }
        }
    }

    /// Removes the version that was put last.
    pub(crate) fn pop(&mut self) {
        self.rows.pop();
    }

    /// Tries a policy beside the one in force; returns the one before.
    pub(crate) fn set_shadow(&mut self, policy: Option<Arc<Policy>>) -> Option<Arc<Policy>> {
        let before = std::mem::replace(&mut self.shadow, policy);
        self.notice_rules();
        before
    }

    fn notice_rules(&mut self) {
        self.has_rules =
            !self.in_force.rules.is_empty() || self.needs_verification || self.shadow.is_some();
    }

    /// Brings a policy into force; returns the one before.
    pub(crate) fn enforce(&mut self, policy: Arc<Policy>) -> Arc<Policy> {
        self.needs_verification = policy.limits.first_order_needs_verification;
        let before = std::mem::replace(&mut self.in_force, policy);
        self.notice_rules();
        before
    }
}
