"""RateService: its calls."""

from collections.abc import Sequence

from creditgate.client._account_results import UpsertResult, upsert_results
from creditgate.client._rates_results import (
    ExchangeRate,
    RevalueResult,
    rate_message,
    rate_page,
    revalue_result,
)
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    method_path,
    new_request_id,
    unary,
)
from creditgate.v1 import rates_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["RateService"]


def upsert_rates(
    rates: Sequence[ExchangeRate],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Sets 1 to 1,000 rates of pairs of currencies; one result for each, in their order.

    A rate that is older than the one that is known is UNCHANGED. Open orders keep the rate that
    they were decided by, until `revalue_reservations`. Rows stand alone.
    """
    rows = [rate_message(row) for row in rates]
    return unary(
        method_path(_SERVICE, "UpsertRates"),
        pb.UpsertRatesRequest(
            request_id=request_id or new_request_id(), rates=rows, channel=channel
        ),
        pb.UpsertRatesResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def list_rates(*, page_size: int = 0, timeout_s: float | None = None) -> Listing[ExchangeRate]:
    """The latest rate of each pair, in order of currencies, read page by page as it is needed.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[ExchangeRate]]:
        return unary(
            method_path(_SERVICE, "ListRates"),
            pb.ListRatesRequest(page_size=page_size, page_token=token),
            pb.ListRatesResponse,
            rate_page,
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def revalue_reservations(
    *,
    page_token: str = "",
    channel: str = "",
    reason: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[RevalueResult]:
    """Values up to 1,000 open orders in other currencies at the rates of today.

    Call again with the `next_page_token` of the result until that is empty. What accounts owe
    changes with it, also beyond a limit.
    """
    return unary(
        method_path(_SERVICE, "RevalueReservations"),
        pb.RevalueReservationsRequest(
            request_id=request_id or new_request_id(),
            page_token=page_token,
            channel=channel,
            reason=reason,
        ),
        pb.RevalueReservationsResponse,
        revalue_result,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )
