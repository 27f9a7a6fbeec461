//! Accounts and segments: opened, changed, suspended, reinstated, closed.

use crate::bounds::PARENT_DEPTH_MAX;
use crate::command::{EraseTexts, SetStatus, UpsertAccount, UpsertSegment};
use crate::decide::Context;
use crate::decide::limits::{Draft, Governed};
use crate::error::{LimitRefusal, Refusal};
use crate::event::Event;
use crate::model::{Status, Terms};
use crate::outcome::{Outcome, Upserted};
use crate::policy::limits::Owner;
use crate::values::{Currency, Limit, LimitKind, SegmentIndex, Slot, Text};

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
        self.may_set(word, "shared_limit", shared_limit == shared_before)?;
        if let Some(before) = before.filter(|_| self.are_limits_others(word)) {
            self.may_move(&before, &Terms { parent, segment, max_order, ..before })?;
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

    /// A sync sets no limit that is owned here, where no proposal could carry it: there is nobody
    /// who would approve it.
    fn may_set(&self, word: Owner, field: &'static str, is_set: bool) -> Result<(), Refusal> {
        if self.are_limits_others(word) && !is_set {
            return Err(LimitRefusal::LimitOwnedHere(field).into());
        }
        Ok(())
    }

    /// Whether it is a sync that speaks, and limits are owned here.
    fn are_limits_others(&self, word: Owner) -> bool {
        let owner = self.state.policy().limits.owner;
        word == Owner::Ledger && owner == Some(Owner::Creditgate)
    }

    /// A sync that has an account come to other limits sets them as well: its maximum order, those
    /// that its segment gives it, those that it shares under its parent.
    fn may_move(&self, before: &Terms, after: &Terms) -> Result<(), Refusal> {
        let of_segment = |terms: &Terms| {
            let segment = terms.segment.map(|index| &self.state.segments()[index as usize]);
            let default = segment.and_then(|segment| segment.default_limit(terms.currency));
            let inherited = default.filter(|_| before.limit.kind == LimitKind::Inherit);
            // Those of another segment have taken of its cap what they have, whatever it is.
            let cap = segment.and_then(|segment| segment.cap(terms.currency));
            (inherited, cap.and(terms.segment))
        };
        let shared = |terms: &Terms| {
            let groups = terms.parent.map(|parent| self.state.groups_of(parent));
            let limited = groups.into_iter().flatten().filter(|(_, group)| group.limit().is_some());
            Vec::from_iter(limited.map(|(head, _)| head))
        };
        let field = if after.max_order != before.max_order {
            "max_order_amount_minor"
        } else if after.segment != before.segment && of_segment(after) != of_segment(before) {
            "segment_id"
        } else if after.parent != before.parent && shared(after) != shared(before) {
            "parent_account_id"
        } else {
            return Ok(());
        };
        Err(LimitRefusal::LimitOwnedHere(field).into())
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
        let limit = limit.or(default);
        self.may_set(word, "default_limit", limit == default)?;
        self.may_set(word, "cap", cap == cap_before)?;
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
        let slot = self.slot(command.account_id)?;
        let erased = Outcome::Erased(command.entries.len() as u64);
        let own = std::iter::once(Event::TextsErased { slot });
        Ok((erased, own.chain(self.erase_comments(slot)).collect()))
    }
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
