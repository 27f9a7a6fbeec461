"""Brings accounts, limits and ledger movements in from files, over gRPC alone."""
