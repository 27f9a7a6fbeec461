import json
import logging

import pytest

from creditgate.client.logs import ConsoleFormatter, JsonFormatter
from creditgate.server.logs import LOGGER, LineBudget, log


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    return caplog


def test_a_json_line_is_flat(lines: pytest.LogCaptureFixture) -> None:
    log(logging.INFO, "call", method="/x", request_id='a"b\n')
    line = JsonFormatter().format(lines.records[0])
    assert "\n" not in line
    fields = json.loads(line)
    assert fields.pop("time").endswith("Z")
    assert fields == {"level": "info", "event": "call", "method": "/x", "request_id": 'a"b\n'}


def test_a_console_line_cannot_be_faked_by_what_a_caller_sends(
    lines: pytest.LogCaptureFixture,
) -> None:
    log(logging.WARNING, "call", request_id="a\nWARNING fake")
    line = ConsoleFormatter().format(lines.records[0])
    assert "\n" not in line
    assert line.endswith("WARNING call  request_id='a\\nWARNING fake'")


def test_lines_of_other_libraries_say_whose_they_are() -> None:
    error = ValueError("broken")
    record = logging.LogRecord(
        "grpc._cython", logging.ERROR, __file__, 1, "bad %s", ("call",), (ValueError, error, None)
    )
    fields = json.loads(JsonFormatter().format(record))
    assert (fields["logger"], fields["event"]) == ("grpc._cython", "bad call")
    assert "ValueError: broken" in fields["exception"]
    assert "ValueError: broken" in ConsoleFormatter().format(record)


def test_the_budget_bounds_the_lines_of_a_second_and_owns_up(
    lines: pytest.LogCaptureFixture,
) -> None:
    budget = LineBudget(2)
    assert [budget.admit(5.0 + n / 10) for n in range(5)] == [True, True, False, False, False]
    assert not lines.records
    assert budget.admit(6.0)
    (record,) = lines.records
    assert json.loads(JsonFormatter().format(record))["count"] == 3
    assert budget.admit(7.0)
    assert len(lines.records) == 1
