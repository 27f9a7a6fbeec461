"""A day in compressed time: what happens when, and how many users there are."""

from typing import Final, NamedTuple

USERS_USUAL: Final = 18
"""As many make some 50 calls a second: see `bench/locust/users.py` for what each does. With 32 of
them locust itself took both cores of a small machine in the spike, and was what callers waited
for."""

BUDGET_MS: Final = 200.0
"""What callers were promised for every decision, in every phase: the run fails at it."""

OWN_LINE_MS: Final = 20.0
"""What we want for them at half of what locust can ask for: drawn and reported, not enforced."""


class Phase(NamedTuple):
    """One part of the day."""

    name: str
    share: float
    """Of the day's length; those of all phases add up to 1."""
    times_usual: int
    """How many users there are, in times of `USERS_USUAL`."""
    bulk_load: bool = False
    """A load of limits runs beside them."""


SPIKE: Final = Phase("seasonal spike", 0.2, 10)
OWN_LINE_PHASE: Final = Phase("points of sale", 0.25, 5)
"""Our own line is held against this phase: half of the spike, which is about all that locust's
clients in Python can ask for on the same two cores. It is far less than half of what the server can
do."""

DAY: Final = (
    Phase("order entry", 0.2, 1),
    OWN_LINE_PHASE,
    Phase("bulk load", 0.2, 1, bulk_load=True),
    SPIKE,
    Phase("evening", 0.15, 1),
)


def phase_at(part: float) -> Phase:
    """The phase after this part of the day, 0 to 1; the last one also later."""
    end = 0.0
    for phase in DAY:
        end += phase.share
        if part < end:
            return phase
    return DAY[-1]
