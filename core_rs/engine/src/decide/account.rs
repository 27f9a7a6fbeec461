//! Accounts and segments: opened, changed, suspended, reinstated, closed.

use std::fmt::Display;

use crate::bounds::PARENT_DEPTH_MAX;
use crate::command::{EraseTexts, SetStatus, UpsertAccount, UpsertSegment};
use crate::decide::Context;
use crate::decide::limits::{Draft, Governed};
use crate::error::{LimitRefusal, Refusal};
use crate::event::Event;
use crate::model::{Status, Terms};
use crate::outcome::{Outcome, Upserted};
use crate::policy::limits::Owner;
use crate::values::{Currency, Limit, LimitKind, Minor, SegmentIndex, Slot, Text};

impl Context<'_> {
    /// On the `word` of the ledger, or of those who work here, among whom `by` is.
    pub(super) fn upsert_account<'a>(
        &self,
        command: &UpsertAccount<'a>,
        word: Owner,
        by: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let known = self.state.slot(command.account_id);
        let slot = known.unwrap_or(self.state.account_count() as Slot);
        let before = known.map(|slot| self.state.terms(slot));
        let currency = currency_of(command, before.as_ref())?;
        let parent = match command.parent_id {
            None => before.and_then(|terms| terms.parent),
            Some("") => None,
            Some(parent_id) => Some(self.parent(parent_id, slot, before.as_ref(), currency)?),
        };
        let segment = match command.segment_id {
            None => before.and_then(|terms| terms.segment),
            Some("") => None,
            Some(segment_id) => Some(self.segment(segment_id)?),
        };
        let limit_before = before.map_or(Limit::INHERIT, |terms| terms.limit);
        let Governed { limit, proposed, events } = match command.limit {
            None => Governed { limit: limit_before, proposed: None, events: Vec::new() },
            Some(limit) => {
                let draft = Draft { limit, verification: None, by, reason: None };
                self.govern(word, slot, command.account_id, limit_before, draft)?
            }
        };
        let max_order =
            command.max_order.or(before.map(|terms| terms.max_order)).unwrap_or_default();
        let shared_before = known.and_then(|slot| self.state.group(slot)?.limit());
        let shared_limit = command.shared_limit.unwrap_or(shared_before);
        if let Some(owner) = self.other_owner(word) {
            if shared_limit != shared_before {
                return Err(owned(owner, "shared_limit", amount(shared_limit)));
            }
            if let Some(before) = before {
                let after = Terms { parent, segment, max_order, ..before };
                self.may_move(owner, command, slot, &before, &after)?;
            }
        }
        let set = Event::AccountSet {
            slot,
            account_id: command.account_id,
            currency,
            parent,
            segment,
            limit,
            max_order,
            name: command.name,
            shared_limit,
        };
        let is_set = before.is_some_and(|before| {
            (parent, segment, limit, max_order, shared_limit)
                == (before.parent, before.segment, before.limit, before.max_order, shared_before)
                && command.name.is_none_or(|name| same_name(name, self.state.account_name(slot)))
        });
        let upserted = match before {
            None => Upserted::Created,
            // A limit that waits changes nothing yet; one that is taken back does.
            Some(_) if is_set && (events.is_empty() || proposed.is_some()) => Upserted::Unchanged,
            Some(_) => Upserted::Updated,
        };
        let outcome = match proposed {
            None => Outcome::Upserted(upserted),
            Some(proposed) => Outcome::UpsertedProposing(upserted, proposed),
        };
        let set = if is_set { None } else { Some(set) };
        Ok((outcome, set.into_iter().chain(events).collect()))
    }

    /// Who owns limits, where it is not those on whose `word` something is done.
    fn other_owner(&self, word: Owner) -> Option<Owner> {
        self.state.policy().limits.owner.filter(|owner| *owner != word)
    }

    /// Whoever has an account come to other limits sets them as well: its maximum order, those that
    /// its segment gives it, those that it shares under its parent.
    fn may_move(
        &self,
        owner: Owner,
        command: &UpsertAccount<'_>,
        slot: Slot,
        before: &Terms,
        after: &Terms,
    ) -> Result<(), Refusal> {
        // Whoever approves that it inherits has seen what its segment gave.
        let waiting = self.state.backing(slot).map(|all| all.proposals()).unwrap_or_default();
        let may_inherit = std::iter::once(before.limit)
            .chain(waiting.iter().map(|proposal| proposal.limit))
            .any(|limit| limit.kind == LimitKind::Inherit);
        let of_segment = |terms: &Terms| {
            let segment = terms.segment.map(|index| &self.state.segments()[index as usize]);
            let default = segment.and_then(|segment| segment.default_limit(terms.currency));
            let inherited = default.filter(|_| may_inherit);
            // Those of another segment have taken of its cap what they have, whatever it is.
            let cap = segment.and_then(|segment| segment.cap(terms.currency));
            (inherited, cap.and(terms.segment))
        };
        let shared = |terms: &Terms| {
            let groups = terms.parent.map(|parent| self.state.groups_of(parent));
            let limited = groups.into_iter().flatten().filter(|(_, group)| group.limit().is_some());
            Vec::from_iter(limited.map(|(head, _)| head))
        };
        let quoted = |id: Option<&str>| format!("{:?}", id.unwrap_or_default());
        if after.max_order != before.max_order {
            Err(owned(owner, "max_order_amount_minor", after.max_order))
        } else if after.segment != before.segment && of_segment(after) != of_segment(before) {
            Err(owned(owner, "segment_id", quoted(command.segment_id)))
        } else if after.parent != before.parent && shared(after) != shared(before) {
            Err(owned(owner, "parent_account_id", quoted(command.parent_id)))
        } else {
            Ok(())
        }
    }

    /// Finds an account's new parent and walks up from it: no account may be its own ancestor, nor
    /// have too many, nor may those that come with it.
    fn parent(
        &self,
        id: &str,
        slot: Slot,
        before: Option<&Terms>,
        expected: Currency,
    ) -> Result<Slot, Refusal> {
        let parent = self.state.slot(id).ok_or_else(|| Refusal::ParentNotFound(id.into()))?;
        // A load that is run twice must not be refused, not even in a tree from before its depth
        // was bounded.
        if before.is_some_and(|terms| terms.parent == Some(parent)) {
            return Ok(parent);
        }
        let found = self.state.terms(parent).currency;
        if found != expected {
            let parent = id.into();
            return Err(Refusal::ParentCurrencyMismatch { parent, expected, found });
        }
        let mut above = Some(parent);
        for _ in self.state.height(slot)..PARENT_DEPTH_MAX {
            match above {
                None => return Ok(parent),
                Some(ancestor) if ancestor == slot => break,
                Some(ancestor) => above = self.state.terms(ancestor).parent,
            }
        }
        match above {
            None => Ok(parent),
            Some(_) => Err(Refusal::ParentCycle(id.into())),
        }
    }

    pub(super) fn segment(&self, id: &str) -> Result<SegmentIndex, Refusal> {
        self.state.segment_index(id).ok_or_else(|| Refusal::SegmentNotFound(id.into()))
    }

    pub(super) fn upsert_segment<'a>(
        &self,
        command: &UpsertSegment<'a>,
        word: Owner,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let UpsertSegment { segment_id, currency, limit, .. } = *command;
        let known = self.state.segment_index(segment_id);
        let segment = known.unwrap_or(self.state.segments().len() as SegmentIndex);
        let row = known.map(|index| &self.state.segments()[index as usize]);
        let default = row.and_then(|row| row.default_limit(currency));
        let cap_before = row.and_then(|row| row.cap(currency));
        let cap = command.cap.unwrap_or(cap_before);
        // Else a name that was misspelt would become a segment of nothing.
        if row.is_none() && limit.is_none() && cap.is_none() {
            return Err(Refusal::SegmentNotFound(segment_id.into()));
        }
        if let Some(owner) = self.other_owner(word) {
            if let Some(limit) = limit.filter(|limit| Some(*limit) != default) {
                return Err(owned(owner, "default_limit", limit));
            }
            if cap != cap_before {
                return Err(owned(owner, "cap", amount(cap)));
            }
        }
        let limit = limit.or(default);
        let outcome = match (row, limit == default && cap == cap_before) {
            (Some(_), true) => {
                return Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
            }
            _ if default.is_none() && cap_before.is_none() => Upserted::Created,
            _ => Upserted::Updated,
        };
        let event = Event::SegmentSet { segment, segment_id, currency, limit, cap };
        Ok((Outcome::Upserted(outcome), vec![event]))
    }

    pub(super) fn set_status<'a>(
        &self,
        command: &SetStatus<'a>,
        reason: Option<Text<'a>>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.slot(command.account_id)?;
        let (before, status) = (self.state.terms(slot).status, command.status);
        if before == Status::Closed && status == Status::Suspended {
            return Err(Refusal::AccountIsClosed(command.account_id.into()));
        }
        Ok((Outcome::Done, vec![Event::StatusSet { slot, status, reason }]))
    }

    pub(super) fn erase_texts<'a>(
        &self,
        command: &EraseTexts<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let erased = Outcome::Erased(command.entries.len() as u64);
        if !command.named.is_empty() {
            // What is about no account stands in no record.
            return Ok((erased, Vec::new()));
        }
        let slot = self.slot(command.account_id)?;
        let own = std::iter::once(Event::TextsErased { slot });
        Ok((erased, own.chain(self.erase_comments(slot)).collect()))
    }
}

/// A limit that no proposal could carry, so that there is nobody who would approve it, is set by
/// its owner alone.
fn owned(owner: Owner, field: &'static str, value: impl Display) -> Refusal {
    let value = value.to_string().into();
    match owner {
        Owner::Creditgate => LimitRefusal::LimitOwnedHere { field, value }.into(),
        Owner::Ledger => LimitRefusal::LimitOwnedByLedger { field, value }.into(),
    }
}

/// What several accounts together may owe; `None`: without bound.
fn amount(most: Option<Minor>) -> Limit {
    Limit { kind: most.map_or(LimitKind::Unlimited, LimitKind::Amount), valid_until: None }
}

fn currency_of(command: &UpsertAccount<'_>, before: Option<&Terms>) -> Result<Currency, Refusal> {
    match (before, command.currency) {
        (None, None) => Err(Refusal::CurrencyRequired(command.account_id.into())),
        (None, Some(currency)) => Ok(currency),
        (Some(before), Some(found)) if found != before.currency => {
            Err(Refusal::CurrencyFixed { expected: before.currency, found })
        }
        (Some(before), _) => Ok(before.currency),
    }
}

fn same_name(name: Option<Text<'_>>, before: Option<&str>) -> bool {
    match name {
        None => before.is_none(),
        Some(text) => text.text().is_some() && text.text() == before,
    }
}

#[cfg(test)]
mod tests;
