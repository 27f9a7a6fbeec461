"""What a run leaves: summary.json, a table, and a page of HTML."""
