"""How the API and the workers log: one record a line, for people or as JSON, on stderr.

For people, a traceback follows its record, indented; in JSON it is a member of the record. Passwords are
masked, and values of products are left out (see `redaction`). Times are UTC.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from service.telemetry.redaction import Redaction
from service.writebehind.settings import Settings

#: Longest message and traceback, in characters. Docker breaks lines of more than 16 KiB.
_MESSAGE_CHARS, _TRACEBACK_CHARS = 2_000, 8_000
#: A message must not begin a line of its own that passes for another record, nor steer a terminal.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    ord("\n"): r"\n",
    ord("\r"): r"\r",
    ord("\t"): r"\t",
    ord("\u2028"): r"\u2028",
    ord("\u2029"): r"\u2029",
}

_log: Final = logging.getLogger(__name__)


def configure_logging(settings: Settings) -> None:
    """Log to stderr as `LOG_FORMAT` says, libraries and uncaught exceptions included. Call it once in every
    process."""
    redaction = Redaction((settings.redis_url, settings.database_url))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FORMATTERS[settings.log_format](redaction))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # A record that can't be formatted is still logged; what can't be written is dropped.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_of_thread


class HumanFormatter(logging.Formatter):
    """`2026-01-31T18:00:00.123Z INFO worker.flush: flushed 3 entries [trace 4bf9…]`."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        trace_id, _ = _trace_of(record)
        message = _message(record, self._redaction).translate(_CONTROLS)
        trace = f" [trace {trace_id}]" if trace_id else ""
        lines = _error(record, self._redaction).splitlines()
        return "\n".join(
            [
                f"{_at(record)} {record.levelname} {record.name}: {message}{trace}",
                *(f"  {line.translate(_CONTROLS)}" for line in lines),
            ]
        )


class JsonFormatter(logging.Formatter):
    """One object a line: `at`, `level`, `logger`, `message`, `process`; and if there is one, `trace_id`,
    `span_id`, and the traceback as `error`."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        trace_id, span_id = _trace_of(record)
        members = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record, self._redaction),
            "process": record.process,
            "trace_id": trace_id,
            "span_id": span_id,
            "error": _error(record, self._redaction),
        }
        # In ASCII, so that any terminal, file or driver passes it on unchanged.
        return json.dumps({name: value for name, value in members.items() if value != ""})


_FORMATTERS: Final[Mapping[str, type[HumanFormatter] | type[JsonFormatter]]] = {
    "human": HumanFormatter,
    "json": JsonFormatter,
}


def _at(record: logging.LogRecord) -> str:
    """When it was logged: ISO 8601 in UTC, with ms."""
    seconds, ms = divmod(int(record.created * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{ms:03d}Z"


def _message(record: logging.LogRecord, redaction: Redaction) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):
        # The caller's arguments don't fit its format.
        text = str(record.msg)
    return _cut(redaction.text(text), _MESSAGE_CHARS)


def _error(record: logging.LogRecord, redaction: Redaction) -> str:
    """The record's traceback; '' if it has none. If it is too long, its end is kept: the error itself."""
    error = record.exc_info[1] if record.exc_info else None
    text = redaction.traceback(error) if error is not None else ""
    return text if len(text) <= _TRACEBACK_CHARS else f"…{text[-_TRACEBACK_CHARS:]}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _trace_of(record: logging.LogRecord) -> tuple[str, str]:
    """The ids of the active trace and span; '' and '' if there is none. A process that traces nothing has not
    loaded OpenTelemetry, and does not load it for this."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return "", ""
    context = trace.get_current_span().get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else ("", "")


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "?"
    _log.critical(
        "uncaught exception in thread %s", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
    )
