"""What is wrong with a ledger's credit data, and how to mend it."""
