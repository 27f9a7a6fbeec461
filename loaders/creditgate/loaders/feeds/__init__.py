"""Flags and scores of bureaus and fraud systems, over HTTP and as files that are dropped."""
