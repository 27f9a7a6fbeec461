"""What ends the demo early."""


class DemoError(Exception):
    """The demo cannot go on; the message is meant for the person who started it."""


class NothingToPlayError(DemoError):
    """The day holds no events."""
