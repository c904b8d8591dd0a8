"""The commands that a person could have typed instead."""

import json
from collections.abc import Mapping
from typing import Any

from stack.spec.names import DEFAULT_NAME


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


def labctl_for(lab: str, words: str) -> str:
    """A command of labctl for the lab of that name; the default lab need not be named.

    Args:
        words: The command and its arguments: "worker stop".
    """
    return f"labctl {words}" if lab == DEFAULT_NAME else f"labctl --name {lab} {words}"


def redis_cli(redis_url: str, *words: str) -> str:
    """A redis-cli command."""
    return f"redis-cli -u {redis_url} {' '.join(words)}"
