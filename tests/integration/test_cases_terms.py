"""Payment terms: what a capture answers, who may ask for what, and that all of it is durable."""

import subprocess
from datetime import date
from functools import partial
from typing import Any

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.v1 import account_pb2 as accounts_v1
from creditgate.v1 import common_pb2 as common_v1
from creditgate.v1 import decision_pb2 as decision_v1
from creditgate.v1 import terms_pb2 as terms_v1
from tests.conftest import StartServer
from tests.support.api import (
    APPROVED,
    DECLINED,
    REFERRED,
    TIMEOUT_S,
    Api,
    Refused,
    entry,
    refused,
)
from tests.support.server import COMMAND, ServerProcess

DAY_S = 86_400
# A Thursday; the year after it has no February 29th.
TODAY = date(2024, 2, 29)
UPGRADED = common_v1.REASON_CODE_TERMS_UPGRADED
SHORT = common_v1.REASON_CODE_INSUFFICIENT_CREDIT
KEEP = terms_v1.NON_WORKING_DAY_KEEP
NEXT = terms_v1.NON_WORKING_DAY_NEXT


def days_since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def net(days: int) -> terms_v1.DueRule:
    return terms_v1.DueRule(net=terms_v1.NetDays(days=days))


def terms(terms_id: str, *parts: tuple[int, int], **fields: Any) -> terms_v1.Terms:
    """Instalments of shares in basis points, each due so many days after the invoice."""
    instalments = [terms_v1.TermsInstalment(share_bp=bp, due=net(days)) for bp, days in parts]
    return terms_v1.Terms(terms_id=terms_id, instalments=instalments, **fields)


def two_ten_net_thirty(**fields: Any) -> terms_v1.Terms:
    discount = terms_v1.TermsDiscount(rate_bp=200, until=net(10))
    return terms(
        "2/10",
        (10_000, 30),
        discounts=[discount],
        discount_grace_days=2,
        grace_days=5,
        **fields,
    )


def set_calendar(api: Api, *holidays: str) -> None:
    row = terms_v1.Calendar(
        calendar_id="works",
        weekend=[6, 7],
        from_date="2024-01-01",
        until_date="2024-12-31",
        holidays=holidays,
    )
    request = terms_v1.UpsertCalendarsRequest(request_id=f"calendar {holidays}", calendars=[row])
    (result,) = api.terms.UpsertCalendars(request, timeout=TIMEOUT_S).results
    assert not result.HasField("error"), result.error


@pytest.fixture
def manual(start_server: StartServer) -> ServerProcess:
    """A server on TODAY, with account A and a limit of 1,000.00."""
    server = start_server(clock="manual")
    server.api.set_time(days_since_1970(TODAY) * DAY_S)
    server.api.open_account("A", 100_000)
    return server


def test_a_capture_answers_with_its_dates_and_amounts(manual: ServerProcess) -> None:
    api = manual.api
    # The 11th of March falls as if on a holiday, the 30th on a Saturday.
    set_calendar(api, "2024-03-11", "2024-04-01")
    api.set_terms(two_ten_net_thirty(calendar_id="works", non_working_day=NEXT))
    api.assign_terms("2/10", account_id="A")
    api.reserve("A", "O", 50_000)
    shipped = api.capture("A", "O", "I-1", amount_minor=12_345, request_id="ship")
    expected = terms_v1.InvoiceTerms(
        terms_id="2/10",
        source=terms_v1.TERMS_SOURCE_ACCOUNT,
        invoice_date="2024-02-29",
        due_date="2024-04-02",
        overdue_date="2024-04-08",
        instalments=[terms_v1.Instalment(due_date="2024-04-02", amount_minor=12_345)],
        discounts=[
            terms_v1.Discount(
                rate_bp=200,
                discount_date="2024-03-12",
                granted_until="2024-03-14",
                amount_minor=247,
            )
        ],
    )
    assert shipped.terms == expected
    # An invoice of another day; its due date lies behind what the calendar knows.
    shipped = api.capture("A", "O", "I-2", amount_minor=1, invoice_date="2024-12-15")
    assert (shipped.terms.due_date, shipped.terms.beyond_calendar) == ("2025-01-14", True)
    # What was answered is answered again, whatever has become of the terms since.
    api.set_terms(terms("2/10", (10_000, 0)))
    manual.kill()
    again = manual.start().api.capture("A", "O", "I-1", amount_minor=12_345, request_id="ship")
    assert (again.terms, again.result.replayed) == (expected, True)
    # What the ledger has posted has its date, where it names one; else that of its terms.
    api = manual.api
    api.post(entry("e", "A", "invoice", 100, invoice_id="I-3", due_date="2024-05-05"))
    assert not api.capture("A", "O", "I-3", amount_minor=100).HasField("terms")
    api.post(entry("f", "A", "invoice", 100, invoice_id="I-4", issue_date="2024-02-01"))
    billed = api.capture("A", "O", "I-4", amount_minor=100)
    assert (billed.captured_amount_minor, billed.terms.due_date) == (0, "2024-02-01")


def test_an_invoice_is_of_about_now(manual: ServerProcess) -> None:
    api = manual.api
    api.reserve("A", "O", 100)
    far = refused(lambda: api.capture("A", "O", "I", amount_minor=1, invoice_date="2023-02-27"))
    assert (far.reason, far.fields) == ("FIELD_INVALID", ("invoice_date",))


def test_instalments_add_up_to_what_was_captured(manual: ServerProcess) -> None:
    api = manual.api
    api.set_terms(terms("thirds", (3_333, 1), (3_333, 30), (3_334, 366)))
    api.assign_terms("thirds", account_id="A")
    api.reserve("A", "O", 100)
    found = api.capture("A", "O", "I").terms
    parts = [(part.due_date, part.amount_minor) for part in found.instalments]
    assert parts == [("2024-03-01", 33), ("2024-03-30", 33), ("2025-03-01", 34)]
    assert found.due_date == "2025-03-01"


def test_better_terms_than_its_own_are_referred(manual: ServerProcess) -> None:
    api = manual.api
    api.set_terms(terms("net10", (10_000, 10)), terms("net30", (10_000, 30)))
    api.assign_terms("net10", account_id="A")
    today = days_since_1970(TODAY)
    found = api.reserve("A", "O", 100, terms_id="net30", request_id="r")
    assert (found.result.decision, found.reservation_id) == (REFERRED, "")
    (reason,) = found.result.reasons
    assert (reason.code, reason.unit) == (UPGRADED, common_v1.REASON_UNIT_DATE)
    assert (reason.observed, reason.threshold) == (today + 30, today + 10)
    assert api.position("A").reserved_minor == 0
    again = api.reserve("A", "O", 100, terms_id="net30", request_id="r")
    assert (again.result.decision, again.result.replayed) == (REFERRED, True)
    # The same request with other terms is another request.
    assert refused(lambda: api.reserve("A", "O", 100, request_id="r")).reason == "REQUEST_ID_REUSED"
    # A decline beats a referral, and both are named.
    short = api.reserve("A", "O", 100_001, terms_id="net30", allow_partial=True).result
    assert (short.decision, [r.code for r in short.reasons]) == (DECLINED, [SHORT, UPGRADED])
    check = decision_v1.CheckRequest(
        account_id="A", amount_minor=1, currency="USD", terms_id="net30"
    )
    assert api.decisions.Check(check, timeout=TIMEOUT_S).result.decision == REFERRED
    # Of a batch each item is held against its own; of an all-or-none batch none is reserved.
    items = [
        api.order("A", "B1", 100),
        api.order("A", "B2", 100, terms_id="net30"),
        api.order("A", "B3", 100, terms_id="net10"),
    ]
    results = [item.response.result.decision for item in api.batch(items)]
    assert results == [APPROVED, REFERRED, APPROVED]
    all_items = [
        api.order("A", "C1", 100, request_id=""),
        api.order("A", "C2", 100, request_id="", terms_id="net30"),
    ]
    results = [item.response.result.decision for item in api.batch(all_items, all_or_none_id="all")]
    assert results == [DECLINED, REFERRED]
    assert api.position("A").reserved_minor == 200


def test_an_order_is_captured_under_the_terms_of_its_contract(manual: ServerProcess) -> None:
    api = manual.api
    api.set_terms(terms("net10", (10_000, 10)), terms("net30", (10_000, 30)))
    api.assign_terms("net10", account_id="A")
    missing = refused(lambda: api.reserve("A", "O", 100, contract_id="frame"))
    assert missing == Refused(grpc.StatusCode.NOT_FOUND, "CONTRACT_NOT_FOUND", ("contract_id",))
    api.assign_terms("net30", account_id="A", contract_id="frame")
    api.reserve("A", "O", 100, contract_id="frame", terms_id="net10")
    api.reserve("A", "P", 100, contract_id="frame")
    held = api.reservation("A", "O")
    assert (held.contract_id, held.terms_id) == ("frame", "net10")
    assert api.capture("A", "O", "I-1").terms.source == terms_v1.TERMS_SOURCE_ORDER
    # Named terms and what an order named of them are there after a kill, and after a stop.
    manual.kill()
    api = manual.start().api
    shipped = api.capture("A", "P", "I-2", amount_minor=40).terms
    assert (shipped.source, shipped.due_date) == (terms_v1.TERMS_SOURCE_CONTRACT, "2024-03-30")
    assert manual.terminate() == 0
    checked = subprocess.run(
        [COMMAND, "store", "check", "--store", str(manual.store)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    auditor = Auditor(manual.store).advance()
    assert auditor.account("A").captured == 140
    api = manual.start().api
    assert api.capture("A", "P", "I-3", amount_minor=40).terms.due_date == "2024-03-30"
    found = api.terms.GetTermsOf(terms_v1.GetTermsOfRequest(account_id="A", contract_id="frame"))
    assert (found.terms.terms_id, found.source) == ("net30", terms_v1.TERMS_SOURCE_CONTRACT)
    api.assign_terms("", account_id="A", contract_id="frame")
    assert api.capture("A", "P", "I-4").terms.source == terms_v1.TERMS_SOURCE_ACCOUNT


def test_terms_of_a_segment_hold_for_all_its_accounts(api: Api) -> None:
    api.open_account("A", 100_000)
    quote = terms_v1.QuoteTermsRequest(account_id="A", amount_minor=100, invoice_date="2023-12-31")
    found = api.terms.GetTermsOf(terms_v1.GetTermsOfRequest(account_id="A"), timeout=TIMEOUT_S)
    assert not found.HasField("terms")
    assert not api.terms.QuoteTerms(quote, timeout=TIMEOUT_S).HasField("quote")
    api.set_terms(
        terms_v1.Terms(
            terms_id="eom",
            instalments=[
                terms_v1.TermsInstalment(
                    share_bp=10_000,
                    due=terms_v1.DueRule(end_of_month=terms_v1.EndOfMonth(months=2)),
                )
            ],
        )
    )
    set_segment(api)
    api.assign_terms("eom", segment_id="retail")
    api.open_account("A", segment_id="retail")
    answer = api.terms.QuoteTerms(quote, timeout=TIMEOUT_S).quote
    assert (answer.source, answer.due_date) == (terms_v1.TERMS_SOURCE_SEGMENT, "2024-02-29")
    by_name = terms_v1.QuoteTermsRequest(terms_id="eom", amount_minor=1, invoice_date="2024-12-31")
    assert api.terms.QuoteTerms(by_name, timeout=TIMEOUT_S).quote.due_date == "2025-02-28"


def set_segment(api: Api) -> None:
    row = accounts_v1.Segment(
        segment_id="retail",
        currency="USD",
        default_limit=common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_UNLIMITED),
    )
    api.accounts.UpsertSegments(
        accounts_v1.UpsertSegmentsRequest(request_id="segment", segments=[row]), timeout=TIMEOUT_S
    )


def test_lists_are_read_page_by_page(api: Api) -> None:
    names = [f"T{number}" for number in range(5)]
    api.set_terms(*(terms(name, (10_000, 1), non_working_day=KEEP) for name in names))
    found, token = [], ""
    while True:
        request = terms_v1.ListTermsRequest(page_size=2, page_token=token)
        page = api.terms.ListTerms(request, timeout=TIMEOUT_S)
        assert len(page.terms) <= 2
        found += [row.terms_id for row in page.terms]
        token = page.next_page_token
        if not token:
            break
    assert found == names
    assert not api.terms.ListCalendars(terms_v1.ListCalendarsRequest()).calendars


def test_whose_terms_are_which_is_read_page_by_page(api: Api) -> None:
    api.open_account("A", 100_000)
    set_segment(api)
    api.set_terms(terms("T", (10_000, 1), non_working_day=KEEP))
    contracts = [{"account_id": "A", "contract_id": name} for name in ("a:1", "b")]
    whose = [{"segment_id": "retail"}, {"account_id": "A"}, *contracts]
    for one in reversed(whose):
        api.assign_terms("T", **one)
    token = ""
    for one in whose:
        request = terms_v1.ListTermsAssignmentsRequest(page_size=1, page_token=token)
        page = api.terms.ListTermsAssignments(request, timeout=TIMEOUT_S)
        assert list(page.assignments) == [terms_v1.TermsAssignment(terms_id="T", **one)]
        token = page.next_page_token
        # What a page ended with need not be there any more.
        api.assign_terms("", **one)
    assert token == ""
    for wrong in ("1", "s", "ax", "c1", "c1:", "c1:" + 65 * "x"):
        request = terms_v1.ListTermsAssignmentsRequest(page_token=wrong)
        refusal = refused(partial(api.terms.ListTermsAssignments, request, timeout=TIMEOUT_S))
        assert refusal == Refused(
            grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", ("page_token",)
        )


def test_a_row_that_is_wrong_is_refused_alone(api: Api) -> None:
    rows = [
        terms("good", (10_000, 1)),
        terms("bad", (5_000, 1), (4_999, 2)),
        terms("rolls", (10_000, 1), non_working_day=NEXT),
        terms("works", (10_000, 1), calendar_id="unknown", non_working_day=NEXT),
    ]
    request = terms_v1.UpsertTermsRequest(request_id="r", terms=rows)
    results = api.terms.UpsertTerms(request, timeout=TIMEOUT_S).results
    errors = [(result.error.reason, result.error.field) for result in results]
    assert errors == [
        ("", ""),
        ("FIELD_INVALID", "instalments"),
        ("FIELD_INVALID", "non_working_day"),
        ("CALENDAR_NOT_FOUND", "calendar_id"),
    ]
    assert [row.terms_id for row in api.terms.ListTerms(terms_v1.ListTermsRequest()).terms] == [
        "good"
    ]
    api.open_account("A", 100)
    unknown = refused(lambda: api.reserve("A", "O", 1, terms_id="bad"))
    assert unknown == Refused(grpc.StatusCode.NOT_FOUND, "TERMS_NOT_FOUND", ("terms_id",))
    for day in ("2024-02-30", "1969-12-31", "9999-01-01", "today"):
        capture = partial(api.capture, "A", "O", "I", invoice_date=day)
        assert refused(capture).fields == ("invoice_date",)
