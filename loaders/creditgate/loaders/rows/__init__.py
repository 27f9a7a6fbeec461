"""The rows that `creditgate load` takes: one msgspec struct a file kind, and its wire message.

The names of the fields are the names of the columns; a field without a default is a required
column. What only the server can know (does the account exist, was the entry posted) is left to it.
"""

from creditgate.loaders.rows.accounts import ACCOUNTS, LIMITS, SEGMENTS
from creditgate.loaders.rows.entries import ENTRIES
from creditgate.loaders.rows.findings import FLAGS, SCORES, VERIFICATIONS
from creditgate.loaders.rows.kind import RowKind
from creditgate.loaders.rows.rates import RATES
from creditgate.loaders.rows.terms import ASSIGNMENTS, TERMS

__all__ = [
    "ACCOUNTS",
    "ASSIGNMENTS",
    "ENTRIES",
    "FLAGS",
    "LIMITS",
    "RATES",
    "SCORES",
    "SEGMENTS",
    "TERMS",
    "VERIFICATIONS",
    "RowKind",
]
