"""A day of orders, played against a server of its own: `python -m demo`."""
