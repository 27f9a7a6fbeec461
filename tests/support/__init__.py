"""What several tests share: a server process, short calls, a reference model."""
