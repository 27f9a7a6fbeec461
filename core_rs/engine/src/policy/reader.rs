//! Reading the text of a policy: every mistake is noted with its line, none ends the reading.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::bounds::ID_BYTES_MAX;
use crate::policy::money::{Amounts, parse_amount};
use crate::values::Currency;

/// Most mistakes that are listed: with more of them a file is no policy.
pub const PROBLEMS_MAX: usize = 100;

/// Most that are noted, of which the first are listed.
const NOTED_MAX: usize = 400;

/// One mistake in a policy's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// A policy's text, and the mistakes that were found in it so far.
pub struct Reader<'s> {
    text: &'s str,
    /// Where each line begins.
    lines: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
}

impl<'s> Reader<'s> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(text: &'s str) -> Reader<'s> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect();
        Reader { text, lines, problems: RefCell::default() }
    }

    /// The whole text. What is no TOML is noted, and left out.
    pub fn root(&self) -> Section<'_, 's> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            // What is missing at the end is said of the last line that has something in it.
            let end = self.text.trim_end().len();
            let at = error.span().map_or(end, |span| span.start.min(end));
            self.note(at, error.message());
        }
        let (name, table) = (String::new(), table.into_inner());
        Section { reader: self, name, at: 0, currency: None, table }
    }

    /// All mistakes, in order of their lines.
    #[must_use]
    pub fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems.truncate(PROBLEMS_MAX);
        problems
    }

    fn note(&self, at: usize, what: impl fmt::Display) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < NOTED_MAX {
            let line = self.lines.partition_point(|begins| *begins <= at);
            problems.push(Problem { line, what: what.to_string() });
        }
    }
}

/// What is repeated of a text that may be long.
pub fn shown(value: &str) -> &str {
    let mut ends = (0..=ID_BYTES_MAX.min(value.len())).rev();
    &value[..ends.find(|end| value.is_char_boundary(*end)).unwrap_or(0)]
}

/// A key as some were written once: policies are read again for as long as they are kept.
fn hyphened(key: &str) -> String {
    key.replace('_', "-")
}

/// A table of the text. Each key is taken out as it is read; when it is dropped, what is left over
/// is noted as unknown.
pub struct Section<'r, 's> {
    reader: &'r Reader<'s>,
    name: String,
    /// Where it begins.
    at: usize,
    /// Of the account that it is about; absent where it is about more than one.
    currency: Option<Currency>,
    table: DeTable<'s>,
}

/// Where a value stands, to say more about it.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize);

impl<'r, 's> Section<'r, 's> {
    /// Its name with those above it, e.g. `all.utilisation`; empty: the whole text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins.
    #[must_use]
    pub fn place(&self) -> Place {
        Place(self.at)
    }

    /// Notes a mistake that was found here, or at one of its keys.
    pub fn problem(&self, place: Place, what: impl fmt::Display) {
        match &*self.name {
            "" => self.reader.note(place.0, what),
            name => self.reader.note(place.0, format_args!("[{name}] {what}")),
        }
    }

    /// From here on all is about one account: each list of amounts must have one for it.
    pub fn is_of_account_in(&mut self, currency: Currency) {
        self.currency = Some(currency);
    }

    /// Whether a key is there that has not been read yet.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key) || self.table.contains_key(&*hyphened(key))
    }

    /// Notes that a key is missing, where it is.
    pub fn require(&self, key: &str) {
        if !self.has(key) {
            self.problem(self.place(), format_args!("{key} is missing"));
        }
    }

    /// The keys that have not been read yet.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    fn take<T>(
        &mut self,
        key: &str,
        kind: &str,
        read: impl FnOnce(DeValue<'s>) -> Option<T>,
    ) -> Option<(T, Place)> {
        let table = &mut self.table;
        let found = table.remove_entry(key).or_else(|| table.remove_entry(&*hyphened(key)));
        let (name, value) = found?;
        let (place, found) = (Place(name.span().start), value.get_ref().type_str());
        let read = read(value.into_inner());
        if read.is_none() {
            self.problem(place, format_args!("{} is {found}: must be {kind}", shown(key)));
        }
        read.map(|read| (read, place))
    }

    /// A text, and where it stands.
    pub fn text(&mut self, key: &str) -> Option<(String, Place)> {
        self.take(key, "a text in quotes", |value| match value {
            DeValue::String(text) => Some(text.into_owned()),
            _ => None,
        })
    }

    /// An id: 1 to 64 bytes.
    pub fn id(&mut self, key: &str) -> Option<(String, Place)> {
        let (id, place) = self.text(key)?;
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            self.problem(
                place,
                format_args!("{key} {:?} is not an id of 1 to 64 bytes", shown(&id)),
            );
            return None;
        }
        Some((id, place))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let (flag, _) = self.take(key, "true or false", |value| match value {
            DeValue::Boolean(flag) => Some(flag),
            _ => None,
        })?;
        Some(flag)
    }

    /// A whole number within its bounds.
    pub fn integer(&mut self, key: &str, bounds: RangeInclusive<i64>) -> Option<i64> {
        let (first, last) = (*bounds.start(), *bounds.end());
        let kind = format!("a whole number from {first} to {last}");
        let (number, place) = self.take(key, &kind, |value| match value {
            DeValue::Integer(number) => Some(number),
            _ => None,
        })?;
        let value = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let value = value.filter(|value| bounds.contains(value));
        if value.is_none() {
            let (key, number) = (shown(key), number.to_string());
            self.problem(place, format_args!("{key} {} is not {kind}", shown(&number)));
        }
        value
    }

    /// One of some words, and what it stands for.
    pub fn one_of<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let (word, place) = self.text(key)?;
        let found = words.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let known = words.iter().map(|(known, _)| format!("{known:?}"));
            let known = known.collect::<Vec<_>>().join(", ");
            self.problem(place, format_args!("{key} {:?} is not one of {known}", shown(&word)));
        }
        found.map(|(_, meant)| *meant)
    }

    /// Texts, and where each stands; a single one may stand without brackets.
    pub fn texts(&mut self, key: &str) -> Option<Vec<(String, Place)>> {
        let text = |value: Spanned<DeValue<'s>>| match (value.span().start, value.into_inner()) {
            (at, DeValue::String(text)) => Some((text.into_owned(), Some(Place(at)))),
            _ => None,
        };
        let kind = "a text in quotes, or several in brackets";
        let (texts, place) = self.take(key, kind, |value| match value {
            DeValue::Array(list) => list.into_iter().map(text).collect(),
            DeValue::String(text) => Some(vec![(text.into_owned(), None)]),
            _ => None,
        })?;
        if texts.is_empty() {
            self.problem(place, format_args!("{key} is empty: it must say something"));
            return None;
        }
        Some(texts.into_iter().map(|(text, at)| (text, at.unwrap_or(place))).collect())
    }

    /// Amounts greater than zero, one for a currency: `"2500.00 USD"`, or several in brackets.
    pub fn amounts(&mut self, key: &str) -> Option<Amounts> {
        let texts = self.texts(key)?;
        let place = texts[0].1;
        let mut amounts = Amounts::default();
        for (text, place) in texts {
            match parse_amount(&text) {
                Ok((currency, amount)) => {
                    if !amounts.add(currency, amount) {
                        self.problem(place, format_args!("{key} has two amounts in {currency}"));
                    }
                }
                Err(rule) => self.problem(place, format_args!("{key} {:?}: {rule}", shown(&text))),
            }
        }
        // Else the rule for all would not hold for the account, nor this one.
        if let Some(currency) = self.currency.filter(|own| amounts.of(*own).is_none()) {
            let rule = format_args!("{key} has no amount in {currency}, which the account is in");
            self.problem(place, rule);
        }
        Some(amounts)
    }

    /// A table below this one.
    pub fn section(&mut self, key: &str) -> Option<Section<'r, 's>> {
        let (table, place) = self.take(key, "a table", |value| match value {
            DeValue::Table(table) => Some(table),
            _ => None,
        })?;
        Some(self.below(key, place.0, table))
    }

    /// All tables of a list of them, `[[key]]`, in order.
    pub fn sections(&mut self, key: &str) -> Vec<Section<'r, 's>> {
        let table = |value: Spanned<DeValue<'s>>| match (value.span().start, value.into_inner()) {
            (at, DeValue::Table(table)) => Some((at, table)),
            _ => None,
        };
        let found = self.take(key, "a list of tables", |value| match value {
            DeValue::Array(list) => list.into_iter().map(table).collect::<Option<Vec<_>>>(),
            _ => None,
        });
        let Some((tables, place)) = found else { return Vec::new() };
        if tables.is_empty() {
            self.problem(place, format_args!("{key} is empty: it must say something"));
        }
        tables.into_iter().map(|(at, table)| self.below(key, at, table)).collect()
    }

    fn below(&self, key: &str, at: usize, table: DeTable<'s>) -> Section<'r, 's> {
        let name = match &*self.name {
            "" => shown(key).to_owned(),
            name => format!("{name}.{}", shown(key)),
        };
        Section { reader: self.reader, name, at, currency: self.currency, table }
    }
}

impl Drop for Section<'_, '_> {
    fn drop(&mut self) {
        for key in self.table.keys() {
            let (at, key) = (key.span().start, shown(key.get_ref()));
            self.problem(Place(at), format_args!("{key} is not a key that is known here"));
        }
    }
}

#[cfg(test)]
mod tests;
