"""Kills the server at random moments under load and lets the auditor judge what is left."""
