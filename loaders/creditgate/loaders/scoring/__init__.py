"""Payment behaviour out of the ledger, and the limits that a scorecard proposes by it."""
