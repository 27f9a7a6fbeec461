"""What can go wrong in a load: with the file, with one row, or with the load as a whole."""


class LoadError(Exception):
    """Any failure of a load. The message is meant for the person who started it."""


class FileError(LoadError):
    """The file cannot be loaded at all: not readable, or its header is wrong."""


class LoadStoppedError(LoadError):
    """The load ended before the end of its file; rows answered until then stay loaded."""


class RowError(Exception):
    """Why one row is rejected: the column at fault (may be empty), its value, an UPPER_SNAKE reason
    and a sentence that names field, value and rule."""

    def __init__(self, field: str, value: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.value = value
        self.reason = reason
        self.message = message
