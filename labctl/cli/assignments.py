"""KEY=VALUE words of the command line."""

from collections.abc import Iterable

from stack.errors import UsageError


def parse_assignments(words: Iterable[str], *, example: str = "BATCH_SIZE=100") -> dict[str, str]:
    """KEY=VALUE words as a dictionary, keys in capitals as in the environment; hints show `example`.

    Raises:
        UsageError: a word is not KEY=VALUE, or a key comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        key, separator, value = word.partition("=")
        name = key.strip().upper().replace("-", "_")
        if not separator or not name:
            raise UsageError(
                f"{word!r} is not KEY=VALUE", hint=f"write it with an equals sign, such as {example}"
            )
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
    for key, value in parse_assignments(words, example="api=8001").items():
        if not (value.isascii() and value.isdigit()):
            raise UsageError(f"{value!r} is not a port", hint="write a whole number, such as --port api=8001")
        # Settings are spelled with underscores, services with hyphens.
        ports[key.lower().replace("_", "-")] = int(value)
    return ports
