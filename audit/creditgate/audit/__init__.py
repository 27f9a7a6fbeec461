"""The auditor's side of creditgate: nothing in here uses the core."""
