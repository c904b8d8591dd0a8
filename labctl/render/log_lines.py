"""Writes log records: one line for each, with its service, or one JSON object a line."""

from collections.abc import Callable, Mapping
from typing import Final, TextIO

from labctl.render.json_text import encode
from labctl.render.text.printable import printable
from labctl.render.text.wrap import fitted, width_of
from stack.logs.formats import Level
from stack.logs.records import LogRecord

#: Paints a text in a style.
Paint = Callable[[str, str], str]

_SERVICE_STYLES: Final[Mapping[str, str]] = {
    "redis": "magenta",
    "postgres": "bright_blue",
    "api": "cyan",
    "worker": "green",
    "prometheus": "bright_magenta",
    "grafana": "bright_cyan",
    "jaeger": "bright_green",
}
_LEVEL_STYLES: Final[Mapping[Level, str]] = {
    "debug": "dim",
    "info": "",
    "warning": "yellow",
    "error": "red",
    "critical": "bold red",
}


def write_for_people(out: TextIO, record: LogRecord, paint: Paint) -> None:
    """Write a record beside its service. On a terminal, lines that are too long are broken between words."""
    width, lead = width_of(out), f"{record.service:<11}| "
    lines = [record.text, *(f"  {line}" for line in record.error.splitlines())]
    for text in lines:
        for row in fitted(printable(text.expandtabs()), width, lead=lead):
            # `fitted` indents further rows as far as the lead goes.
            service = paint(row[: len(lead)], _SERVICE_STYLES.get(record.service, ""))
            out.write(f"{service}{paint(row[len(lead) :], _LEVEL_STYLES[record.level])}\n")


def write_as_json(out: TextIO, record: LogRecord) -> None:
    """Write a record as one JSON object a line; `error` only if there is a traceback in it."""
    document = {
        "service": record.service,
        "at": record.moment or None,
        "level": record.level,
        "message": record.message,
        "trace_id": record.trace_id,
        **({"error": record.error} if record.error else {}),
    }
    out.write(encode(document).decode() + "\n")


def plain(text: str, style: str) -> str:
    """Paints nothing."""
    return text


def terminal_paint() -> Paint:
    """Paints as the terminal can; nothing if colours are not wanted."""
    from rich.color import ColorSystem
    from rich.console import Console
    from rich.style import Style

    console = Console()
    if console.no_color or console.color_system is None:
        return plain
    # These styles need no more than the sixteen colours that a terminal's theme defines.
    sixteen = ColorSystem.STANDARD
    return lambda text, style: Style.parse(style).render(text, color_system=sixteen) if style else text
