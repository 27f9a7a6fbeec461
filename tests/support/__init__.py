"""What several tests share: a server process, short calls, the auditor, a reference model."""
