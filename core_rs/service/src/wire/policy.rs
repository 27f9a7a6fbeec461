//! `PolicyService`: requests to commands, versions to answers.

use creditgate_engine::bounds::POLICY_BYTES_MAX;
use creditgate_engine::command::{ActivatePolicy, Command, PutPolicy, ShadowPolicy};
use creditgate_engine::entry::Request;
use creditgate_engine::error::{PolicyRefusal, Refusal};
use creditgate_engine::policy::shadow::{Figures, Kind, Size, bounded};
use creditgate_engine::policy::{self, BUILT_IN, PolicyRow, PolicyStatus, PolicyVersion, Problem};
use creditgate_engine::state::State;

use crate::wire::admit;
use crate::wire::conditions::explained;
use crate::wire::reply::{self, timestamp};
use crate::wire::status::Fault;
use crate::wire::v1;

/// `CheckPolicy`.
pub(crate) fn check(
    state: &State,
    m: &v1::CheckPolicyRequest,
) -> Result<v1::CheckPolicyResponse, Fault> {
    let (_, problems) = policy::read(text(&m.text)?, state);
    let problem = |Problem { line, what }| v1::PolicyProblem { line: line as u32, message: what };
    Ok(v1::CheckPolicyResponse { problems: problems.into_iter().map(problem).collect() })
}

/// `PutPolicy`.
pub(crate) fn put<'a>(m: &'a v1::PutPolicyRequest, actor: &'a str) -> Result<Request<'a>, Fault> {
    let (request, text) = (admit::request(&m.request_id)?, text(&m.text)?);
    explained(Command::PutPolicy(PutPolicy { request, text }), actor, &m.channel, &m.reason)
}

/// `ActivatePolicy`.
pub(crate) fn activate<'a>(
    m: &'a v1::ActivatePolicyRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let (request, version) = (admit::request(&m.request_id)?, m.version);
    let command = Command::ActivatePolicy(ActivatePolicy { request, version });
    explained(command, actor, &m.channel, &m.reason)
}

/// `ShadowPolicy`.
pub(crate) fn shadow<'a>(
    m: &'a v1::ShadowPolicyRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let request = admit::request(&m.request_id)?;
    let version = Some(m.version).filter(|version| *version != 0);
    let command = Command::ShadowPolicy(ShadowPolicy { request, version });
    explained(command, actor, &m.channel, &m.reason)
}

/// `GetShadow`.
pub(crate) fn shadowed(tried: Option<PolicyVersion>, figures: &Figures) -> v1::GetShadowResponse {
    let version = tried.unwrap_or_default();
    if version == 0 || figures.version != version {
        return v1::GetShadowResponse { version, ..Default::default() };
    }
    let difference = |(kind, size): (&Kind, &Size)| v1::ShadowDifference {
        was: v1::Decision::from(kind.was).into(),
        now: v1::Decision::from(kind.now).into(),
        rule: kind.rule,
        currency: kind.currency.to_string(),
        orders: size.orders,
        amount_minor: bounded(size.amount),
    };
    v1::GetShadowResponse {
        version,
        since: Some(timestamp(figures.since)),
        orders: figures.orders,
        differences: figures.turned.iter().map(difference).collect(),
    }
}

/// `GetPolicy`.
pub(crate) fn get(state: &State, m: &v1::GetPolicyRequest) -> Result<v1::GetPolicyResponse, Fault> {
    let version = if m.version == 0 { state.policy().version } else { m.version };
    let found = match state.policies().row(version) {
        Some(row) => whole(row),
        None if version == BUILT_IN => {
            let is_in_force = state.policy().version == BUILT_IN;
            let status = if is_in_force { PolicyStatus::Active } else { PolicyStatus::Retired };
            v1::Policy { version, status: status_of(status).into(), ..Default::default() }
        }
        None => return Err(Refusal::Policy(PolicyRefusal::PolicyNotFound(version)).into()),
    };
    Ok(v1::GetPolicyResponse { policy: Some(found) })
}

/// `ListPolicies`.
pub(crate) fn list(
    state: &State,
    m: &v1::ListPoliciesRequest,
) -> Result<v1::ListPoliciesResponse, Fault> {
    let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
    let rows = state.policies().rows();
    let begin = after.map_or(0, |next| usize::try_from(next).unwrap_or(rows.len()).min(rows.len()));
    let end = begin.saturating_add(size).min(rows.len());
    let policies = rows[begin..end].iter().map(about).collect();
    let next = (end < rows.len()).then_some(end as u64);
    Ok(v1::ListPoliciesResponse { policies, next_page_token: reply::page_token(next) })
}

fn text(value: &str) -> Result<&str, Fault> {
    if value.len() > POLICY_BYTES_MAX {
        let rule = "a text of at most 65536 bytes";
        return Err(Fault::field("text", admit::shown(value), rule));
    }
    Ok(value)
}

/// A version with its text.
pub(crate) fn whole(row: &PolicyRow) -> v1::Policy {
    v1::Policy { text: row.text.to_string(), ..about(row) }
}

/// A version without its text.
fn about(row: &PolicyRow) -> v1::Policy {
    v1::Policy {
        version: row.version,
        status: status_of(row.status).into(),
        put_by: row.put_by.to_string(),
        put_time: Some(timestamp(row.put_at)),
        activated_by: row.activated_by.to_string(),
        activate_time: (row.activated_at != 0).then(|| timestamp(row.activated_at)),
        text: String::new(),
    }
}

fn status_of(status: PolicyStatus) -> v1::PolicyStatus {
    match status {
        PolicyStatus::Draft => v1::PolicyStatus::Draft,
        PolicyStatus::Active => v1::PolicyStatus::Active,
        PolicyStatus::Retired => v1::PolicyStatus::Retired,
        PolicyStatus::Shadow => v1::PolicyStatus::Shadow,
    }
}
