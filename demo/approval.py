"""One order that a policy leaves to a person, signed and reserved."""

from rich.console import Console
from rich.text import Text

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    ClientOptions,
    CreditLimit,
    Decision,
    ItemError,
)
from demo.errors import DemoError

POLICY = """\
[all.insufficient-credit]
outcome = "refer"

[approvals]
[[approvals.bands]]
up_to = "5000.00 USD"
roles = ["credit_analyst", "finance"]
"""

ACCOUNT = "demo-approval"
ORDER = "DEMO-1"
LIMIT_MINOR = 1_000_00
AMOUNT_MINOR = 1_500_00


async def play(console: Console, address: str) -> None:
    """Refers an order, has it signed, and asks for it again. Raises DemoError, CallError."""

    def by(actor: str) -> AsyncClient:
        return AsyncClient(address, ClientOptions(actor=actor, decision_timeout_s=10.0))

    async with by("anna") as anna, by("bert") as bert, by("shop") as shop, by("carla") as carla:
        row = AccountUpsert(account_id=ACCOUNT, currency="USD", limit=CreditLimit.of(LIMIT_MINOR))
        (opened,) = await anna.upsert_accounts([row])
        if isinstance(opened, ItemError):
            raise DemoError(f"the account {ACCOUNT} was refused: {opened.message}")
        put = await anna.put_policy(POLICY, "orders beyond a limit are signed")
        await bert.activate_policy(put.version, "read and compared")
        asked = await shop.check_and_reserve(ACCOUNT, ORDER, AMOUNT_MINOR, "USD")
        _say(console, "shop", f"orders 1,500.00 USD of a limit of 1,000.00: {asked.decision.value}")
        case = await carla.get_case(asked.case_id)
        codes = [reason.code for reason in case.reasons]
        _say(
            console, "carla", f"finds case {case.case_id}: {', '.join(codes)}; nothing is reserved"
        )
        signed = await carla.approve_case(
            case.case_id, codes, "they have paid, seen at the bank", role="credit_analyst"
        )
        _say(console, "carla", f"signs it as credit_analyst: the case is {signed.status.value}")
        again = await shop.check_and_reserve(ACCOUNT, ORDER, AMOUNT_MINOR, "USD")
        if again.decision is not Decision.APPROVED:
            raise DemoError(f"the order was signed, and is {again.decision.value}")
        _say(console, "shop", f"asks again: {again.decision.value}, as signed")


def _say(console: Console, who: str, what: str) -> None:
    console.print(Text(f"  {who:<6} {what}"))
