//! Orders as they stand in the bytes of a request: read in place, with no allocation per order.
//!
//! The generated messages own their texts, which costs four allocations an order; every other call
//! is decoded with them. A test holds both readings against each other.

use std::str;

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_types::Duration;

use creditgate_engine::bounds::BATCH_ITEMS_MAX;

use crate::wire::admit::{self, ROWS_RULE};
use crate::wire::status::Fault;
use crate::wire::v1;

/// A `CheckAndReserveRequest`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OrderView<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) order_id: &'a str,
    pub(crate) amount_minor: i64,
    pub(crate) currency: &'a str,
    pub(crate) allow_partial: bool,
    pub(crate) channel: &'a str,
    pub(crate) ttl: Option<Duration>,
    pub(crate) contract_id: &'a str,
    pub(crate) terms_id: &'a str,
    /// Boxed, for few have any.
    pub(crate) shipping: Option<Box<ShippingView<'a>>>,
}

/// What few orders name: where, when and how much of it counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ShippingView<'a> {
    pub(crate) ship_date: &'a str,
    pub(crate) tax_minor: i64,
    pub(crate) freight_minor: i64,
    pub(crate) bill_to_account_id: &'a str,
}

impl<'a> ShippingView<'a> {
    pub(crate) fn of(message: &'a v1::CheckRequest) -> ShippingView<'a> {
        ShippingView {
            ship_date: &message.ship_date,
            tax_minor: message.tax_minor,
            freight_minor: message.freight_minor,
            bill_to_account_id: &message.bill_to_account_id,
        }
    }

    #[cold]
    fn read(&mut self, tag: u32, wire_type: WireType, bytes: &mut &'a [u8]) -> Option<()> {
        match (tag, wire_type) {
            (60, WireType::LengthDelimited) => self.ship_date = text(bytes)?,
            (61, WireType::Varint) => self.tax_minor = decode_varint(bytes).ok()?.cast_signed(),
            (62, WireType::Varint) => {
                self.freight_minor = decode_varint(bytes).ok()?.cast_signed();
            }
            (63, WireType::LengthDelimited) => self.bill_to_account_id = text(bytes)?,
            _ => return None,
        }
        Some(())
    }
}

/// A `BatchCheckAndReserveRequest`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct BatchView<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) all_or_none: bool,
    pub(crate) items: Vec<OrderView<'a>>,
}

impl<'a> OrderView<'a> {
    /// Reads a request of one order.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<OrderView<'a>, Fault> {
        OrderView::read(bytes).ok_or_else(|| fault::<v1::CheckAndReserveRequest>(bytes))
    }

    /// `None` where the bytes are no such message.
    fn read(mut bytes: &'a [u8]) -> Option<OrderView<'a>> {
        let mut order = OrderView::default();
        while !bytes.is_empty() {
            let (tag, wire_type) = decode_key(&mut bytes).ok()?;
            match (tag, wire_type) {
                (1, WireType::LengthDelimited) => order.request_id = text(&mut bytes)?,
                (2, WireType::LengthDelimited) => order.account_id = text(&mut bytes)?,
                (3, WireType::LengthDelimited) => order.order_id = text(&mut bytes)?,
                (4, WireType::Varint) => {
                    order.amount_minor = decode_varint(&mut bytes).ok()?.cast_signed();
                }
                (5, WireType::LengthDelimited) => order.currency = text(&mut bytes)?,
                (6, WireType::Varint) => order.allow_partial = decode_varint(&mut bytes).ok()? != 0,
                (7, WireType::LengthDelimited) => order.channel = text(&mut bytes)?,
                (8, WireType::LengthDelimited) => {
                    // A message that comes twice is one message with the fields of both.
                    let ttl = order.ttl.get_or_insert_default();
                    ttl.merge(delimited(&mut bytes)?).ok()?;
                }
                (9, WireType::LengthDelimited) => order.contract_id = text(&mut bytes)?,
                (10, WireType::LengthDelimited) => order.terms_id = text(&mut bytes)?,
                (1..=10, _) => return None,
                (60..=63, _) => {
                    let shipping = order.shipping.get_or_insert_default();
                    shipping.read(tag, wire_type, &mut bytes)?;
                }
                _ => skip(wire_type, tag, &mut bytes)?,
            }
        }
        Some(order)
    }
}

impl<'a> BatchView<'a> {
    /// Reads a batch; more rows than a call may have are refused before they are read.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<BatchView<'a>, Fault> {
        let batch = BatchView::read(bytes);
        let batch = batch.ok_or_else(|| fault::<v1::BatchCheckAndReserveRequest>(bytes))?;
        if batch.items.len() > BATCH_ITEMS_MAX {
            return Err(Fault::field("items", "more than 1000 rows", ROWS_RULE));
        }
        admit::rows("items", &batch.items)?;
        Ok(batch)
    }

    /// As [`OrderView::read`]; reads one row more than may be, and then no further.
    fn read(mut bytes: &'a [u8]) -> Option<BatchView<'a>> {
        let mut batch = BatchView::default();
        while !bytes.is_empty() && batch.items.len() <= BATCH_ITEMS_MAX {
            let (tag, wire_type) = decode_key(&mut bytes).ok()?;
            match (tag, wire_type) {
                (1, WireType::LengthDelimited) => batch.request_id = text(&mut bytes)?,
                (2, WireType::Varint) => batch.all_or_none = decode_varint(&mut bytes).ok()? != 0,
                (3, WireType::LengthDelimited) => {
                    let item = OrderView::read(delimited(&mut bytes)?)?;
                    batch.items.push(item);
                }
                (1..=3, _) => return None,
                _ => skip(wire_type, tag, &mut bytes)?,
            }
        }
        Some(batch)
    }
}

/// What the generated decoder says of bytes that could not be read.
fn fault<M: Message + Default>(bytes: &[u8]) -> Fault {
    match M::decode(bytes) {
        Err(error) => Fault::malformed(&error),
        Ok(_) => unreachable!("both decoders read the same messages"),
    }
}

fn delimited<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (field, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(field)
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    str::from_utf8(delimited(bytes)?).ok()
}

fn skip(wire_type: WireType, tag: u32, bytes: &mut impl Buf) -> Option<()> {
    skip_field(wire_type, tag, bytes, DecodeContext::default()).ok()
}

#[cfg(test)]
mod tests;
