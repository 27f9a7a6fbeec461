//! What is sent: messages encoded once, whose ids alone are written anew for each call.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::{
    channel::PREFIX_LEN,
    names::{self, ID_LEN, Names},
    v1,
};

pub const CURRENCY: &str = "USD";

/// What the run's orders are drawn from.
#[derive(Clone, Copy)]
pub struct Source {
    pub names: Names,
    pub seed: u64,
    /// How many accounts the orders are spread over; 1 puts all on the first.
    pub accounts: u64,
}

/// What all orders of a run have in common.
#[derive(Clone, Copy)]
pub struct Terms {
    pub amount_minor: i64,
    /// How long they hold; None: the server's time.
    pub ttl_s: Option<i64>,
}

/// The frame of one call with places for its orders' ids.
pub struct Template {
    frame: Vec<u8>,
    orders: Vec<Places>,
}

struct Places {
    request_id: usize,
    account_id: usize,
    order_id: usize,
}

impl Template {
    /// A call of CheckAndReserve.
    pub fn unary(terms: Terms) -> Template {
        Template::of(&marked_order(0, terms), 1)
    }

    /// A call of BatchCheckAndReserve with so many orders.
    pub fn batch(orders: usize, terms: Terms) -> Template {
        let items = (0..orders).map(|index| marked_order(index, terms)).collect();
        let request = v1::BatchCheckAndReserveRequest { items, ..Default::default() };
        Template::of(&request, orders)
    }

    fn of(message: &impl Message, orders: usize) -> Template {
        let frame = frame_of(message).to_vec();
        let mut from = PREFIX_LEN;
        let mut place = |kind, index| {
            let mark = mark(kind, index);
            let ahead = frame[from..].windows(ID_LEN).position(|bytes| bytes == mark.as_bytes());
            from += ahead.expect("every mark was encoded, in this order");
            from
        };
        let orders = (0..orders)
            .map(|index| Places {
                request_id: place('r', index),
                account_id: place('a', index),
                order_id: place('o', index),
            })
            .collect();
        Template { frame, orders }
    }

    pub fn len(&self) -> usize {
        self.frame.len()
    }

    /// The frame for the orders from number `first` on.
    pub fn fill(&self, source: &Source, first: u64) -> Bytes {
        let mut frame = self.frame.clone();
        for (places, number) in self.orders.iter().zip(first..) {
            let account = names::account_of(source.seed, number, source.accounts);
            source.names.write(&mut frame[places.request_id..], b'r', number);
            names::write_account(&mut frame[places.account_id..], account);
            source.names.write(&mut frame[places.order_id..], b'o', number);
        }
        frame.into()
    }
}

/// An id that is found again in the encoded bytes.
fn mark(kind: char, index: usize) -> String {
    format!("{kind}{index:0>15}")
}

fn marked_order(index: usize, terms: Terms) -> v1::CheckAndReserveRequest {
    v1::CheckAndReserveRequest {
        request_id: mark('r', index),
        account_id: mark('a', index),
        order_id: mark('o', index),
        amount_minor: terms.amount_minor,
        currency: CURRENCY.into(),
        channel: "bench".into(),
        ttl: terms.ttl_s.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        ..Default::default()
    }
}

/// The frame that releases all of one order.
pub fn release(source: &Source, number: u64) -> Bytes {
    let account = names::account_of(source.seed, number, source.accounts);
    frame_of(&v1::ReleaseRequest {
        request_id: source.names.text(b'c', number),
        account_id: names::account_text(account),
        order_id: source.names.text(b'o', number),
        channel: "bench".into(),
        ..Default::default()
    })
}

/// A message as gRPC sends it.
pub fn frame_of(message: &impl Message) -> Bytes {
    with_prefix(&message.encode_to_vec())
}

/// gRPC's prefix, and the message after it.
pub fn with_prefix(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_LEN + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len().try_into().expect("no message reaches 4 GiB"));
    frame.put_slice(message);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const TERMS: Terms = Terms { amount_minor: 12_345, ttl_s: Some(60) };

    fn source() -> Source {
        Source { names: Names::of_run("test"), seed: 1, accounts: 7 }
    }

    #[test]
    fn a_filled_call_is_what_encoding_it_would_have_given() {
        let frame = Template::unary(TERMS).fill(&source(), 42);
        let order = v1::CheckAndReserveRequest::decode(&frame[PREFIX_LEN..]).unwrap();
        assert_eq!(order.request_id, source().names.text(b'r', 42));
        assert_eq!(order.order_id, source().names.text(b'o', 42));
        assert_eq!(order.account_id, names::account_text(names::account_of(1, 42, 7)));
        assert_eq!((order.amount_minor, order.currency.as_str()), (TERMS.amount_minor, CURRENCY));
        assert_eq!(order.ttl.map(|ttl| ttl.seconds), Some(60));
        assert_eq!(frame_of(&order), frame);
    }

    #[test]
    fn no_order_of_two_batches_shares_an_id_with_another() {
        let template = Template::batch(1_000, TERMS);
        let mut ids = HashSet::new();
        for first in [0, 1_000] {
            let frame = template.fill(&source(), first);
            let batch = v1::BatchCheckAndReserveRequest::decode(&frame[PREFIX_LEN..]).unwrap();
            assert_eq!(batch.items.len(), 1_000);
            for item in batch.items {
                assert!(ids.insert(item.request_id));
                assert!(ids.insert(item.order_id));
            }
        }
        assert_eq!(ids.len(), 4_000);
    }

    #[test]
    fn a_release_names_the_order_that_was_placed() {
        let placed = Template::unary(TERMS).fill(&source(), 5);
        let placed = v1::CheckAndReserveRequest::decode(&placed[PREFIX_LEN..]).unwrap();
        let release = release(&source(), 5);
        let release = v1::ReleaseRequest::decode(&release[PREFIX_LEN..]).unwrap();
        assert_eq!((release.account_id, release.order_id), (placed.account_id, placed.order_id));
        assert_ne!(release.request_id, placed.request_id);
    }
}
