//! `CreditDecisionService`: requests to commands.

use creditgate_engine::command::{
    Adjust, CaptureOrder, Command, Order, Release, Reserve, ReserveAll,
};
use creditgate_engine::counting::{OrderDetails, Shipping};
use creditgate_engine::entry::Request;
use creditgate_engine::values::{Minor, Ttl};

use crate::wire::admit;
use crate::wire::order::{BatchView, OrderView, ShippingView};
use crate::wire::status::Fault;
use crate::wire::v1;

/// `CheckAndReserve`, and an item of an independent batch.
pub(crate) fn reserve<'a>(
    message: &OrderView<'a>,
    actor: &'a str,
    default_ttl_s: u32,
) -> Result<Request<'a>, Fault> {
    let request = admit::request(message.request_id)?;
    let order = order(message, default_ttl_s)?;
    let command =
        Command::Reserve(Reserve { request, order, allow_partial: message.allow_partial });
    let channel = admit::optional_id("channel", message.channel)?;
    Ok(Request { command, actor, channel, reason: None })
}

/// An all-or-none batch. Its items' channels must agree, for the batch is one entry.
pub(crate) fn reserve_all<'a>(
    message: &BatchView<'a>,
    actor: &'a str,
    default_ttl_s: u32,
) -> Result<Request<'a>, Fault> {
    let request = admit::request(message.request_id)?;
    let items = &message.items;
    let channel = items[0].channel;
    let orders = items.iter().enumerate().map(|(index, item)| {
        item_of_all(item, channel, default_ttl_s)
            .map_err(|fault| fault.within(&format!("items[{index}]")))
    });
    let orders = orders.collect::<Result<_, _>>()?;
    let command = Command::ReserveAll(ReserveAll { request, orders });
    let channel = admit::optional_id("items[0].channel", channel)?;
    Ok(Request { command, actor, channel, reason: None })
}

fn item_of_all<'a>(
    item: &OrderView<'a>,
    channel: &str,
    default_ttl_s: u32,
) -> Result<Order<'a>, Fault> {
    if !item.request_id.is_empty() {
        let rule = "empty in an all-or-none batch, which has one of its own";
        return Err(Fault::field("request_id", admit::shown(item.request_id), rule));
    }
    if item.allow_partial {
        return Err(Fault::field("allow_partial", true, "false in an all-or-none batch"));
    }
    if item.channel != channel {
        let rule = "the same for all items of an all-or-none batch";
        return Err(Fault::field("channel", admit::shown(item.channel), rule));
    }
    order(item, default_ttl_s)
}

fn order<'a>(message: &OrderView<'a>, default_ttl_s: u32) -> Result<Order<'a>, Fault> {
    let amount = admit::amount("amount_minor", message.amount_minor)?;
    Ok(Order {
        account_id: admit::id("account_id", message.account_id)?,
        order_id: admit::id("order_id", message.order_id)?,
        amount,
        currency: admit::currency(message.currency)?,
        ttl: Ttl { asked_s: admit::ttl(message.ttl.as_ref())?, default_s: default_ttl_s },
        details: details(
            amount,
            (message.contract_id, message.terms_id),
            message.shipping.as_deref(),
        )?,
    })
}

/// What an order of this amount names that few do: a contract and payment terms, and its shipping.
#[inline]
pub(crate) fn details<'a>(
    amount: Minor,
    (contract_id, terms_id): (&'a str, &'a str),
    shipping: Option<&ShippingView<'a>>,
) -> Result<Option<Box<OrderDetails<'a>>>, Fault> {
    if contract_id.is_empty() && terms_id.is_empty() && shipping.is_none() {
        return Ok(None);
    }
    named(amount, (contract_id, terms_id), shipping)
}

#[cold]
fn named<'a>(
    amount: Minor,
    (contract_id, terms_id): (&'a str, &'a str),
    shipping: Option<&ShippingView<'a>>,
) -> Result<Option<Box<OrderDetails<'a>>>, Fault> {
    let named = |id: &'a str| (!id.is_empty()).then_some(id);
    let contract_id = named(admit::optional_id("contract_id", contract_id)?);
    let terms_id = named(admit::optional_id("terms_id", terms_id)?);
    let shipping = match shipping {
        None => None,
        Some(view) => Some(Shipping {
            ship_date: admit::business_day("ship_date", view.ship_date)?,
            tax: admit::amount_or_zero("tax_minor", view.tax_minor)?,
            freight: admit::amount_or_zero("freight_minor", view.freight_minor)?,
            bill_to: named(admit::optional_id("bill_to_account_id", view.bill_to_account_id)?),
        }),
    };
    let shipping = shipping.filter(|shipping| *shipping != Shipping::default());
    if let Some(Shipping { tax, freight, .. }) = shipping
        && tax + freight >= amount
    {
        let rule = "less than the order's amount together with freight_minor";
        let (field, part) = if tax == 0 { ("freight_minor", freight) } else { ("tax_minor", tax) };
        return Err(Fault::field(field, part, rule));
    }
    let details = OrderDetails { contract_id, terms_id, shipping };
    Ok((details != OrderDetails::default()).then(|| Box::new(details)))
}

/// `Adjust`.
pub(crate) fn adjust<'a>(
    m: &'a v1::AdjustRequest,
    actor: &'a str,
    default_ttl_s: u32,
) -> Result<Request<'a>, Fault> {
    let command = Command::Adjust(Adjust {
        request: admit::request(&m.request_id)?,
        target: admit::target(&m.reservation_id, &m.account_id, &m.order_id)?,
        total: admit::amount_or_zero("total_amount_minor", m.total_amount_minor)?,
        ttl: Ttl { asked_s: admit::ttl(m.ttl.as_ref())?, default_s: default_ttl_s },
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::reason(&m.reason)? })
}

/// `Capture`.
pub(crate) fn capture<'a>(m: &'a v1::CaptureRequest, actor: &'a str) -> Result<Request<'a>, Fault> {
    let command = Command::Capture(CaptureOrder {
        request: admit::request(&m.request_id)?,
        target: admit::target(&m.reservation_id, &m.account_id, &m.order_id)?,
        amount: m.amount_minor.map(|value| admit::amount("amount_minor", value)).transpose()?,
        invoice_id: admit::id("invoice_id", &m.invoice_id)?,
        last: m.r#final,
        forced: m.forced,
        issued: admit::business_day("invoice_date", &m.invoice_date)?,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::reason(&m.reason)? })
}

/// `Release`.
pub(crate) fn release<'a>(m: &'a v1::ReleaseRequest, actor: &'a str) -> Result<Request<'a>, Fault> {
    let command = Command::Release(Release {
        request: admit::request(&m.request_id)?,
        target: admit::target(&m.reservation_id, &m.account_id, &m.order_id)?,
        amount: m.amount_minor.map(|value| admit::amount("amount_minor", value)).transpose()?,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::reason(&m.reason)? })
}
