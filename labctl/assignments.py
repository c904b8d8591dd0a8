"""KEY=VALUE words of the command line."""

from collections.abc import Iterable

from stack.errors import UsageError


def parse_assignments(words: Iterable[str]) -> dict[str, str]:
    """Keys in capitals, as the environment has them.

    Raises:
        UsageError: a word is not KEY=VALUE, or a key comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        key, separator, value = word.partition("=")
        name = key.strip().upper().replace("-", "_")
        if not separator or not name:
            raise UsageError(f"{word!r} is no setting", hint="write KEY=VALUE, such as BATCH_SIZE=100")
        if name in found:
            raise UsageError(f"{name} is set twice", hint="give each setting once")
        found[name] = value
    return found


def parse_ports(words: Iterable[str]) -> dict[str, int]:
    """Ports by endpoint.

    Raises:
        UsageError: a word is not ENDPOINT=PORT.
    """
    ports: dict[str, int] = {}
    for key, value in parse_assignments(words).items():
        if not (value.isascii() and value.isdigit()):
            raise UsageError(f"{value!r} is no port", hint="write a whole number, such as --port api=8001")
        ports[key.lower()] = int(value)
    return ports
