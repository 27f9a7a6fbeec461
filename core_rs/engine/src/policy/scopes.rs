//! Which rules hold for an order: for all, for a segment, for a channel, for an account, where for
//! each kind of rule the particular one takes the place of the general.

use hashbrown::HashMap;

use crate::bounds::ID_BYTES_MAX;
use crate::model::Terms;
use crate::outcome::Effect;
use crate::policy::reader::{Section, shown};
use crate::policy::rules::{KINDS, Read, Rule, Utilisation};
use crate::state::State;
use crate::values::{SegmentIndex, Slot};

/// Most channels that a policy names: its rules are put together for each, by segment.
const CHANNELS_MAX: usize = 64;

/// What one scope says of a kind of rule.
#[derive(Clone, Debug)]
enum Setting {
    /// The rule does not hold here.
    Excluded,
    Rule(Rule),
}

/// By kind; none: what is more general holds.
type Scope = Vec<Option<Setting>>;

/// The rules that hold where no account's own take their place.
#[derive(Debug, Default)]
struct Merged {
    /// Each with its kind.
    rules: Vec<(usize, Rule)>,
    /// Where among them the bands are, which are asked for whenever an account moves.
    utilisation: Option<usize>,
}

/// All rules of a policy, put together beforehand for each segment and channel that it names.
#[derive(Debug, Default)]
pub struct Rules {
    /// For each segment the row of its rules; those beyond have the first.
    segments: Vec<usize>,
    /// Those that the policy names, each with the column of its rules from 1 on.
    channels: Vec<Box<str>>,
    /// By row, then column.
    merged: Vec<Merged>,
    accounts: HashMap<Slot, Scope>,
    /// Something is to be noted once an order is decided, or an account has moved.
    acts: bool,
    asks_first_order: bool,
    counts_orders: bool,
}

impl Rules {
    pub(super) fn read(root: &mut Section<'_, '_>, state: &State) -> Rules {
        let all = root.section("all").map(|mut all| scope(&mut all, state)).unwrap_or_default();
        let segments = named(root, "segment", state, |id| state.segment_index(id));
        let mut channels = named(root, "channel", state, channel);
        let accounts = named(root, "account", state, |id| state.slot(id));
        if channels.len() > CHANNELS_MAX {
            let rule = format_args!("channel: at most {CHANNELS_MAX} may be named");
            root.problem(root.place(), rule);
            channels.truncate(CHANNELS_MAX);
        }
        let scopes = std::iter::once(&all).chain(segments.iter().map(|(_, scope)| scope));
        let scopes = scopes.chain(channels.iter().map(|(_, scope)| scope));
        let scopes = scopes.chain(accounts.iter().map(|(_, scope)| scope));
        let rules = Vec::from_iter(scopes.flatten().flatten().filter_map(Setting::rule));
        if rules.is_empty() {
            return Rules::default();
        }
        let asks_first_order = rules.iter().any(|rule| rule.asks_first_order());
        let counts_orders = rules.iter().any(|rule| matches!(rule, Rule::Velocity(_)));
        let acts =
            |rule: &&Rule| matches!(rule, Rule::Utilisation(_)) || rule.strongest() == Effect::Hold;
        let acts = asks_first_order || counts_orders || rules.iter().any(acts);
        let none = Scope::new();
        let (mut merged, mut rows) = (Vec::new(), vec![0; state.segments().len()]);
        for (row, segment) in std::iter::once(None).chain(segments.iter().map(Some)).enumerate() {
            if let Some((index, _)) = segment {
                rows[*index as usize] = row;
            }
            let segment = segment.map_or(&none, |(_, scope)| scope);
            let columns = std::iter::once(&none).chain(channels.iter().map(|(_, scope)| scope));
            merged.extend(columns.map(|channel| merge([channel, segment, &all])));
        }
        Rules {
            segments: rows,
            channels: channels.into_iter().map(|(name, _)| name).collect(),
            merged,
            accounts: accounts.into_iter().collect(),
            acts,
            asks_first_order,
            counts_orders,
        }
    }

    /// Whether there are none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.merged.is_empty()
    }

    /// Whether something is to be noted once an order is decided, or an account has moved.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.acts
    }

    /// Whether a rule asks if anything was shipped to an account yet.
    #[must_use]
    pub fn asks_first_order(&self) -> bool {
        self.asks_first_order
    }

    /// Whether a rule asks how many orders were approved lately.
    #[must_use]
    pub fn counts_orders(&self) -> bool {
        self.counts_orders
    }

    /// The rules that hold for an order, through a channel, of the account in a slot.
    pub fn of(&self, slot: Slot, terms: &Terms, channel: &str) -> impl Iterator<Item = &Rule> {
        let own = if self.accounts.is_empty() { None } else { self.accounts.get(&slot) };
        let own = own.map_or(&[][..], |own| own);
        let is_own = |kind: usize| own.get(kind).is_some_and(Option::is_some);
        let general = self.general(terms.segment, channel).map_or(&[][..], |all| &all.rules);
        let general = general.iter().filter(move |(kind, _)| !is_own(*kind)).map(|(_, rule)| rule);
        general.chain(own.iter().flatten().filter_map(Setting::rule))
    }

    /// The bands of an account, whatever the channel.
    #[must_use]
    pub fn utilisation(&self, slot: Slot, terms: &Terms) -> Option<&Utilisation> {
        if !self.accounts.is_empty() && self.accounts.contains_key(&slot) {
            return self.of(slot, terms, "").find_map(bands);
        }
        let general = self.general(terms.segment, "")?;
        bands(&general.rules[general.utilisation?].1)
    }

    fn general(&self, segment: Option<SegmentIndex>, channel: &str) -> Option<&Merged> {
        let row = segment.and_then(|index| self.segments.get(index as usize).copied());
        let column = self.channels.iter().position(|known| **known == *channel);
        let columns = self.channels.len() + 1;
        let place = row.unwrap_or_default() * columns + column.map_or(0, |column| column + 1);
        self.merged.get(place)
    }
}

fn bands(rule: &Rule) -> Option<&Utilisation> {
    if let Rule::Utilisation(bands) = rule { Some(bands) } else { None }
}

impl Setting {
    fn rule(&self) -> Option<&Rule> {
        match self {
            Setting::Excluded => None,
            Setting::Rule(rule) => Some(rule),
        }
    }
}

/// The rules of one scope.
fn scope(section: &mut Section<'_, '_>, state: &State) -> Scope {
    let setting = |(name, read): &(&str, Read)| {
        let mut rule = section.section(name)?;
        if rule.flag("excluded") == Some(true) {
            return Some(Setting::Excluded);
        }
        read(&mut rule, state).map(Setting::Rule)
    };
    KINDS.iter().map(setting).collect()
}

/// A channel as requests may name it.
fn channel(name: &str) -> Option<Box<str>> {
    let is_name = (1..=ID_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control);
    is_name.then(|| name.into())
}

/// The scopes of all that are named below `key`, where `find` knows them.
fn named<T>(
    root: &mut Section<'_, '_>,
    key: &str,
    state: &State,
    find: impl Fn(&str) -> Option<T>,
) -> Vec<(T, Scope)> {
    let Some(mut all) = root.section(key) else { return Vec::new() };
    let mut found = Vec::new();
    for name in all.keys() {
        let Some(mut below) = all.section(&name) else { continue };
        if let Some(slot) = state.slot(&name).filter(|_| key == "account") {
            below.is_of_account_in(state.terms(slot).currency);
        }
        let scope = scope(&mut below, state);
        let (known, name) = (find(&name), shown(&name));
        match known {
            Some(known) => found.push((known, scope)),
            None if key == "channel" => {
                let rule = "1 to 64 bytes, no control characters";
                below.problem(below.place(), format_args!("channel {name:?} must be {rule}"));
            }
            None => {
                let rule = format_args!("{key} {name:?} is not known: create it first");
                below.problem(below.place(), rule);
            }
        }
    }
    found
}

/// For each kind the first scope's that says something.
fn merge(scopes: [&Scope; 3]) -> Merged {
    let first = |kind: usize| scopes.iter().find_map(|scope| scope.get(kind)?.as_ref());
    let kinds = 0..KINDS.len();
    let held = kinds.filter_map(|kind| Some((kind, first(kind)?.rule()?.clone())));
    let rules = Vec::from_iter(held);
    let utilisation = rules.iter().position(|(_, rule)| bands(rule).is_some());
    Merged { rules, utilisation }
}

#[cfg(test)]
mod tests;
