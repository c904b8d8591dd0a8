"""The commands that a person could have typed instead."""

import json
from collections.abc import Mapping
from typing import Any


def curl(method: str, url: str, value: Mapping[str, Any] | None = None) -> str:
    """A curl call, a line each for the call, the header and the body."""
    if value is None:
        return f"curl -s{'' if method == 'GET' else f' -X {method}'} {url}"
    header, body = "Content-Type: application/json", json.dumps(dict(value))
    return f"curl -s -X {method} {url} \\\n  -H '{header}' \\\n  -d '{body}'"


def psql(database_url: str, query: str) -> str:
    return f'psql {database_url} \\\n  -c "{query}"'


def redis_cli(redis_url: str, *words: str) -> str:
    return f"redis-cli -u {redis_url} {' '.join(words)}"
