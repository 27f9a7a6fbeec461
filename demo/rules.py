"""For each common rule one order that it refuses, on a server of its own whose clock is moved."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    ClientOptions,
    CreditLimit,
    Decision,
    EntryKind,
    EntryResult,
    ExchangeRate,
    HoldKind,
    LedgerEntry,
    NetDays,
    Reason,
    ReasonCode,
    ReasonUnit,
    ReserveResult,
    Segment,
    Terms,
    TermsAssignment,
    TermsInstalment,
    UpsertResult,
    Verification,
    VerificationRecord,
    money,
)
from demo.errors import DemoError
from demo.serving import Server

POLICY = Path(__file__).with_name("policy.toml")

_USD = "USD"
_SOURCE = "erp"
_OPENED = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When accounts are opened: long enough before the orders that averages are known by then."""
_ASKED = _OPENED + timedelta(days=3)
_TODAY = _ASKED.date()
_LIMIT = CreditLimit.of(1_000_00)


@dataclass(frozen=True)
class _Order:
    """An order that a rule refuses, and its account as the rule needs it."""

    rule: str
    code: ReasonCode
    account_id: str
    amount_minor: int
    helps: str = ""
    """What would cure it where the server names no amount, invoice or day."""
    decision: Decision = Decision.DECLINED
    limit: CreditLimit = _LIMIT
    segment: str = ""
    parent: str = ""
    max_order_minor: int = 0
    owed_minor: int = 0
    """On one invoice, `invoice_days` old and due `due_days` from today."""
    invoice_days: int = 40
    due_days: int = 15
    before_minor: tuple[int, ...] = ()
    """Orders that are approved before this one."""
    terms_id: str = ""
    currency: str = _USD
    """Accounts are in dollars."""


_ORDERS = (
    _Order("account-suspended", ReasonCode.ACCOUNT_SUSPENDED, "stopped", 100_00, "to reinstate it"),
    _Order("fraud-suspension", ReasonCode.FRAUD_SUSPENSION, "fraud", 100_00, "to lift the hold"),
    _Order(
        "bureau-suspension", ReasonCode.BUREAU_SUSPENSION, "bureau", 100_00,
        "its end, or to lift the hold",
    ),
    _Order("account-on-hold", ReasonCode.ACCOUNT_ON_HOLD, "held", 100_00, "to lift the hold"),
    _Order(
        "no-credit-limit", ReasonCode.NO_CREDIT_LIMIT, "cash", 100_00, "a limit",
        limit=CreditLimit.no_credit(),
    ),
    _Order(
        "limit-expired", ReasonCode.LIMIT_EXPIRED, "expired", 100_00, "a new limit",
        limit=CreditLimit.of(1_000_00, valid_until=_TODAY - timedelta(days=5)),
    ),
    _Order(
        "account-maximum-order", ReasonCode.MAX_ORDER_AMOUNT_EXCEEDED, "small", 600_00,
        max_order_minor=500_00,
    ),
    _Order(
        "insufficient-credit", ReasonCode.INSUFFICIENT_CREDIT, "full", 400_00, owed_minor=800_00,
    ),
    _Order(
        "rolling-average", ReasonCode.ROLLING_AVERAGE_EXCEEDED, "peaking", 100_00,
        "to pay, and time",
    ),
    _Order("shared-limit", ReasonCode.SHARED_LIMIT_EXCEEDED, "shop", 400_00, parent="chain"),
    _Order("segment-cap", ReasonCode.SEGMENT_CAP_EXCEEDED, "stall", 400_00, segment="market"),
    _Order(
        "terms-upgraded", ReasonCode.TERMS_UPGRADED, "net-30", 100_00, "its own terms",
        Decision.REFERRED, terms_id="net 60",
    ),
    _Order(
        "rate, unavailable", ReasonCode.FX_RATE_UNAVAILABLE, "abroad", 100_00, "to load a rate",
        currency="GBP",
    ),
    _Order(
        "rate, stale", ReasonCode.FX_RATE_STALE, "overseas", 100_00, "to load a newer rate",
        currency="EUR",
    ),
    _Order(
        "maximum-order", ReasonCode.ORDER_AMOUNT_EXCEEDED, "large", 5_500_00,
        limit=CreditLimit.of(20_000_00),
    ),
    _Order(
        "utilisation, high-risk", ReasonCode.UTILISATION_REACHED, "risky", 910_00,
        decision=Decision.REFERRED, segment="trade",
    ),
    _Order(
        "utilisation, block", ReasonCode.UTILISATION_REACHED, "used-up", 300_00,
        segment="trade", owed_minor=700_00,
    ),
    _Order(
        "minimum-score", ReasonCode.SCORE_TOO_LOW, "unsound", 100_00, "a better verification",
        Decision.REFERRED, segment="online",
    ),
    _Order(
        "first-order", ReasonCode.FIRST_ORDER, "newcomer", 1_500_00, "a smaller one, shipped first",
        Decision.REFERRED, limit=CreditLimit.of(5_000_00), segment="new",
    ),
    _Order(
        "overdue-days", ReasonCode.OVERDUE_DAYS, "late", 100_00,
        limit=CreditLimit.of(5_000_00), owed_minor=300_00, due_days=-20,
    ),
    _Order(
        "overdue-amount", ReasonCode.OVERDUE_AMOUNT, "in-debt", 100_00,
        decision=Decision.REFERRED, limit=CreditLimit.of(20_000_00), owed_minor=2_500_00,
        due_days=-5,
    ),
    _Order(
        "overdue-share", ReasonCode.OVERDUE_SHARE, "behind", 100_00,
        decision=Decision.REFERRED, owed_minor=300_00, due_days=-5,
    ),
    _Order(
        "oldest-item", ReasonCode.OLDEST_ITEM, "disputed", 100_00,
        owed_minor=200_00, invoice_days=150,
    ),
    _Order(
        "velocity, orders", ReasonCode.VELOCITY_COUNT, "hasty", 10_00, "time",
        before_minor=(10_00, 10_00, 10_00),
    ),
    _Order(
        "velocity, amount", ReasonCode.VELOCITY_AMOUNT, "greedy", 4_000_00,
        limit=CreditLimit.of(20_000_00), before_minor=(4_500_00,),
    ),
)  # fmt: skip

_SILENT = _Order("stale-ledger", ReasonCode.LEDGER_STALE, "unheard", 300_00, "the ledger's word")


async def play(console: Console, folder: Path, policy: str) -> None:
    """Shows each order with what became of it under a policy of this text.

    Raises DemoError, also where one was not refused by its rule and no other, and CallError.
    """
    server = Server(folder, "--clock", "manual")
    try:
        await server.start()

        def by(actor: str) -> AsyncClient:
            return AsyncClient(server.address, ClientOptions(actor=actor, decision_timeout_s=10.0))

        async with by("anna") as anna, by("bert") as bert:
            await anna.set_time(_OPENED)
            await _open(anna)
            put = await anna.put_policy(policy, "every common rule")
            await bert.activate_policy(put.version, "read and compared")
            await anna.set_time(_ASKED)
            # Nothing has come from the ledger since the accounts were opened.
            unheard = await _ask(anna, _SILENT)
            await _post(anna, [order for order in _ORDERS if order.owed_minor])
            answers = await asyncio.gather(*(_ask(anna, order) for order in _ORDERS))
    finally:
        await server.stop()
    orders, answers = [*_ORDERS, _SILENT], [*answers, unheard]
    console.print(_table(orders, answers))
    console.print("  from a day on: if each invoice is paid on its due day", style="dim")
    _hold_to_rules(orders, answers)


async def _open(client: AsyncClient) -> None:
    """All that the rules need but what the ledger tells, and that of the averaged account."""
    caps = {"market": 300_00, "new": 50_000_00, "online": 50_000_00, "trade": 50_000_00}
    segments = [
        Segment(segment_id=name, currency=_USD, cap=CreditLimit.of(cap_minor))
        for name, cap_minor in caps.items()
    ]
    chain = AccountUpsert(
        account_id="chain", currency=_USD, limit=CreditLimit.no_credit(),
        shared_limit=CreditLimit.of(300_00),
    )  # fmt: skip
    terms = [
        Terms(terms_id=f"net {days}", instalments=[TermsInstalment(NetDays(days))])
        for days in (30, 60)
    ]
    score = Verification(reference="D-1", source="bureau", date=_OPENED.date(), score=30)
    _taken(await client.upsert_segments(segments))
    _taken(await client.upsert_accounts([chain, *map(_account, (_SILENT, *_ORDERS))]))
    _taken(await client.upsert_terms(terms))
    _taken(await client.assign_terms([TermsAssignment(terms_id="net 30", account_id="net-30")]))
    _taken(
        await client.record_verifications(
            [VerificationRecord(account_id="unsound", verification=score)]
        )
    )
    euro = ExchangeRate(base_currency="EUR", currency=_USD, rate=Decimal("1.08"), source="bank")
    _taken(await client.upsert_rates([euro]))
    await client.suspend_account("stopped", "three reminders")
    await client.place_hold("fraud", "F-1", "a stolen card", kind=HoldKind.FRAUD)
    await client.place_hold(
        "bureau", "B-1", "insolvency filed", kind=HoldKind.BUREAU, source="bureau",
        expire_time=_ASKED + timedelta(days=90),
    )  # fmt: skip
    await client.place_hold("held", "H-1", "a dispute")
    await client.set_rolling_limit("peaking", 5_000_00, 1, "pays every day")
    owed = _invoice("peaking", 1_500_00, _OPENED.date(), _TODAY + timedelta(days=30))
    _taken(await client.post_entries(_SOURCE, [owed]))


def _account(order: _Order) -> AccountUpsert:
    return AccountUpsert(
        account_id=order.account_id,
        currency=_USD,
        limit=order.limit,
        segment_id=order.segment,
        parent_account_id=order.parent,
        max_order_amount_minor=order.max_order_minor,
    )


async def _post(client: AsyncClient, orders: Iterable[_Order]) -> None:
    entries = [
        _invoice(
            order.account_id,
            order.owed_minor,
            _TODAY - timedelta(days=order.invoice_days),
            _TODAY + timedelta(days=order.due_days),
        )
        for order in orders
    ]
    _taken(await client.post_entries(_SOURCE, entries))


def _invoice(account_id: str, amount_minor: int, issued: date, due: date) -> LedgerEntry:
    return LedgerEntry(
        entry_id=f"E-{account_id}",
        account_id=account_id,
        kind=EntryKind.INVOICE,
        amount_minor=amount_minor,
        currency=_USD,
        invoice_id=f"I-{account_id}",
        issue_date=issued,
        due_date=due,
    )


def _taken(results: Sequence[UpsertResult | EntryResult]) -> None:
    refused = [result.error for result in results if result.error is not None]
    if refused:
        raise DemoError(f"what the rules need was refused: {refused[0].message}")


async def _ask(client: AsyncClient, order: _Order) -> ReserveResult:
    for number, amount_minor in enumerate(order.before_minor):
        await client.check_and_reserve(order.account_id, f"B-{number}", amount_minor, _USD)
    return await client.check_and_reserve(
        order.account_id, "O", order.amount_minor, order.currency, terms_id=order.terms_id
    )


def _table(orders: Sequence[_Order], answers: Sequence[ReserveResult]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for name in ("rule\nreason", "account\norder", "decision", "observed\nthreshold"):
        table.add_column(name, no_wrap=True)
    table.add_column("what would cure it")
    for order, answer in zip(orders, answers, strict=True):
        styles = {Decision.REFERRED: "magenta", Decision.DECLINED: "red"}
        reason = next((one for one in answer.reasons if one.code is order.code), Reason(order.code))
        observed, threshold = (
            _measure(reason, value) for value in (reason.observed, reason.threshold)
        )
        table.add_row(
            f"{order.rule}\n[dim]{reason.code}[/]",
            f"{order.account_id}\n[dim]{_ordered(order)}[/]",
            f"[{styles.get(answer.decision, 'bold red')}]{answer.decision}[/]",
            f"{reason.hold_id or observed}\n[dim]{threshold}[/]",
            _cure(order, answer),
        )
    return table


def _measure(reason: Reason, value: int | date | None) -> str:
    if isinstance(value, int) and reason.unit is not None:
        if reason.unit is ReasonUnit.MINOR:
            return _amount(value)
        return f"{value} {'%' if reason.unit is ReasonUnit.PERCENT else reason.unit.lower()}"
    return "" if value is None else str(value)


def _ordered(order: _Order) -> str:
    if order.currency == _USD:
        return _amount(order.amount_minor)
    return f"{money.format(order.amount_minor, order.currency, group=True)} {order.currency}"


def _amount(amount_minor: int) -> str:
    return money.format(amount_minor, _USD, group=True)


def _cure(order: _Order, answer: ReserveResult) -> str:
    """By the server; where it names nothing, what a person would do."""
    said = []
    if answer.fitting_amount_minor:
        said.append(f"{_amount(answer.fitting_amount_minor)} fits now")
    if answer.cure and answer.cure.fits_from:
        said.append(f"from {answer.cure.fits_from} on")
    if answer.cure and answer.cure.invoice_id:
        said.append(f"to pay {answer.cure.invoice_id}, {_amount(answer.cure.open_minor)}")
    return "; ".join(said) or order.helps


def _hold_to_rules(orders: Sequence[_Order], answers: Sequence[ReserveResult]) -> None:
    """Each order violates the rule that it is there for, and no other, and ends as that says."""
    wrong = [
        f"{order.rule}: {answer.decision} {', '.join(r.code for r in answer.reasons)}".rstrip()
        for order, answer in zip(orders, answers, strict=True)
        if (answer.decision, [r.code for r in answer.reasons]) != (order.decision, [order.code])
    ]
    if wrong:
        raise DemoError(
            "\n".join(["orders were not refused by the rules that they are for:", *wrong])
        )
