//! Named payment terms, calendars, and to whom terms are assigned. Beside the accounts, not in
//! their rows: an order needs none of it, but where it asks for terms.

use std::collections::BTreeMap;
use std::ops::Bound;

use hashbrown::HashMap;

use crate::terms::{Assignee, Calendar, CalendarSpec, NamedTerms};
use crate::values::{CalendarIndex, Id, TermsIndex};

/// The terms of everybody. Nothing of it but assignments is ever removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentTerms {
    terms: Vec<NamedTerms>,
    terms_indexes: HashMap<Id, TermsIndex>,
    calendars: Vec<Calendar>,
    calendar_indexes: HashMap<Id, CalendarIndex>,
    /// Grows by a few rows at a time, however many there are.
    assigned: BTreeMap<Assignee, TermsIndex>,
}

impl PaymentTerms {
    /// All named terms, by index.
    #[must_use]
    pub fn terms(&self) -> &[NamedTerms] {
        &self.terms
    }

    /// The index of terms.
    #[must_use]
    pub fn terms_index(&self, terms_id: &str) -> Option<TermsIndex> {
        self.terms_indexes.get(terms_id).copied()
    }

    /// All calendars, by index.
    #[must_use]
    pub fn calendars(&self) -> &[Calendar] {
        &self.calendars
    }

    /// The index of a calendar.
    #[must_use]
    pub fn calendar_index(&self, calendar_id: &str) -> Option<CalendarIndex> {
        self.calendar_indexes.get(calendar_id).copied()
    }

    /// The calendar of terms, where they have one.
    #[must_use]
    pub fn calendar_of(&self, terms: &NamedTerms) -> Option<&CalendarSpec> {
        terms.calendar.map(|index| &self.calendars[index as usize].spec)
    }

    /// The terms that are assigned to somebody.
    #[must_use]
    pub fn assigned(&self, assignee: &Assignee) -> Option<TermsIndex> {
        self.assigned.get(assignee).copied()
    }

    /// All assignments, in order.
    pub fn assignments(&self) -> impl ExactSizeIterator<Item = (&Assignee, TermsIndex)> {
        self.assigned.iter().map(|(assignee, terms)| (assignee, *terms))
    }

    /// Those behind one, which need not be there, in order.
    pub fn assignments_after(
        &self,
        after: Option<&Assignee>,
    ) -> impl Iterator<Item = (&Assignee, TermsIndex)> {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let behind = self.assigned.range::<Assignee, _>(behind);
        behind.map(|(assignee, terms)| (assignee, *terms))
    }

    /// Sets terms, or adds them at the next index; returns what they were.
    pub fn set_terms(&mut self, index: TermsIndex, row: NamedTerms) -> Option<NamedTerms> {
        let id = row.id.clone();
        set(&mut self.terms, &mut self.terms_indexes, index, id, row)
    }

    /// Sets a calendar, or adds it at the next index; returns what it was.
    pub fn set_calendar(&mut self, index: CalendarIndex, row: Calendar) -> Option<Calendar> {
        let id = row.id.clone();
        set(&mut self.calendars, &mut self.calendar_indexes, index, id, row)
    }

    /// Assigns terms, or takes them away; returns those before.
    pub fn assign(&mut self, assignee: Assignee, terms: Option<TermsIndex>) -> Option<TermsIndex> {
        match terms {
            Some(terms) => self.assigned.insert(assignee, terms),
            None => self.assigned.remove(&assignee),
        }
    }

    pub(super) fn put_terms_back(&mut self, index: TermsIndex, was: Option<Box<NamedTerms>>) {
        match was {
            Some(was) => self.terms[index as usize] = *was,
            None => {
                let added = self.terms.pop().expect("the latest is undone first");
                self.terms_indexes.remove(&added.id);
            }
        }
    }

    pub(super) fn put_calendar_back(&mut self, index: CalendarIndex, was: Option<Box<Calendar>>) {
        match was {
            Some(was) => self.calendars[index as usize] = *was,
            None => {
                let added = self.calendars.pop().expect("the latest is undone first");
                self.calendar_indexes.remove(&added.id);
            }
        }
    }
}

fn set<T>(
    rows: &mut Vec<T>,
    indexes: &mut HashMap<Id, u32>,
    index: u32,
    id: Id,
    row: T,
) -> Option<T> {
    if let Some(place) = rows.get_mut(index as usize) {
        return Some(std::mem::replace(place, row));
    }
    assert_eq!(index as usize, rows.len(), "indexes have no gaps");
    rows.push(row);
    indexes.insert(id, index);
    None
}
