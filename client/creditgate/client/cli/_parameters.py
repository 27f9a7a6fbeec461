"""Values on the command line: amounts, limits, dates, times."""

from datetime import UTC, date, datetime

import click

from creditgate.client import CreditLimit, MoneyError, money


class DateType(click.ParamType[date]):
    """A business date, YYYY-MM-DD."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Reads the text given."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date: must be like 2026-01-31", param, ctx)


class TimeType(click.ParamType[datetime]):
    """A moment, ISO 8601; without a zone it is UTC."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Reads the text given."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time: must be like 2026-01-31T12:00:00Z", param, ctx)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class SecondsType(click.FloatRange):
    """A length of time above zero."""

    # As errors name it.
    name = "number of seconds"

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)


SECONDS = SecondsType()
DATE = DateType()
TIME = TimeType()


def read_amount(text: str, currency: str) -> int:
    """An amount on the command line in minor units. Raises click.UsageError."""
    try:
        return money.parse(text, currency)
    except MoneyError as error:
        raise click.UsageError(str(error)) from error


def read_limit(text: str, currency: str, valid_until: date | None) -> CreditLimit:
    """A credit limit on the command line. Raises click.UsageError."""
    match text.lower().replace("-", "_"):
        case "unlimited":
            return CreditLimit.unlimited(valid_until=valid_until)
        case "no_credit" | "inherit" if valid_until:
            raise click.UsageError(f"--valid-until does not go with a limit of {text!r}")
        case "no_credit":
            return CreditLimit.no_credit()
        case "inherit":
            return CreditLimit.inherit()
        case _:
            return CreditLimit.of(read_amount(text, currency), valid_until=valid_until)
