from datetime import UTC, datetime

import pytest

from service.telemetry.logs import HumanFormatter, JsonFormatter
from service.telemetry.redaction import Redaction
from stack.logs.formats import Level, parse
from tests.unit.service.telemetry.test_logs import a_record, raised

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def moment(second: int, microsecond: int) -> float:
    return datetime(2026, 1, 31, 18, 0, second, microsecond, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "at", "level", "message"),
    [
        # The API and the workers.
        (
            "2026-01-31T18:00:05.123Z INFO worker.flush: flushed 3 entries",
            moment(5, 123_000),
            "info",
            "flushed 3 entries",
        ),
        ("2026-01-31T18:00:05.123Z CRITICAL root: ", moment(5, 123_000), "critical", ""),
        # PostgreSQL.
        ("2026-01-31 18:00:05.123 UTC [7] LOG:  ready", moment(5, 123_000), "info", "ready"),
        ("2026-01-31 18:00:05.123 GMT [7] FATAL:  starting up", moment(5, 123_000), "error", "starting up"),
        ("2026-01-31 18:00:05.123 UTC [7] PANIC:  no room", moment(5, 123_000), "critical", "no room"),
        ("2026-01-31 18:00:05.123 UTC [7] DEBUG2:  x", moment(5, 123_000), "debug", "x"),
        ("2026-01-31 18:00:05.123 UTC [7] DETAIL:  y", moment(5, 123_000), None, "y"),
        # Redis and Valkey.
        ("7:M 31 Jan 2026 18:00:05.123 * Ready", moment(5, 123_000), "info", "Ready"),
        ("7:C 31 Jan 2026 18:00:05.123 # oom", moment(5, 123_000), "warning", "oom"),
        ("7:signal-handler (1769882405) Received SIGTERM", moment(5, 0), "warning", "Received SIGTERM"),
        # Prometheus.
        (
            'time=2026-01-31T18:00:05.123Z level=INFO source=main.go:1 msg="Server is \\"ready\\"" n=1',
            moment(5, 123_000),
            "info",
            'Server is "ready"',
        ),
        ("time=2026-01-31T18:00:05.123+00:00 level=WARN msg=slow", moment(5, 123_000), "warning", "slow"),
        # Grafana.
        (
            'logger=settings t=2026-01-31T18:00:05.123456789Z level=eror msg="no file"',
            moment(5, 123_456),
            "error",
            "no file",
        ),
        # Jaeger.
        (
            '2026-01-31T18:00:05.123Z\tinfo\tservice@v0.138.0/service.go:222\tStarting\t{"a": 1}',
            moment(5, 123_000),
            "info",
            "Starting",
        ),
        ("2026-01-31T18:00:05.123Z\tfatal\tno port", moment(5, 123_000), "critical", "no port"),
    ],
)
def test_the_formats_of_the_services(line: str, at: float, level: Level | None, message: str) -> None:
    parsed = parse(line)
    assert parsed is not None
    assert parsed.at == pytest.approx(at, abs=1e-6)
    assert (parsed.level, parsed.message) == (level, message)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback (most recent call last):",
        "\tat a continued line",
        "2026-02-31T18:00:00.000Z INFO x: no such day",
        "2026-01-31 18:00:05.123 CET [7] LOG:  in a zone of many meanings",
        "7:M 31 Foo 2026 18:00:05.123 * no such month",
        "7:signal-handler (99999999999999999999) no such time",
        "time=soon level=info msg=x",
        "level=info msg=x",
        '{"at": "2026-01-31T18:00:05.123", "message": "no time zone"}',
        '{"at": "2026-01-31T18:00:05.123Z", "message": "cut o',
        '{"at": 5, "message": "no text"}',
        '{"price": 1}',
        pytest.param('{"at": ' + 100_000 * "[" + 100_000 * "]" + "}", id="deeply nested"),
        "time=0001-01-01T00:00:00+14:00 level=INFO msg=before-the-first-year",
    ],
)
def test_other_lines_tell_no_time(line: str) -> None:
    assert parse(line) is None


def test_what_the_service_writes_is_read_back_from_both_formats() -> None:
    record = a_record(
        "flushing is paused: %s", "PostgreSQL can't be reached", error=raised(RuntimeError("x"))
    )
    human = parse(HumanFormatter(Redaction()).format(record).splitlines()[0])
    as_json = parse(JsonFormatter(Redaction()).format(record))
    assert human is not None
    assert as_json is not None
    assert as_json.error.endswith("RuntimeError: x")
    assert (human.at, human.level, human.message) == (as_json.at, as_json.level, as_json.message)
    assert as_json.readable == HumanFormatter(Redaction()).format(record).splitlines()[0]


def test_the_trace_of_a_line() -> None:
    human = parse(f"2026-01-31T18:00:05.123Z INFO worker: flushed [trace {TRACE}]")
    as_json = parse(f'{{"at": "2026-01-31T18:00:05.123Z", "message": "flushed", "trace_id": "{TRACE}"}}')
    assert human is not None
    assert as_json is not None
    assert (human.message, human.trace_id) == (as_json.message, as_json.trace_id) == ("flushed", TRACE)
    assert as_json.readable.endswith(f"[trace {TRACE}]")
