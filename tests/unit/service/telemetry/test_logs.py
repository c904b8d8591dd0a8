"""The formats themselves. What the running service and worker log is in tests/integration/test_logs.py."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from service.telemetry.logs import HumanFormatter, JsonFormatter
from service.telemetry.redaction import Redaction

#: 2026-01-31T18:00:00.123Z
MOMENT = datetime(2026, 1, 31, 18, 0, 0, 123_456, tzinfo=UTC)
FORMATTERS = [HumanFormatter, JsonFormatter]


def a_record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("worker.flush", logging.WARNING, __file__, 1, message, args, info)
    record.created = MOMENT.timestamp()
    record.process = 4711
    return record


def human(record: logging.LogRecord) -> str:
    return HumanFormatter(Redaction()).format(record)


def as_json(record: logging.LogRecord) -> dict[str, object]:
    text = JsonFormatter(Redaction()).format(record)
    assert "\n" not in text
    decoded: dict[str, object] = json.loads(text)
    return decoded


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_record_for_people() -> None:
    assert human(a_record("flushed %d entries", 3)) == (
        "2026-01-31T18:00:00.123Z WARNING worker.flush: flushed 3 entries"
    )


def test_a_record_as_json() -> None:
    assert as_json(a_record("flushed %d entries", 3)) == {
        "at": "2026-01-31T18:00:00.123Z",
        "level": "warning",
        "logger": "worker.flush",
        "message": "flushed 3 entries",
        "process": 4711,
    }


def test_a_message_stays_on_its_line() -> None:
    text = human(a_record("one\ntwo\r\n\x1b[31mthree\u2028four"))
    assert text.endswith(r"one\ntwo\r\n\x1b[31mthree\u2028four")
    assert as_json(a_record("one\ntwo"))["message"] == "one\ntwo"


def test_a_traceback_is_indented_so_that_no_line_passes_for_a_record() -> None:
    fake = "2026-01-31T18:00:00.123Z INFO worker: all is well"
    head, *lines = human(a_record("failed", error=raised(RuntimeError(f"a\n{fake}")))).splitlines()
    assert head.endswith("failed")
    assert lines[0] == "  Traceback (most recent call last):"
    assert lines[-2:] == ["  RuntimeError: a", f"  {fake}"]


def test_a_traceback_is_a_member_in_json() -> None:
    error = as_json(a_record("failed", error=raised(RuntimeError("x"))))["error"]
    assert str(error).startswith("Traceback (most recent call last):\n")
    assert str(error).endswith("\nRuntimeError: x")


def test_a_record_whose_arguments_do_not_fit_is_logged_all_the_same() -> None:
    assert human(a_record("%d rows", "three")).endswith("%d rows")


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_record_fits_into_a_line_of_docker(formatter: type[HumanFormatter | JsonFormatter]) -> None:
    record = a_record("x" * 50_000, error=raised(RuntimeError("y" * 50_000 + " the end")))
    text = formatter(Redaction()).format(record)
    assert len(text) < 16 * 1024
    assert "the end" in text


@pytest.mark.parametrize("text", ["Ünïcode ✓", "half a character \ud800"])
def test_json_is_ascii(text: str) -> None:
    record = a_record(text)
    assert JsonFormatter(Redaction()).format(record).isascii()
    assert as_json(record)["message"] == text


def test_a_record_within_a_span_names_its_trace() -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("flush") as span:
        context = span.get_span_context()
        line, members = human(a_record("flushed")), as_json(a_record("flushed"))
    assert line.endswith(f"flushed [trace {trace.format_trace_id(context.trace_id)}]")
    assert members["trace_id"] == trace.format_trace_id(context.trace_id)
    assert members["span_id"] == trace.format_span_id(context.span_id)
    assert "trace_id" not in as_json(a_record("flushed"))


_UNCAUGHT = """
import sys, threading, warnings, logging
from service.telemetry.logs import configure_logging
from service.writebehind.settings import Settings
assert "opentelemetry" not in sys.modules
configure_logging(Settings(log_format="json"))
warnings.warn("deprecated", UserWarning)
thread = threading.Thread(target=lambda: 1 / 0, name="watch")
thread.start()
thread.join()
logging.info("%d", "no number")
assert "opentelemetry" not in sys.modules
raise RuntimeError("the end")
"""


def test_warnings_and_uncaught_exceptions_are_records_too() -> None:
    done = subprocess.run([sys.executable, "-c", _UNCAUGHT], capture_output=True, text=True, check=False)
    records = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(each["level"], each["logger"]) for each in records] == [
        ("warning", "py.warnings"),
        ("critical", "service.telemetry.logs"),
        ("info", "root"),
        ("critical", "service.telemetry.logs"),
    ]
    assert records[0]["message"].startswith("<string>:7: UserWarning: deprecated")
    assert records[1]["message"] == "uncaught exception in thread watch"
    assert records[1]["error"].endswith("ZeroDivisionError: division by zero")
    assert records[3]["error"].endswith("RuntimeError: the end")
    assert done.returncode == 1
