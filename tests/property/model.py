"""Credit on one page: what the engine must do, in the plainest words that are still exact.

Amounts are integers. Calls answer what was approved, captured or released, or raise `RefusedError`
with the reason; an order that does not fit is approved with 0.
"""

from dataclasses import dataclass, field


class RefusedError(Exception):
    """The call is wrong and changes nothing; carries the reason."""


@dataclass
class Order:
    """What one order holds, what was shipped, and the invoices that took a part."""

    open: int
    captured: int = 0
    invoices: dict[str, bool] = field(default_factory=dict)
    """By invoice: whether only the ledger has told of it."""


@dataclass
class Account:
    """One customer: exposure is what is owed, shipped and held."""

    limit: int
    outstanding: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    captured: dict[str, int] = field(default_factory=dict)
    """By invoice: shipped and not posted by the ledger."""
    posted: set[str] = field(default_factory=set)

    @property
    def counters(self) -> tuple[int, int, int]:
        """Outstanding, captured, reserved."""
        reserved = sum(order.open for order in self.orders.values())
        return self.outstanding, sum(self.captured.values()), reserved

    @property
    def available(self) -> int:
        """What a new order could take."""
        return self.limit - sum(self.counters)

    def reserve(self, order_id: str, amount: int, allow_partial: bool) -> int:
        """A new order: all of it, or what fits where that is allowed, or nothing."""
        if order_id in self.orders and self.orders[order_id].open:
            raise RefusedError("ORDER_ALREADY_RESERVED")
        fits = amount if amount <= self.available else max(self.available, 0) * allow_partial
        if fits:
            self.orders[order_id] = Order(fits)
        return fits

    def adjust(self, order_id: str, total: int) -> bool:
        """A new total; growth must fit."""
        order = self.order(order_id)
        if total < order.captured:
            raise RefusedError("BELOW_CAPTURED")
        growth = total - order.captured - order.open
        if growth > max(self.available, 0):
            return False
        order.open += growth
        return True

    def capture(self, order_id: str, invoice: str, amount: int | None, forced: bool) -> int:
        """A shipment; beyond what is open it must fit, unless the goods have left already."""
        unreserved = order_id not in self.orders
        if forced and amount is not None:
            self.orders.setdefault(order_id, Order(0))
        order = self.order(order_id)
        amount = order.open if amount is None else amount
        if invoice in order.invoices:
            if not order.invoices[invoice]:
                raise RefusedError("INVOICE_ALREADY_CAPTURED")
            order.invoices[invoice] = False
            return 0
        if invoice in self.posted:
            # What nobody had reserved stands in outstanding as a whole.
            order.open += amount * unreserved
            self.bill(order, invoice, amount, by_ledger=False)
            return 0
        if amount == 0:
            raise RefusedError("NOTHING_OPEN")
        excess = max(amount - order.open, 0)
        if excess > max(self.available, 0) and not forced:
            return 0
        order.open += excess - amount
        order.captured += amount
        order.invoices[invoice] = False
        self.captured[invoice] = self.captured.get(invoice, 0) + amount
        return amount

    def release(self, order_id: str, amount: int | None) -> int:
        """A cancellation, of all that is open or of a part."""
        order = self.order(order_id)
        amount = order.open if amount is None else amount
        if amount > order.open:
            raise RefusedError("RELEASE_EXCEEDS_OPEN")
        order.open -= amount
        return amount

    def post(self, invoice: str, amount: int, order_id: str) -> None:
        """The ledger's invoice takes over what was shipped under it, or what its order holds."""
        if invoice in self.posted:
            raise RefusedError("INVOICE_ALREADY_POSTED")
        order = self.orders.get(order_id)
        if not self.captured.pop(invoice, 0) and order is not None and order.open:
            self.bill(order, invoice, amount, by_ledger=True)
        self.posted.add(invoice)
        self.outstanding += amount

    def bill(self, order: Order, invoice: str, amount: int, *, by_ledger: bool) -> None:
        """The order stops holding what stands in outstanding."""
        part = min(amount, order.open)
        order.open -= part
        order.captured += part
        order.invoices[invoice] = by_ledger

    def expire(self) -> None:
        """The time of every order is over."""
        for order in self.orders.values():
            order.open = 0

    def order(self, order_id: str) -> Order:
        """The latest order of this id."""
        if order_id not in self.orders:
            raise RefusedError("RESERVATION_NOT_FOUND")
        return self.orders[order_id]
