"""Sample data for the demo: a made-up wholesaler's accounts, open items and one day of orders.

The same seed gives the same files. Activity is skewed as in trade: a few accounts place most of the
orders, and some have less credit than their day needs.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from demo.events import ORDER_COLUMNS

SEED = 20_240_607
DAY = date(2024, 6, 7)
ACCOUNTS = 160
ORDERS = 2_400

_CURRENCIES = (("EUR", 2, 1), ("USD", 2, 1), ("GBP", 2, 1), ("JPY", 0, 150))
_CURRENCY_WEIGHTS = (60, 22, 10, 8)
_CHANNELS = ("web", "edi", "phone", "pos")
_CHANNEL_WEIGHTS = (45, 30, 15, 10)
_TOWNS = ("Aalen", "Brno", "Cork", "Delft", "Eger", "Faro", "Graz", "Hull", "Ivrea", "Jena", "Kobe",
          "Lyon", "Malmö", "Nîmes", "Oulu", "Porto", "Reims", "Siena", "Turku", "Ulm")  # fmt: skip
_TRADES = ("Bakery", "Bistro", "Builders", "Cycles", "Dairy", "Florist", "Garage", "Hotel",
           "Kitchens", "Pharmacy", "Print", "Tools")  # fmt: skip
_SHIFT_S = (7 * 3_600, 19 * 3_600)
_DAY_END_S = 22 * 3_600 - 1


@dataclass
class _Account:
    """One customer. `scale` turns an amount of about a euro into its currency's minor units."""

    account_id: str
    currency: str
    decimals: int
    scale: int
    weight: float
    opening: list[tuple[str, int]] = field(default_factory=list)
    ordered_minor: int = 0

    def text(self, minor: int) -> str:
        """The amount as it stands in a file."""
        return f"{Decimal(minor).scaleb(-self.decimals):f}"


@dataclass(order=True)
class _Event:
    """One line of orders.csv, still to be sorted into the day."""

    second: int
    number: int
    cells: dict[str, str] = field(compare=False)


def write(folder: Path, seed: int = SEED) -> None:
    """Writes the files of the demo into `folder`."""
    rng = random.Random(seed)
    accounts = [_account(rng, number) for number in range(ACCOUNTS)]
    for account in accounts:
        account.opening = list(_opening_items(rng, account))
    events = sorted(_day(rng, accounts))
    _write(
        folder / "segments.csv",
        [
            {"segment_id": "corner-shops", "currency": code, "limit_kind": "amount",
             "limit_amount": str(4_000 * scale)}
            for code, _, scale in _CURRENCIES
        ],
    )  # fmt: skip
    rows = [_account_row(rng, number, a) for number, a in enumerate(accounts)]
    _write(folder / "accounts.csv", [*_chain_rows(accounts), *rows])
    _write(
        folder / "terms.csv",
        [
            {"terms_id": "2/10 net 30", "due": "net 30", "discounts": "2/10", "grace_days": "5"},
            {"terms_id": "end of month", "due": "eom 10", "discounts": "", "grace_days": ""},
        ],
    )
    # The chains' shops have terms of their own account, corner shops those of their segment.
    assigned = [{"terms_id": "2/10 net 30", "segment_id": "corner-shops", "account_id": ""}]
    assigned += [
        {"terms_id": "end of month", "segment_id": "", "account_id": account.account_id}
        for number, account in enumerate(accounts)
        if _in_chain(number)
    ]
    _write(folder / "assignments.csv", assigned)
    _write(folder / "entries.csv", list(_entry_rows(rng, accounts)))
    _write(folder / "orders.csv", [_order_row(event) for event in events])


def _account(rng: random.Random, number: int) -> _Account:
    currency, decimals, scale = rng.choices(_CURRENCIES, _CURRENCY_WEIGHTS)[0]
    # By rank, as in Zipf's law: the tenth account orders a tenth of what the first does.
    weight = 1 / (number + 4)
    return _Account(f"C{1001 + number}", currency, decimals, scale * 10**decimals, weight)


def _opening_items(rng: random.Random, account: _Account) -> Iterator[tuple[str, int]]:
    for number in range(rng.choice((0, 1, 2, 3, 5, 8))):
        yield f"INV-{account.account_id}-{number + 1}", _amount(rng, account, 900)


def _amount(rng: random.Random, account: _Account, typical: int) -> int:
    """Around `typical` euros' worth, rarely several times that, in minor units, with odd cents."""
    return max(1, round(rng.lognormvariate(0, 0.9) * typical * account.scale))


def _account_row(rng: random.Random, number: int, account: _Account) -> dict[str, str]:
    row = {
        "account_id": account.account_id,
        "display_name": f"{rng.choice(_TRADES)} {rng.choice(_TOWNS)}",
        "currency": account.currency,
        "parent_account_id": _chain_id(account.currency) if _in_chain(number) else "",
        "segment_id": "", "limit_kind": "amount", "limit_amount": "", "limit_valid_until": "",
        "max_order_amount": "", "shared_limit_kind": "", "shared_limit_amount": "",
    }  # fmt: skip
    special = number % 20
    if special == 14:
        row["limit_kind"] = "no_credit"
    elif special == 7:
        row["limit_kind"] = "unlimited"
    elif special in (11, 12, 13):
        row |= {"limit_kind": "inherit", "segment_id": "corner-shops"}
    else:
        row["limit_amount"] = account.text(_limit_minor(rng, account))
        if special == 17:
            row["limit_valid_until"] = "2024-05-31"
        if special in (1, 15):
            row["max_order_amount"] = account.text(1_200 * account.scale)
    return row


def _in_chain(number: int) -> bool:
    return number % 20 in (3, 9, 16)


def _chain_id(currency: str) -> str:
    return f"CHAIN-{currency}"


def _chain_rows(accounts: Sequence[_Account]) -> Iterator[dict[str, str]]:
    """A chain of shops in each currency, which share what they owe and a fifth of their day."""
    for currency, decimals, _ in _CURRENCIES:
        shops = [a for number, a in enumerate(accounts) if _in_chain(number)]
        shops = [shop for shop in shops if shop.currency == currency]
        owed = sum(amount for shop in shops for _, amount in shop.opening)
        shared = owed + sum(shop.ordered_minor for shop in shops) // 5
        yield {
            "account_id": _chain_id(currency),
            "display_name": f"Corner Shops {currency}",
            "currency": currency,
            "limit_kind": "no_credit",
            "shared_limit_kind": "amount",
            "shared_limit_amount": f"{Decimal(shared).scaleb(-decimals):f}",
        }


def _limit_minor(rng: random.Random, account: _Account) -> int:
    """What is owed already, and between half of the day's orders and several times as much."""
    owed = sum(amount for _, amount in account.opening)
    room = round((account.ordered_minor + 500 * account.scale) * rng.choice((0.5, 0.8, 1.2, 2, 4)))
    step = 100 * account.scale
    return (owed + room) // step * step + step


def _entry_rows(rng: random.Random, accounts: Sequence[_Account]) -> Iterator[dict[str, str]]:
    position = count(1)
    for account in accounts:
        for invoice_id, amount in account.opening:
            issued = DAY - timedelta(days=rng.randrange(3, 75))
            yield {
                "entry_id": f"OPEN-{invoice_id}",
                "account_id": account.account_id,
                "kind": "opening_balance",
                "amount": account.text(amount),
                "currency": account.currency,
                "invoice_id": invoice_id,
                "issue_date": issued.isoformat(),
                "due_date": (issued + timedelta(days=30)).isoformat(),
                "position": str(next(position)),
            }


def _day(rng: random.Random, accounts: Sequence[_Account]) -> Iterator[_Event]:
    numbers = count()
    weights = [account.weight for account in accounts]
    for order in range(ORDERS):
        account = rng.choices(accounts, weights)[0]
        for second, cells in _order_story(rng, account, f"O-{order + 1:05}"):
            base = {"account_id": account.account_id, "currency": account.currency}
            yield _Event(second, next(numbers), base | cells)
    for account in accounts:
        for invoice_id, amount in account.opening:
            if rng.random() < 0.35:
                cells = {
                    "channel": "ledger", "action": "payment", "account_id": account.account_id,
                    "currency": account.currency, "amount": account.text(amount),
                    "invoice_id": invoice_id,
                }  # fmt: skip
                yield _Event(rng.randrange(*_SHIFT_S), next(numbers), cells)
    for account in accounts[9::35]:
        suspended = rng.randrange(9 * 3_600, 12 * 3_600)
        hold = {"channel": "desk", "account_id": account.account_id, "currency": account.currency}
        yield _Event(suspended, next(numbers), hold | {"action": "suspend"})
        if rng.random() < 0.5:
            yield _Event(suspended + 3 * 3_600, next(numbers), hold | {"action": "reinstate"})


def _order_story(
    rng: random.Random, account: _Account, order_id: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """What happens to one order in the day, in order of time: (second of the day, cells)."""
    channel = rng.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0]
    second = round(rng.triangular(*_SHIFT_S, 10.5 * 3_600))
    total = _amount(rng, account, 260)
    account.ordered_minor += total
    base = {"channel": channel, "order_id": order_id}
    partial = "yes" if channel == "edi" and rng.random() < 0.5 else "no"
    yield second, base | {
        "action": "order", "amount": account.text(total), "allow_partial": partial,
    }  # fmt: skip
    later = _later(rng, second)
    if rng.random() < 0.16:
        total = max(1, round(total * rng.choice((0.5, 0.8, 1.1, 1.4, 2.5))))
        yield next(later), base | {"action": "change", "amount": account.text(total)}
    fate = rng.random()
    if fate < 0.1:
        yield next(later), base | {"action": "cancel"}
    elif fate < 0.7:
        yield from _shipments(rng, account, base, total, later)


def _shipments(
    rng: random.Random,
    account: _Account,
    base: dict[str, str],
    total: int,
    later: Iterator[int],
) -> Iterator[tuple[int, dict[str, str]]]:
    parts = rng.choice((1, 1, 2, 3)) if total > 2 else 1
    shares = [total // parts] * (parts - 1)
    shares.append(total - sum(shares))
    for number, share in enumerate(shares, 1):
        last = number == parts
        invoice = {"invoice_id": f"{base['order_id']}/{number}"}
        # The last shipment names no amount: all that is open, however much was approved.
        amount = {"amount": "" if last else account.text(share)}
        yield next(later), base | invoice | amount | {"action": "ship", "channel": "warehouse"}
        if not last and rng.random() < 0.4:
            billed = base | invoice | {"action": "invoice", "amount": account.text(share)}
            yield next(later), billed | {"channel": "ledger"}
        if not last and rng.random() < 0.15:
            yield next(later), base | {"action": "cancel"}
            return


def _later(rng: random.Random, second: int) -> Iterator[int]:
    while True:
        second = min(second + rng.randrange(120, 7_200), _DAY_END_S)
        yield second


def _order_row(event: _Event) -> dict[str, str]:
    hours, rest = divmod(event.second, 3_600)
    time = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return dict.fromkeys(ORDER_COLUMNS, "") | event.cells | {"time": time}


def _write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
