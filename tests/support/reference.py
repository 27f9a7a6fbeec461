"""Credit as one would explain it on a page: the model that real-data tests compare the server with.

Amounts are in minor units. It decides orders, moves captures and invoices, and takes payments; it
knows no expiry, no segments, no currencies.
"""

from dataclasses import dataclass, field


@dataclass
class Account:
    """A customer: what may be owed, and what is."""

    limit: int
    outstanding: int = 0
    captured: int = 0
    reserved: int = 0

    @property
    def exposure(self) -> int:
        """What counts against the limit: every order once."""
        return self.outstanding + self.captured + self.reserved

    @property
    def available(self) -> int:
        """What a new order could take."""
        return self.limit - self.exposure


@dataclass
class Reference:
    """All accounts, what their orders hold, and what is captured under which invoice."""

    accounts: dict[str, Account] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    """By order: what it still reserves."""
    captures: dict[str, int] = field(default_factory=dict)
    """By invoice: what was captured and the ledger has not posted."""

    def order(self, account_id: str, order_id: str, amount: int) -> bool:
        """Reserves the amount when it fits; says whether it did."""
        account = self.accounts[account_id]
        if amount > account.available:
            return False
        account.reserved += amount
        self.held[order_id] = amount
        return True

    def capture(self, account_id: str, order_id: str, invoice_id: str) -> None:
        """Ships the whole order."""
        account, amount = self.accounts[account_id], self.held.pop(order_id)
        account.reserved -= amount
        account.captured += amount
        self.captures[invoice_id] = amount

    def invoice(self, account_id: str, invoice_id: str, amount: int) -> None:
        """The ledger posts an invoice; what was captured under it is captured no more."""
        account = self.accounts[account_id]
        account.captured -= self.captures.pop(invoice_id)
        account.outstanding += amount

    def payment(self, account_id: str, amount: int) -> None:
        """The customer pays; before the invoice has come, too."""
        self.accounts[account_id].outstanding -= amount
