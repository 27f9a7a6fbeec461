"""TermsService: its calls."""

from collections.abc import Sequence
from datetime import date

from creditgate.client._account_results import UpsertResult, upsert_results
from creditgate.client._terms_results import (
    Calendar,
    InvoiceTerms,
    Terms,
    TermsAssignment,
    TermsOf,
    assignment_message,
    assignment_page,
    calendar_message,
    calendar_page,
    quote_result,
    terms_message,
    terms_of_result,
    terms_page,
)
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    date_text,
    method_path,
    new_request_id,
    unary,
)
from creditgate.v1 import terms_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["TermsService"]


def upsert_terms(
    terms: Sequence[Terms],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Creates 1 to 1,000 named terms, or sets all of them anew; one result for each, in order.

    Captures from then on go by what is set; due dates that were answered stay. Rows stand alone.
    """
    rows = [terms_message(row) for row in terms]
    return unary(
        method_path(_SERVICE, "UpsertTerms"),
        pb.UpsertTermsRequest(
            request_id=request_id or new_request_id(), terms=rows, channel=channel
        ),
        pb.UpsertTermsResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def upsert_calendars(
    calendars: Sequence[Calendar],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Creates 1 to 1,000 calendars, or sets all of them anew; one result for each, in order.

    A calendar is sent with all its years. Rows stand alone.
    """
    rows = [calendar_message(row) for row in calendars]
    return unary(
        method_path(_SERVICE, "UpsertCalendars"),
        pb.UpsertCalendarsRequest(
            request_id=request_id or new_request_id(), calendars=rows, channel=channel
        ),
        pb.UpsertCalendarsResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def assign_terms(
    assignments: Sequence[TermsAssignment],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Assigns terms to contracts, accounts and segments, or takes them away.

    1 to 1,000 rows, which stand alone; one result for each, in their order. The most particular
    assignment holds: the contract's, else the account's, else the segment's.
    """
    rows = [assignment_message(row) for row in assignments]
    return unary(
        method_path(_SERVICE, "AssignTerms"),
        pb.AssignTermsRequest(
            request_id=request_id or new_request_id(), assignments=rows, channel=channel
        ),
        pb.AssignTermsResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def list_terms(*, page_size: int = 0, timeout_s: float | None = None) -> Listing[Terms]:
    """All named terms, oldest first, read page by page as they are needed.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[Terms]]:
        return unary(
            method_path(_SERVICE, "ListTerms"),
            pb.ListTermsRequest(page_size=page_size, page_token=token),
            pb.ListTermsResponse,
            terms_page,
            lane=Lane.DECISION,
            timeout_s=timeout_s,
        )

    return Listing(page)


def list_terms_assignments(
    *, page_size: int = 0, timeout_s: float | None = None
) -> Listing[TermsAssignment]:
    """Whose terms are which: of segments, then of accounts, then of contracts.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[TermsAssignment]]:
        return unary(
            method_path(_SERVICE, "ListTermsAssignments"),
            pb.ListTermsAssignmentsRequest(page_size=page_size, page_token=token),
            pb.ListTermsAssignmentsResponse,
            assignment_page,
            lane=Lane.DECISION,
            timeout_s=timeout_s,
        )

    return Listing(page)


def list_calendars(*, page_size: int = 0, timeout_s: float | None = None) -> Listing[Calendar]:
    """All calendars, oldest first, read page by page as they are needed.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[Calendar]]:
        return unary(
            method_path(_SERVICE, "ListCalendars"),
            pb.ListCalendarsRequest(page_size=page_size, page_token=token),
            pb.ListCalendarsResponse,
            calendar_page,
            lane=Lane.DECISION,
            timeout_s=timeout_s,
        )

    return Listing(page)


def get_terms_of(
    account_id: str, *, contract_id: str = "", timeout_s: float | None = None
) -> Call[TermsOf]:
    """Which terms hold for an account, or for its orders that name a contract.

    Raises NotFoundError (ACCOUNT_NOT_FOUND; CONTRACT_NOT_FOUND where the contract has none).
    """
    return unary(
        method_path(_SERVICE, "GetTermsOf"),
        pb.GetTermsOfRequest(account_id=account_id, contract_id=contract_id),
        pb.GetTermsOfResponse,
        terms_of_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def quote_terms(
    amount_minor: int,
    *,
    terms_id: str = "",
    account_id: str = "",
    contract_id: str = "",
    invoice_date: date | None = None,
    timeout_s: float | None = None,
) -> Call[InvoiceTerms | None]:
    """The dates and amounts of an invoice that need not exist, in the minor units of its amount.

    Name terms, or whose terms: an account's, or those of one of its contracts; None where these
    have none. `invoice_date` None is the server's today, in UTC.
    """
    return unary(
        method_path(_SERVICE, "QuoteTerms"),
        pb.QuoteTermsRequest(
            terms_id=terms_id,
            account_id=account_id,
            contract_id=contract_id,
            amount_minor=amount_minor,
            invoice_date=date_text(invoice_date),
        ),
        pb.QuoteTermsResponse,
        quote_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )
