//! [`Terms`] of an account in half a cache line.

use crate::model::{Status, Terms};
use crate::values::{Currency, Day, Limit, LimitKind, Minor};

/// [`Terms`] in half a cache line: what each alternative needs stands in a place of its own, and a
/// byte of flags says which count.
pub(super) struct PackedTerms {
    limit_amount: Minor,
    max_order: Minor,
    valid_until: i32,
    pub(super) parent: u32,
    pub(super) segment: u32,
    pub(super) currency: Currency,
    pub(super) flags: u8,
}

/// A limit without an end: a day that no date can name.
const NO_END: i32 = i32::MAX;

const STATUS: u8 = 0b11;
const LIMIT_KIND: u8 = 0b11 << LIMIT_KIND_SHIFT;
const LIMIT_KIND_SHIFT: u8 = 2;
pub(super) const HAS_PARENT: u8 = 1 << 5;
pub(super) const HAS_SEGMENT: u8 = 1 << 6;

// Two flags say where else to look. They are no terms of the account's own, and `pack` leaves them
// out.

/// There are [`Conditions`](crate::model::Conditions) of it.
pub(super) const HAS_CONDITIONS: u8 = 1 << 4;
/// There is a [`Group`](super::groups::Group) of it.
pub(super) const HEADS_GROUP: u8 = 1 << 7;

impl PackedTerms {
    pub(super) fn pack(terms: &Terms) -> PackedTerms {
        let Terms { currency, status, limit, max_order, parent, segment } = *terms;
        let status = match status {
            Status::Active => 0,
            Status::Suspended => 1,
            Status::Closed => 2,
        };
        let (kind, limit_amount) = match limit.kind {
            LimitKind::Amount(amount) => (0, amount),
            LimitKind::Unlimited => (1, 0),
            LimitKind::NoCredit => (2, 0),
            LimitKind::Inherit => (3, 0),
        };
        let has = |flag, has: bool| if has { flag } else { 0 };
        let flags = status
            | kind << LIMIT_KIND_SHIFT
            | has(HAS_PARENT, parent.is_some())
            | has(HAS_SEGMENT, segment.is_some());
        let valid_until = limit.valid_until.map_or(NO_END, |day| day.0);
        let (parent, segment) = (parent.unwrap_or_default(), segment.unwrap_or_default());
        PackedTerms { limit_amount, max_order, valid_until, parent, segment, currency, flags }
    }

    // Whoever asks for the currency alone should not pay for the rest.
    #[inline]
    pub(super) fn unpack(&self) -> Terms {
        let has = |flag| self.flags & flag != 0;
        Terms {
            currency: self.currency,
            status: match self.flags & STATUS {
                0 => Status::Active,
                1 => Status::Suspended,
                _ => Status::Closed,
            },
            limit: Limit {
                kind: match (self.flags & LIMIT_KIND) >> LIMIT_KIND_SHIFT {
                    0 => LimitKind::Amount(self.limit_amount),
                    1 => LimitKind::Unlimited,
                    2 => LimitKind::NoCredit,
                    _ => LimitKind::Inherit,
                },
                valid_until: (self.valid_until != NO_END).then_some(Day(self.valid_until)),
            },
            max_order: self.max_order,
            parent: has(HAS_PARENT).then_some(self.parent),
            segment: has(HAS_SEGMENT).then_some(self.segment),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn terms() -> impl Strategy<Value = Terms> {
        let kind = prop_oneof![
            any::<i64>().prop_map(LimitKind::Amount),
            select(vec![LimitKind::Unlimited, LimitKind::NoCredit, LimitKind::Inherit]),
        ];
        let limit = (kind, proptest::option::of(i32::MIN..NO_END))
            .prop_map(|(kind, day)| Limit { kind, valid_until: day.map(Day) });
        let status = select(vec![Status::Active, Status::Suspended, Status::Closed]);
        let currency = select(vec!["USD", "EUR"])
            .prop_map(|code| Currency::parse(code).expect("three capital letters"));
        let places = (any::<Option<u32>>(), any::<Option<u32>>());
        (currency, status, limit, any::<i64>(), places).prop_map(
            |(currency, status, limit, max_order, (parent, segment))| Terms {
                currency,
                status,
                limit,
                max_order,
                parent,
                segment,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn terms_are_packed_without_loss(terms in terms()) {
            prop_assert_eq!(PackedTerms::pack(&terms).unpack(), terms);
        }
    }
}
