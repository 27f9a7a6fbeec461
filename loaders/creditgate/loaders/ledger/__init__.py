"""A company's ledger in PostgreSQL, and how the service is kept in step with it."""
