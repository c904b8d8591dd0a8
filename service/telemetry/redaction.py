"""What must not get into a log: passwords, and values of products that PostgreSQL repeats in its errors."""

import re
import traceback
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from service.writebehind.errors import RowsRefused

MASK: Final = "***"
#: A password in a URL; the user may be missing, as in redis://:secret@…, and the password may hold an @.
_IN_URL: Final = re.compile(r"(://[^:/@\s]*:)[^\s/]+@")
#: A password in a connection string, quoted or not.
_IN_CONNINFO: Final = re.compile(r"(\bpassword\s*=\s*)('(?:\\.|[^'\\])*'|\S+)", re.IGNORECASE)
#: Shorter passwords are not looked for: they would be found in ordinary words.
_SHORTEST: Final = 4
#: redis-py repeats a pipeline's failed command with its arguments, and Redis those of an unknown command.
_PIPELINE: Final = re.compile(r"(Command # \d+) \(.*\) (of pipeline caused error)", re.DOTALL)
_ARGUMENTS: Final = re.compile(r"(with args beginning with: ).*", re.DOTALL)
#: What Python quotes in its messages: "invalid literal for int() with base 10: 'a name'".
_QUOTED: Final = re.compile(r"(['\"]).*\1", re.DOTALL)


class Redaction:
    """Removes passwords from text, and values from exceptions."""

    def __init__(self, urls: Iterable[str] = ()) -> None:
        """
        Args:
            urls: Of Redis and PostgreSQL. Their passwords are masked wherever they appear.
        """
        secrets = {each for url in urls for each in _passwords(url) if len(each) >= _SHORTEST}
        longest_first = sorted(secrets, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if secrets else None

    def text(self, text: str) -> str:
        """The text without passwords."""
        masked = _IN_CONNINFO.sub(rf"\1{MASK}", _IN_URL.sub(rf"\1{MASK}@", text))
        masked = _ARGUMENTS.sub(rf"\1{MASK}", _PIPELINE.sub(rf"\1 ({MASK}) \2", masked))
        return self._secrets.sub(MASK, masked) if self._secrets else masked

    def traceback(self, error: BaseException) -> str:
        """The tracebacks of an error and its causes, with neither passwords nor the values of products."""
        chain = [*_chain(error)]
        return self.text("\n".join("\n".join(_traceback(each, relation)) for each, relation in chain))


def _passwords(url: str) -> set[str]:
    """The password of a URL or connection string, as it is written and as it is meant."""
    _, _, authority = url.partition("://")
    if not authority:
        try:
            return {str(conninfo_to_dict(url).get("password") or "")}
        except psycopg.Error:
            return set()
    # The last @ ends the password, even if it holds a slash that should have been escaped.
    _, _, written = authority.rpartition("@")[0].partition(":")
    query = dict(part.partition("=")[::2] for part in url.partition("?")[2].split("&"))
    in_query = query.get("password", "")
    return {written, unquote(written), *written.split("/"), in_query, unquote(in_query)}


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """The error and what led to it, the first one first, each with how the next one relates to it."""
    chain: list[tuple[BaseException, str]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    relation = ""
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        chain.append((current, relation))
        if current.__cause__ is not None:
            current, relation = current.__cause__, "This was the direct cause of:"
        else:
            current = None if current.__suppress_context__ else current.__context__
            relation = "While this was handled, another error occurred:"
    return chain[::-1]


def _traceback(error: BaseException, relation: str) -> list[str]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    message = _message(error)
    return [
        "Traceback (most recent call last):",
        *"".join(traceback.format_tb(error.__traceback__)).splitlines(),
        f"{name}: {message}" if message else name,
        *([relation] if relation else []),
    ]


def _message(error: BaseException) -> str:
    """What the error says, without the values that it may repeat."""
    match error:
        case RowsRefused():
            return error.in_logs
        case psycopg.Error():
            first = str(error).strip().partition("\n")[0]
            return RowsRefused(first, error.sqlstate).in_logs if error.sqlstate else first
        case ValueError() | KeyError():
            return _QUOTED.sub(f"'{MASK}'", str(error))
        case _:
            return str(error)
