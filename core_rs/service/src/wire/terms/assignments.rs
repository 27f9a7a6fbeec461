//! Whose terms are which, page by page.

use creditgate_engine::state::State;
use creditgate_engine::terms::Assignee;
use creditgate_engine::values::{Id, SegmentIndex, Slot};

use crate::wire::admit;
use crate::wire::status::Fault;
use crate::wire::v1;

/// `ListTermsAssignments`: from memory, behind the place where the page before ended.
pub(crate) fn list(
    state: &State,
    m: &v1::ListTermsAssignmentsRequest,
) -> Result<v1::ListTermsAssignmentsResponse, Fault> {
    let (size, after) = (admit::page_size(m.page_size)?, place(&m.page_token)?);
    let all = state.payment_terms();
    // One more than is shown, to see whether there is another page.
    let found: Vec<_> = all.assignments_after(after.as_ref()).take(size + 1).collect();
    let shown = &found[..size.min(found.len())];
    let next = shown.last().filter(|_| shown.len() < found.len());
    let segment_id = |index: SegmentIndex| state.segments()[index as usize].id.to_string();
    let account_id = |slot| state.account_id(slot).to_string();
    let row = |(assignee, index): &(&Assignee, _)| {
        let terms_id = all.terms()[*index as usize].id.to_string();
        assignment(assignee, terms_id, segment_id, account_id)
    };
    Ok(v1::ListTermsAssignmentsResponse {
        assignments: shown.iter().map(row).collect(),
        next_page_token: next.map(|(assignee, _)| token(assignee)).unwrap_or_default(),
    })
}

/// An assignment with the names of those whom it is for.
pub(crate) fn assignment(
    assignee: &Assignee,
    terms_id: String,
    segment_id: impl Fn(SegmentIndex) -> String,
    account_id: impl Fn(Slot) -> String,
) -> v1::TermsAssignment {
    let empty = v1::TermsAssignment { terms_id, ..Default::default() };
    match assignee {
        Assignee::Segment(index) => v1::TermsAssignment { segment_id: segment_id(*index), ..empty },
        Assignee::Account(slot) => v1::TermsAssignment { account_id: account_id(*slot), ..empty },
        Assignee::Contract(slot, contract) => {
            let contract_id = contract.to_string();
            v1::TermsAssignment { account_id: account_id(*slot), contract_id, ..empty }
        }
    }
}

/// Where the next page begins: behind this one.
fn token(assignee: &Assignee) -> String {
    match assignee {
        Assignee::Segment(index) => format!("s{index:x}"),
        Assignee::Account(slot) => format!("a{slot:x}"),
        Assignee::Contract(slot, contract) => format!("c{slot:x}:{contract}"),
    }
}

fn place(page_token: &str) -> Result<Option<Assignee>, Fault> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let assignee = || match page_token.split_at_checked(1)? {
        ("s", index) => Some(Assignee::Segment(hex(index)?)),
        ("a", slot) => Some(Assignee::Account(hex(slot)?)),
        ("c", place) => {
            let (slot, contract) = place.split_once(':')?;
            let contract = admit::id("page_token", contract).ok()?;
            Some(Assignee::Contract(hex(slot)?, Id::from(contract)))
        }
        _ => None,
    };
    match assignee() {
        None if !page_token.is_empty() => {
            let rule = "the next_page_token of the page before";
            Err(Fault::field("page_token", admit::shown(page_token), rule))
        }
        found => Ok(found),
    }
}
