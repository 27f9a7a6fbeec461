use proptest::prelude::*;

use super::*;

/// The fields of a request as the generated decoder reads them.
fn generated(bytes: &[u8]) -> Option<v1::BatchCheckAndReserveRequest> {
    v1::BatchCheckAndReserveRequest::decode(bytes).ok()
}

fn owned(order: &OrderView<'_>) -> v1::CheckAndReserveRequest {
    let shipping = order.shipping.as_deref().cloned().unwrap_or_default();
    v1::CheckAndReserveRequest {
        request_id: order.request_id.to_owned(),
        account_id: order.account_id.to_owned(),
        order_id: order.order_id.to_owned(),
        amount_minor: order.amount_minor,
        currency: order.currency.to_owned(),
        allow_partial: order.allow_partial,
        channel: order.channel.to_owned(),
        ttl: order.ttl,
        contract_id: order.contract_id.to_owned(),
        terms_id: order.terms_id.to_owned(),
        ship_date: shipping.ship_date.to_owned(),
        tax_minor: shipping.tax_minor,
        freight_minor: shipping.freight_minor,
        bill_to_account_id: shipping.bill_to_account_id.to_owned(),
    }
}

fn read(bytes: &[u8]) -> Option<v1::BatchCheckAndReserveRequest> {
    BatchView::read(bytes).map(|batch| v1::BatchCheckAndReserveRequest {
        request_id: batch.request_id.to_owned(),
        all_or_none: batch.all_or_none,
        items: batch.items.iter().map(owned).collect(),
    })
}

fn order() -> impl Strategy<Value = v1::CheckAndReserveRequest> {
    let texts = (".{0,20}", ".{0,20}", ".{0,20}", ".{0,4}", ".{0,9}", ".{0,9}", ".{0,9}");
    let ttl = proptest::option::of((any::<i64>(), any::<i32>()));
    let shipping = (".{0,10}", any::<i64>(), any::<i64>(), ".{0,9}");
    let all = (texts, any::<i64>(), any::<bool>(), ttl, shipping);
    all.prop_map(|(texts, amount_minor, partial, ttl, shipping)| {
        let (ship_date, tax_minor, freight_minor, bill_to_account_id) = shipping;
        let (request_id, account_id, order_id, currency, channel, contract_id, terms_id) = texts;
        v1::CheckAndReserveRequest {
            request_id,
            account_id,
            order_id,
            amount_minor,
            currency,
            allow_partial: partial,
            channel,
            ttl: ttl.map(|(seconds, nanos)| Duration { seconds, nanos }),
            contract_id,
            terms_id,
            ship_date,
            tax_minor,
            freight_minor,
            bill_to_account_id,
        }
    })
}

fn batch() -> impl Strategy<Value = v1::BatchCheckAndReserveRequest> {
    (".{0,20}", any::<bool>(), proptest::collection::vec(order(), 0..5)).prop_map(
        |(request_id, all_or_none, items)| v1::BatchCheckAndReserveRequest {
            request_id,
            all_or_none,
            items,
        },
    )
}

proptest! {
    #[test]
    fn a_batch_is_read_as_the_generated_decoder_reads_it(batch in batch()) {
        let bytes = batch.encode_to_vec();
        prop_assert_eq!(read(&bytes), Some(batch));
    }

    #[test]
    fn altered_bytes_are_read_or_refused_as_the_generated_decoder_does(
        batch in batch(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = batch.encode_to_vec();
        if !bytes.is_empty() {
            changes.iter().for_each(|(at, byte)| bytes[at.index(batch.encoded_len())] = *byte);
        }
        prop_assert_eq!(read(&bytes), generated(&bytes));
        bytes.truncate(cut.index(bytes.len() + 1));
        prop_assert_eq!(read(&bytes), generated(&bytes));
    }
}

#[test]
fn fields_that_come_twice_or_are_unknown_are_taken_as_protobuf_says() {
    let one = v1::CheckAndReserveRequest {
        order_id: "first".to_owned(),
        ttl: Some(Duration { seconds: 5, nanos: 0 }),
        ..Default::default()
    };
    let two = v1::CheckAndReserveRequest {
        order_id: "second".to_owned(),
        ttl: Some(Duration { seconds: 0, nanos: 7 }),
        ..Default::default()
    };
    let unknown = [0x98, 0x06, 0x01];
    let bytes = [one.encode_to_vec(), unknown.to_vec(), two.encode_to_vec()].concat();
    let order = OrderView::decode(&bytes).expect("it is a message");
    assert_eq!(order.order_id, "second");
    assert_eq!(order.ttl, Some(Duration { seconds: 5, nanos: 7 }));
}

#[test]
fn what_is_no_message_is_named_as_by_the_generated_decoder() {
    let fault = OrderView::decode(&[0x0a, 0x05, b'x']).expect_err("it is cut short");
    assert_eq!(fault.reason, "REQUEST_MALFORMED");
    let fault = BatchView::decode(&[0x1a, 0x02, 0x0a, 0x05]).expect_err("its item is cut short");
    assert_eq!(fault.reason, "REQUEST_MALFORMED");
}

#[test]
fn rows_are_counted_before_they_are_kept() {
    let rows = |count| [0x1a, 0x00].repeat(count);
    assert_eq!(BatchView::decode(&rows(1_000)).map(|batch| batch.items.len()), Ok(1_000));
    for count in [0, 1_001, 100_000] {
        let fault = BatchView::decode(&rows(count)).expect_err("too few or too many");
        assert_eq!((fault.reason, &*fault.field), ("FIELD_INVALID", "items"));
    }
}
