"""The commands that a person could have typed instead."""

import json
from collections.abc import Mapping
from typing import Any

from stack.topology import DEFAULT_NAME


def curl(method: str, url: str, value: Mapping[str, Any] | None = None) -> str:
    """A curl call, a line each for the call, the header and the body."""
    if value is None:
        return f"curl -s{'' if method == 'GET' else f' -X {method}'} {url}"
    header, body = "Content-Type: application/json", json.dumps(dict(value))
    return f"curl -s -X {method} {url} \\\n  -H '{header}' \\\n  -d '{body}'"


def psql(database_url: str, query: str) -> str:
    return f'psql {database_url} \\\n  -c "{query}"'


def labctl(name: str, words: str) -> str:
    """A call of labctl for the lab of that name."""
    return f"labctl {words}" if name == DEFAULT_NAME else f"labctl {words} --name {name}"


def redis_cli(redis_url: str, *words: str) -> str:
    return f"redis-cli -u {redis_url} {' '.join(words)}"
