import io
import json
from datetime import UTC, datetime

import pytest

from labctl.cli.since import parse_since
from labctl.render.log_lines import write_for_people
from stack.errors import UsageError
from stack.logs.records import in_order
from stack.spec.runtime import LogLine
from tests.unit.labctl.conftest import Cli

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NOW = 1769882400.0
LOG = [
    LogLine("redis", "7:M 31 Jan 2026 18:00:00.002 # memory is low"),
    LogLine("redis", "7:M 31 Jan 2026 18:00:00.004 * saved"),
    LogLine("worker", "2026-01-31T18:00:00.001Z INFO worker: runs"),
    LogLine("worker", f"2026-01-31T18:00:00.003Z ERROR worker: failed [trace {TRACE}]"),
    LogLine("worker", "  Traceback (most recent call last):"),
]


@pytest.fixture(autouse=True)
def _log(cli: Cli) -> None:
    cli.lab.log = LOG


def shown(cli: Cli, *words: str) -> list[str]:
    """The last word of each line."""
    code, out, _ = cli("logs", *words)
    assert code == 0
    return [line.split()[-1] for line in out.splitlines()]


def test_services_are_interleaved(cli: Cli) -> None:
    assert shown(cli) == ["runs", "low", f"{TRACE}]", "last):", "saved"]


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("--grep", "run|save"), ["runs", "saved"]),
        (("--grep", "SAVED"), []),
        (("--grep", "(?i)SAVED"), ["saved"]),
        # A traceback goes with its line.
        (("--grep", "failed"), [f"{TRACE}]", "last):"]),
        (("--grep", TRACE), [f"{TRACE}]", "last):"]),
        (("--level", "warning"), ["low", f"{TRACE}]", "last):"]),
        (("--level", "critical"), []),
        (("--since", "2026-01-31T18:00:00.003Z"), [f"{TRACE}]", "last):", "saved"]),
        (("--since", "2026-01-31T18:00:00.003Z", "--level", "error", "--tail", "1"), ["last):"]),
        (("--grep", "", "--tail", "1"), ["last):", "saved"]),
        (("--tail", "0"), []),
    ],
)
def test_what_is_shown(cli: Cli, words: tuple[str, ...], lines: list[str]) -> None:
    assert shown(cli, *words) == lines


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "2026-02-01T00:00Z"), "no lines since 2026-02-01T00:00Z\n"),
        (("--since", "2026-01-01T00:00Z", "--grep", "x{9}"), "no lines since 2026-01-01T00:00Z that match\n"),
        (("--level", "critical", "--json"), "no lines that match\n"),
        (("--tail", "0"), ""),
        (("--grep", "saved"), ""),
    ],
)
def test_that_nothing_fits_is_said(cli: Cli, words: tuple[str, ...], told: str) -> None:
    code, _, err = cli("logs", *words)
    assert (code, err) == (0, told)


def test_since_shows_everything_since_then(cli: Cli) -> None:
    cli.lab.log = [LogLine("api", f"2026-01-31T18:00:00.000Z INFO x: {n}") for n in range(100)]
    assert len(shown(cli)) == 50
    assert len(shown(cli, "--since", "2026-01-31T18:00Z")) == 100


def test_json_is_an_object_a_line(cli: Cli) -> None:
    _, out, _ = cli("logs", "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert records[2] == {
        "service": "worker",
        "at": "2026-01-31T18:00:00.003Z",
        "level": "error",
        "message": "failed",
        "trace_id": TRACE,
    }
    assert [record["level"] for record in records] == ["info", "warning", "error", "error", "info"]


def test_json_of_a_line_that_tells_nothing(cli: Cli) -> None:
    cli.lab.log = [LogLine("api", "no time, and a byte that is no text: \udcff")]
    _, out, _ = cli("logs", "--json")
    assert json.loads(out) == {
        "service": "api",
        "at": None,
        "level": "info",
        "message": "no time, and a byte that is no text: ?",
        "trace_id": "",
    }


def test_lines_in_json_are_shown_to_people_like_others(cli: Cli) -> None:
    members = {"at": "2026-01-31T18:00:00.001Z", "level": "error", "logger": "worker", "message": "failed"}
    cli.lab.log = [LogLine("worker", json.dumps({**members, "error": "Traceback:\nRuntimeError: \x1b[31m"}))]
    _, out, _ = cli("logs")
    assert out == (
        "worker     | 2026-01-31T18:00:00.001Z ERROR worker: failed\n"
        "worker     |   Traceback:\n"
        "worker     |   RuntimeError: ?[31m\n"
    )
    assert shown(cli, "--grep", "RuntimeError") == ["failed", "Traceback:", "?[31m"]


def test_services_and_levels_are_painted() -> None:
    out = io.StringIO()
    for record in in_order(LOG[:1], keep=lambda _: True, tail=None):
        write_for_people(out, record, lambda text, style: f"<{style}:{text}>")
    assert out.getvalue() == (
        "<magenta:redis      | ><yellow:7:M 31 Jan 2026 18:00:00.002 # memory is low>\n"
    )


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (("--grep", "("), "--grep can't be '(': missing )", "--grep '\\('"),
        (("--grep", "a{99999999999}"), "--grep can't be", "regular expression"),
        (("--since", "yesterday"), "--since can't be 'yesterday'", "5m or 1h30m"),
        (("--since", ""), "--since can't be ''", "5m"),
        (("--since", "5"), "--since can't be '5'", "5m"),
        (("--since", "-5m"), "--since can't be '-5m'", "5m"),
        (("--since", "2026-02-31"), "--since can't be '2026-02-31'", "2026-01-31T18:00"),
        (("--level", "loud"), "loud", "critical"),
    ],
)
def test_a_mistake_is_told_with_what_is_right(cli: Cli, words: tuple[str, ...], says: str, hint: str) -> None:
    code, out, err = cli("logs", *words)
    # Wherever the lines are broken.
    told = " ".join(err.split())
    assert (code, out) == (2, "")
    assert says in told
    assert hint in told


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("1.5h", 5_400), ("2d", 172_800), ("0s", 0)],
)
def test_ages(text: str, ago: float) -> None:
    assert parse_since(text, NOW) == NOW - ago


def test_moments_with_a_time_zone_and_in_local_time() -> None:
    assert parse_since("2026-01-31T18:00:00Z", 0) == NOW
    assert parse_since("2026-01-31T19:00:00.500+01:00", 0) == NOW + 0.5
    local = datetime.fromtimestamp(NOW, UTC).astimezone().replace(tzinfo=None)
    assert parse_since(local.isoformat(), 0) == NOW


def test_an_age_that_goes_back_too_far_is_all_there_is() -> None:
    assert parse_since("999999999d", NOW) < 0
    with pytest.raises(UsageError):
        parse_since("9999999999d", NOW)
