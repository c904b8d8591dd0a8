"""A stand-in for redis-cli, for machines that have none: one command, answered as redis-cli prints it.

`python -m stack.local.redis_cli [-u URL] [-h HOST] [-p PORT] [-n DB] COMMAND [ARGUMENT...]`. On a terminal
answers are decorated (`(integer) 3`, `1) "a"`); otherwise they are plain, one element per line.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

_USAGE: Final = (
    "usage: redis-cli [-u URL] [-h HOST] [-p PORT] [-n DB] [--raw | --no-raw] COMMAND [ARGUMENT...]"
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """A parsed command line."""

    host: str = "127.0.0.1"
    port: int = 6379
    database: int = 0
    decorated: bool = False
    command: tuple[str, ...] = ()


def parse(argv: Sequence[str], *, terminal: bool) -> Invocation:
    """Parse a command line.

    Args:
        argv: The words after the program's name.
        terminal: Whether answers are decorated unless an option says otherwise.

    Raises:
        ValueError: an option or a value is not known, or there is no command.
    """
    invocation = Invocation(decorated=terminal)
    words = list(argv)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("--raw", "--no-raw"):
            invocation = replace(invocation, decorated=option == "--no-raw")
        elif option in ("-u", "-h", "-p", "-n") and words:
            value = words.pop(0)
            match option:
                case "-u":
                    invocation = _located(invocation, value)
                case "-h":
                    invocation = replace(invocation, host=value)
                case "-p":
                    invocation = replace(invocation, port=int(value))
                case _:
                    invocation = replace(invocation, database=int(value))
        else:
            raise ValueError(f"unknown option, or one without its value: {option}")
    if not words:
        raise ValueError("no command (the stand-in has no interactive mode)")
    return replace(invocation, command=tuple(words))


def _located(invocation: Invocation, url: str) -> Invocation:
    parts = urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname:
        raise ValueError(f"not a URL like redis://127.0.0.1:6379/0: {url}")
    database = int(parts.path.strip("/") or 0)
    return replace(invocation, host=parts.hostname, port=parts.port or 6379, database=database)


def render(answer: object, *, decorated: bool, indent: str = "") -> str:
    """An answer of the server as redis-cli prints it."""
    match answer:
        case None:
            return "(nil)" if decorated else ""
        case bool() | int():
            return f"(integer) {int(answer)}" if decorated else str(int(answer))
        case bytes():
            text = answer.decode(errors="backslashreplace")
            return _quote(text) if decorated else text
        case list() | tuple():
            return _render_list(answer, decorated=decorated, indent=indent)
        case _:
            return str(answer)


def _render_list(answer: Sequence[object], *, decorated: bool, indent: str) -> str:
    if not decorated:
        return "\n".join(render(element, decorated=False) for element in answer)
    if not answer:
        return "(empty array)"
    width = len(str(len(answer)))
    lines = []
    for number, element in enumerate(answer, start=1):
        head = f"{number:>{width}}) "
        deeper = indent + " " * len(head)
        before = indent if number > 1 else ""
        lines.append(before + head + render(element, decorated=True, indent=deeper))
    return "\n".join(lines)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def main(argv: Sequence[str]) -> int:
    try:
        asked = parse(argv, terminal=sys.stdout.isatty())
    except ValueError as error:
        sys.stderr.write(f"redis-cli: {error}\n{_USAGE}\n")
        return 1
    import redis

    # The server's answers unchanged: the client would convert some of them.
    connection: Any = redis.Connection  # its methods carry no types
    client = connection(host=asked.host, port=asked.port, db=asked.database, protocol=2)
    try:
        client.connect()
        client.send_command(*asked.command)
        answer = client.read_response()
    except redis.ResponseError as error:
        sys.stdout.write(f"(error) {error}\n" if asked.decorated else f"{error}\n\n")
        return 1
    except redis.RedisError as error:
        sys.stderr.write(f"Could not connect to Redis at {asked.host}:{asked.port}: {error}\n")
        return 1
    finally:
        client.disconnect()
    text = render(answer, decorated=asked.decorated)
    sys.stdout.write(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
