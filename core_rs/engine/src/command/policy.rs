//! Versions of the policy.

use serde::{Deserialize, Serialize};

use crate::command::RequestKey;
use crate::policy::PolicyVersion;

/// A new version of the policy. It does nothing until it is activated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutPolicy<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// TOML, as it was written.
    pub text: &'a str,
}

/// A version of the policy to bring into force, by somebody else than who put it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivatePolicy<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which.
    pub version: PolicyVersion,
}

/// A version of the policy to try beside the one in force: it decides every order too, and nothing
/// comes of it but figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowPolicy<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which; absent: none any more.
    pub version: Option<PolicyVersion>,
}
