"""The commands that a person could have typed instead."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from stack.spec.names import DEFAULT_NAME

#: A call of labctl in a sentence, unless it names its lab already, or is the same for all.
_CALL: Final = re.compile(r"`labctl (?![^`]*--(?:name|help)\b)([^`]+)`")


def curl(
    method: str, url: str, value: Mapping[str, Any] | None = None, *, policy: str = "", timed: bool = False
) -> str:
    """A curl command, with its headers and its body on lines of their own.

    Args:
        policy: The write policy for this one write.
        timed: It prints how long the answer took instead of the answer.
    """
    shown = " -o /dev/null -w '%{time_total}\\n'" if timed else ""
    verb = "" if value is None and method == "GET" else f" -X {method}"
    lines = [f"curl -s{shown}{verb} {url}"]
    if value is not None:
        lines.append("-H 'Content-Type: application/json'")
    if policy:
        lines.append(f"-H 'X-Write-Policy: {policy}'")
    if value is not None:
        lines.append(f"-d '{json.dumps(dict(value))}'")
    return " \\\n  ".join(lines)


def psql(database_url: str, query: str) -> str:
    """A psql command that runs the query."""
    return f'psql {database_url} \\\n  -c "{query}"'


def labctl(name: str, words: str) -> str:
    """A call of labctl for the lab of that name."""
    if name == DEFAULT_NAME:
        return f"labctl {words}"
    verb, _, rest = words.partition(" ")
    # What follows `--` belongs to another program.
    return f"labctl {verb} --name {name} {rest}" if " -- " in words else f"labctl {words} --name {name}"


def address(text: str, name: str) -> str:
    """The text with every `labctl …` in backticks made a call for the lab of that name: hints are written
    where nobody knows for which lab they will be read."""
    if name == DEFAULT_NAME:
        return text
    return _CALL.sub(lambda call: f"`{labctl(name, call[1])}`", text)


def redis_cli(redis_url: str, *words: str) -> str:
    """A redis-cli command."""
    return f"redis-cli -u {redis_url} {' '.join(words)}"
