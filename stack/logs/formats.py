"""The formats in which the lab's services log, and what each line says in them."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

Level = Literal["debug", "info", "warning", "error", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a line says, as far as its format tells."""

    #: Unix time in s.
    at: float
    #: None: that of the line before, of which this one is a detail.
    level: Level | None
    message: str
    trace_id: str = ""
    #: A traceback, if it stands in the same line.
    error: str = ""
    #: The line for people to read; '' if it is readable as it is.
    readable: str = ""


def parse(text: str) -> Parsed | None:
    """What this line says; None if it tells no time that can be understood.

    An unknown format, a line that only looks like a known one, and a time that is no time are all None.
    """
    for begins, read in _FORMATS:
        match = begins.match(text)
        if match is not None:
            with suppress(ValueError, OverflowError, RecursionError):
                return read(match)
    return None


def _json(match: re.Match[str]) -> Parsed:
    """The API and the workers, with `LOG_FORMAT=json`."""
    decoded: Any = json.loads(match[0])
    members = {name: value for name, value in decoded.items() if isinstance(value, str)}
    at, level, message = (members.get(name, "") for name in ("at", "level", "message"))
    trace_id = members.get("trace_id", "")
    trace = f" [trace {trace_id}]" if trace_id else ""
    return Parsed(
        at=_unix(at),
        level=_level(level),
        message=message,
        trace_id=trace_id,
        error=members.get("error", ""),
        readable=f"{at} {level.upper()} {members.get('logger', '-')}: {message}{trace}",
    )


def _human(match: re.Match[str]) -> Parsed:
    """The API and the workers, with `LOG_FORMAT=human`."""
    at, level, message, trace_id = match.groups(default="")
    return Parsed(at=_unix(at), level=_level(level), message=message, trace_id=trace_id)


def _postgres(match: re.Match[str]) -> Parsed:
    at, severity, message = match.groups()
    # DETAIL, HINT, CONTEXT and STATEMENT belong to the line before.
    return Parsed(at=_unix(f"{at}Z"), level=_POSTGRES_LEVELS.get(severity.rstrip("12345")), message=message)


def _redis(match: re.Match[str]) -> Parsed:
    """Redis and Valkey, in the format that both have by default."""
    day, month, year, clock, mark, message = match.groups()
    number = _MONTHS.index(month) + 1
    return Parsed(at=_unix(f"{year}-{number:02d}-{day}T{clock}Z"), level=_REDIS_LEVELS[mark], message=message)


def _redis_signal(match: re.Match[str]) -> Parsed:
    """What Redis logs while it handles a signal, when it can't format a date."""
    return Parsed(at=_checked(float(match[1])), level="warning", message=match[2])


def _logfmt(match: re.Match[str]) -> Parsed:
    """Prometheus and Grafana: `time=… level=INFO msg="…"`."""
    pairs = dict(_PAIR.findall(match[0]))
    message = pairs.get("msg", match[0])
    if message.startswith('"'):
        with suppress(ValueError):
            message = str(json.loads(message))
    at = pairs.get("time") or pairs.get("t") or pairs.get("ts", "")
    return Parsed(
        at=_unix(at), level=_level(pairs.get("level", "")), message=message, trace_id=pairs.get("traceID", "")
    )


def _tabs(match: re.Match[str]) -> Parsed:
    """Jaeger: time, level, source, message and attributes, with tabs between."""
    at, level, *fields = match[0].split("\t")
    message = fields[1] if len(fields) > 1 and _SOURCE.fullmatch(fields[0]) else fields[0]
    return Parsed(at=_unix(at), level=_level(level), message=message)


def _unix(text: str) -> float:
    """Raises ValueError: it is not a time in ISO 8601 with a time zone."""
    # Grafana and Jaeger tell nanoseconds, of which Python reads six digits.
    moment = datetime.fromisoformat(_BELOW_MICROSECONDS.sub(r"\1", text))
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return _checked(moment.timestamp())


def _checked(seconds: float) -> float:
    """Raises ValueError or OverflowError: no date in UTC has that Unix time."""
    return datetime.fromtimestamp(seconds, UTC).timestamp()


def _level(name: str) -> Level:
    lower = name.lower()
    return lower if lower in LEVELS else _ALIASES.get(lower, "info")


#: All levels, the least serious first.
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error", "critical")
_ALIASES: Final[Mapping[str, Level]] = {
    "warn": "warning",
    "eror": "error",
    "err": "error",
    "trace": "debug",
    "dbug": "debug",
    "fatal": "critical",
    "panic": "critical",
    "dpanic": "critical",
    "crit": "critical",
}
_POSTGRES_LEVELS: Final[Mapping[str, Level]] = {
    "DEBUG": "debug",
    "LOG": "info",
    "INFO": "info",
    "NOTICE": "info",
    "WARNING": "warning",
    # FATAL ends one session, PANIC all of them.
    "ERROR": "error",
    "FATAL": "error",
    "PANIC": "critical",
}
_REDIS_LEVELS: Final[Mapping[str, Level]] = {".": "debug", "-": "debug", "*": "info", "#": "warning"}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PAIR: Final = re.compile(r'(\w+)=("(?:\\.|[^"\\])*"|\S*)')
_SOURCE: Final = re.compile(r"\S+\.go:\d+")
_BELOW_MICROSECONDS: Final = re.compile(r"(\.\d{6})\d+")
_FORMATS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Parsed]], ...]] = (
    (re.compile(r'\{"at": .*\}$'), _json),
    (
        re.compile(
            r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+: (.*?)"
            r"(?: \[trace ([0-9a-f]{32})\])?$"
        ),
        _human,
    ),
    (
        re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?:UTC|GMT) \[\d+\] ([A-Z]+[1-5]?):\s+(.*)"),
        _postgres,
    ),
    (re.compile(r"\d+:[A-Z] (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d\.\d{3}) ([-.*#]) (.*)"), _redis),
    (re.compile(r"\d+:signal-handler \((\d+)\) (.*)"), _redis_signal),
    (re.compile(r"(?:time|t|ts|logger)=.*\blevel=.*"), _logfmt),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z\t[a-z]+\t.*"), _tabs),
)
