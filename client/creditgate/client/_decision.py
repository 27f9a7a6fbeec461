"""CreditDecisionService: its calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

from creditgate.client._common import ItemError
from creditgate.client._decision_results import (
    STATE,
    AdjustResult,
    CaptureResult,
    CheckResult,
    ConfirmResult,
    OrderItem,
    OrderState,
    PastDecision,
    ReleaseResult,
    Reservation,
    ReservationState,
    ReserveResult,
    adjust_result,
    batch_results,
    capture_result,
    check_result,
    confirm_result,
    order_state,
    past_decision,
    release_result,
    reservation_from,
    reservation_page,
    reserve_result,
)
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    Upload,
    Watch,
    date_text,
    method_path,
    new_request_id,
    parser,
    unary,
)
from creditgate.v1 import decision_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["CreditDecisionService"]


def check_and_reserve(
    account_id: str,
    order_id: str,
    amount_minor: int,
    currency: str,
    *,
    allow_partial: bool = False,
    channel: str = "",
    ttl: timedelta | None = None,
    contract_id: str = "",
    terms_id: str = "",
    ship_date: date | None = None,
    tax_minor: int = 0,
    freight_minor: int = 0,
    bill_to_account_id: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReserveResult]:
    """Decides an order and, where it fits, reserves its amount in the same step.

    `ttl` is how long the reservation holds; the server's default when None. `contract_id` names a
    contract of the account to which terms are assigned, `terms_id` the payment terms asked for:
    better ones than its own have the order REFERRED (TERMS_UPGRADED). An amount in another currency
    than the account's is converted; without a rate the order is DECLINED. An order with a
    `ship_date` beyond the policy's horizon does not count yet, and the default `ttl` begins on that
    day; `tax_minor` and `freight_minor` are parts of the amount, which the policy may leave out;
    `bill_to_account_id` is another account, of which the order is from then on. A referred order
    waits in the case of the answer's `case_id`, where the policy says who signs; asked again with
    the same `order_id` it stays in it, and once it is approved the answer is its reservation.
    Raises ConflictError (ORDER_ALREADY_RESERVED) when the order has an open reservation,
    NotFoundError for an unknown account, contract or terms.
    """
    request = pb.CheckAndReserveRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        order_id=order_id,
        amount_minor=amount_minor,
        currency=currency,
        allow_partial=allow_partial,
        channel=channel,
        ttl=ttl,
        contract_id=contract_id,
        terms_id=terms_id,
        ship_date=date_text(ship_date),
        tax_minor=tax_minor,
        freight_minor=freight_minor,
        bill_to_account_id=bill_to_account_id,
    )
    return unary(
        method_path(_SERVICE, "CheckAndReserve"),
        request,
        pb.CheckAndReserveResponse,
        reserve_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def check(
    account_id: str,
    amount_minor: int,
    currency: str,
    *,
    allow_partial: bool = False,
    channel: str = "",
    contract_id: str = "",
    terms_id: str = "",
    ship_date: date | None = None,
    tax_minor: int = 0,
    freight_minor: int = 0,
    bill_to_account_id: str = "",
    timeout_s: float | None = None,
) -> Call[CheckResult]:
    """The same evaluation as `check_and_reserve`; reserves nothing and is not journalled."""
    request = pb.CheckRequest(
        account_id=account_id,
        amount_minor=amount_minor,
        currency=currency,
        allow_partial=allow_partial,
        channel=channel,
        contract_id=contract_id,
        terms_id=terms_id,
        ship_date=date_text(ship_date),
        tax_minor=tax_minor,
        freight_minor=freight_minor,
        bill_to_account_id=bill_to_account_id,
    )
    return unary(
        method_path(_SERVICE, "Check"),
        request,
        pb.CheckResponse,
        check_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def adjust(
    total_amount_minor: int,
    *,
    reservation_id: str = "",
    account_id: str = "",
    order_id: str = "",
    channel: str = "",
    ttl: timedelta | None = None,
    reason: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[AdjustResult]:
    """Sets the order's total, captured parts included, to a new absolute amount.

    Name the reservation by its id, or by account and order. `ttl` counts from now; None leaves the
    expiry unchanged. A refused growth leaves the reservation as it was; one that is REFERRED opens
    no case: order the rest under an order id of its own, which does. Raises PreconditionError
    (BELOW_CAPTURED) for less than is captured.
    """
    request = pb.AdjustRequest(
        request_id=request_id or new_request_id(),
        reservation_id=reservation_id,
        account_id=account_id,
        order_id=order_id,
        total_amount_minor=total_amount_minor,
        channel=channel,
        ttl=ttl,
        reason=reason,
    )
    return unary(
        method_path(_SERVICE, "Adjust"),
        request,
        pb.AdjustResponse,
        adjust_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def capture(
    invoice_id: str,
    *,
    amount_minor: int | None = None,
    reservation_id: str = "",
    account_id: str = "",
    order_id: str = "",
    final: bool = False,
    forced: bool = False,
    channel: str = "",
    reason: str = "",
    invoice_date: date | None = None,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[CaptureResult]:
    """Turns what is reserved into what is captured: shipped and invoiced under `invoice_id`.

    Name the reservation by its id, or by account and order. `amount_minor` None takes all that is
    open; more than is open is checked like an order for the excess. `final` releases the rest.
    `forced`, for goods that have left already, is never declined; without a reservation the amount
    is in the account's currency. Payment terms count from `invoice_date`, the server's today (UTC)
    when None. Raises ConflictError (INVOICE_ALREADY_CAPTURED), PreconditionError (NOTHING_OPEN).
    """
    request = pb.CaptureRequest(
        request_id=request_id or new_request_id(),
        reservation_id=reservation_id,
        account_id=account_id,
        order_id=order_id,
        amount_minor=amount_minor,
        invoice_id=invoice_id,
        final=final,
        forced=forced,
        channel=channel,
        reason=reason,
        invoice_date=date_text(invoice_date),
    )
    return unary(
        method_path(_SERVICE, "Capture"),
        request,
        pb.CaptureResponse,
        capture_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def release(
    *,
    amount_minor: int | None = None,
    reservation_id: str = "",
    account_id: str = "",
    order_id: str = "",
    channel: str = "",
    reason: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReleaseResult]:
    """Gives back what is reserved: all that is open, or `amount_minor` of it.

    Name the reservation by its id, or by account and order. Raises PreconditionError
    (RELEASE_EXCEEDS_OPEN, NOTHING_OPEN).
    """
    request = pb.ReleaseRequest(
        request_id=request_id or new_request_id(),
        reservation_id=reservation_id,
        account_id=account_id,
        order_id=order_id,
        amount_minor=amount_minor,
        channel=channel,
        reason=reason,
    )
    return unary(
        method_path(_SERVICE, "Release"),
        request,
        pb.ReleaseResponse,
        release_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def batch_check_and_reserve(
    items: Sequence[OrderItem],
    *,
    all_or_none: bool = False,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[ReserveResult | ItemError, ...]]:
    """Decides 1 to 1,000 orders in one call and one commit; one result for each, in their order.

    With `all_or_none` every item is reserved in full or none is, and `request_id` is the batch's;
    its items carry none. Otherwise an item without one of its own gets `request_id`, a slash and
    its index, so that a batch that got no answer can be repeated by its `request_id` alone.
    """
    own_id = request_id or new_request_id()
    call = unary(
        method_path(_SERVICE, "BatchCheckAndReserve"),
        _batch_message(items, all_or_none, own_id),
        pb.BatchCheckAndReserveResponse,
        batch_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )
    return replace(call, request_id=own_id)


def stream_check_and_reserve(
    *,
    all_or_none: bool = False,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Upload[Sequence[OrderItem], tuple[ReserveResult | ItemError, ...]]:
    """Decides batches of 1 to 1,000 orders, as many as there are; yields the results of each batch.

    Batches are sent ahead of their results, which come in the order of the batches and once each is
    durable. The batch at place n, from 0, is sent as `batch_check_and_reserve` sends one with the
    `request_id` of the stream, a slash and n. A stream that breaks is not repeated by the client:
    send it again under the same `request_id`, and what was decided is answered as before. When the
    iterator of batches raises, those before are answered, then its error is raised.
    """
    own_id = request_id or new_request_id()
    places = count()

    def build(batch: Sequence[OrderItem]) -> bytes:
        message = _batch_message(batch, all_or_none, f"{own_id}/{next(places)}")
        return message.SerializeToString()

    return Upload(
        method_path(_SERVICE, "StreamCheckAndReserve"),
        build,
        parser(pb.BatchCheckAndReserveResponse, batch_results),
        timeout_s,
    )


def _batch_message(
    items: Sequence[OrderItem], all_or_none: bool, own_id: str
) -> pb.BatchCheckAndReserveRequest:
    messages = [
        pb.CheckAndReserveRequest(
            request_id=item.request_id or ("" if all_or_none else f"{own_id}/{index}"),
            account_id=item.account_id,
            order_id=item.order_id,
            amount_minor=item.amount_minor,
            currency=item.currency,
            allow_partial=item.allow_partial,
            channel=item.channel,
            ttl=item.ttl,
            contract_id=item.contract_id,
            terms_id=item.terms_id,
            ship_date=date_text(item.ship_date),
            tax_minor=item.tax_minor,
            freight_minor=item.freight_minor,
            bill_to_account_id=item.bill_to_account_id,
        )
        for index, item in enumerate(items)
    ]
    return pb.BatchCheckAndReserveRequest(
        request_id=own_id if all_or_none else "", all_or_none=all_or_none, items=messages
    )


def confirm(
    *,
    reservation_id: str = "",
    account_id: str = "",
    order_id: str = "",
    timeout_s: float | None = None,
) -> Call[ConfirmResult]:
    """May the goods of an order still leave? Looks at its reservation again; changes nothing.

    Declined where the account was suspended, closed or held since, has lost its limit, or its limit
    has expired. Name the reservation by its id, or by account and order. Raises NotFoundError
    (RESERVATION_NOT_FOUND, ACCOUNT_NOT_FOUND), PreconditionError (NOTHING_OPEN) where nothing of it
    is open any more or its time is over.
    """
    request = pb.ConfirmRequest(
        reservation_id=reservation_id, account_id=account_id, order_id=order_id
    )
    return unary(
        method_path(_SERVICE, "Confirm"),
        request,
        pb.ConfirmResponse,
        confirm_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def get_decision(
    *,
    journal_seq: int = 0,
    item: int = 0,
    reservation_id: str = "",
    account_id: str = "",
    order_id: str = "",
    timeout_s: float | None = None,
) -> Call[PastDecision]:
    """A decision that was made, by its journal entry, its reservation, or its account and order.

    Of an order it is the latest decision among the last 100,000 entries of the journal, else that
    of its latest reservation. `item` is the place in an all-or-none batch, with `journal_seq`.
    Raises NotFoundError (DECISION_NOT_FOUND), and PreconditionError (SEARCH_TOO_LONG) where the
    server has looked for an order for 5 s, whatever `timeout_s`; by its entry or reservation it is
    found at once.
    """
    request = pb.GetDecisionRequest(
        journal_seq=journal_seq,
        item=item,
        reservation_id=reservation_id,
        account_id=account_id,
        order_id=order_id,
    )
    return unary(
        method_path(_SERVICE, "GetDecision"),
        request,
        pb.GetDecisionResponse,
        past_decision,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def watch_reservation(
    account_id: str, order_id: str, *, timeout_s: float | None = None
) -> Watch[OrderState]:
    """What an order holds and how far its case has come: now, then after every change of either.

    The order need not have been asked for yet. A reader slower than the changes gets only the
    newest. The stream has no end of its own; when it breaks (UnavailableError), begin again: it
    starts with the present state.
    """
    return Watch(
        method_path(_SERVICE, "WatchReservation"),
        pb.WatchReservationRequest(account_id=account_id, order_id=order_id).SerializeToString(),
        parser(pb.WatchReservationResponse, order_state),
        timeout_s,
    )


def get_reservation(
    *,
    reservation_id: str = "",
    account_id: str = "",
    order_id: str = "",
    timeout_s: float | None = None,
) -> Call[Reservation]:
    """A reservation by its id, or the latest of an account's order.

    Raises NotFoundError (RESERVATION_NOT_FOUND).
    """
    request = pb.GetReservationRequest(
        reservation_id=reservation_id, account_id=account_id, order_id=order_id
    )
    return unary(
        method_path(_SERVICE, "GetReservation"),
        request,
        pb.GetReservationResponse,
        lambda got: reservation_from(got.reservation),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def list_reservations(
    *,
    account_id: str = "",
    state: ReservationState | None = None,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Reservation]:
    """Every reservation that the filters let through, read page by page as it is needed.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[Reservation]]:
        request = pb.ListReservationsRequest(
            account_id=account_id, state=STATE.write(state), page_size=page_size, page_token=token
        )
        return unary(
            method_path(_SERVICE, "ListReservations"),
            request,
            pb.ListReservationsResponse,
            reservation_page,
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)
