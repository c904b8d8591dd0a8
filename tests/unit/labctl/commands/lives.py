"""What a run has recorded of two products, and what an API tells of their lives."""

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

import msgspec

from scenarios.journal import files
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from service.traces.life import Now
from tests.journals import ENVIRONMENT, RUN, write_journal
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.histories import acknowledged, row, unknown, value
from tests.unit.scenarios.life.spans import FLUSHED, REQUEST, TRACE
from tests.unit.scenarios.scripted_api import status

#: What the API answers: a trace, and the newest traced writes.
ANSWER: Final = {"trace_id": TRACE, "spans": REQUEST, "linked": FLUSHED}
NEWEST: Final = {"writes": REQUEST[1:2]}


def life(product: str) -> dict[str, Any]:
    """What the API tells of a product that it does not know."""
    return {"product_id": product, "writes": [], "now": {}, "unread": []}


#: The life of a product that only PostgreSQL knows.
PLAIN: Final = {**life("p"), "now": msgspec.to_builtins(Now(row_version=7))}
#: The products that a run wrote, by id, and an older run.
NAMES: Final = {"p": "Kept-1", "q": "Lost 1"}
OLDER: Final = "20251231T120000Z-data-loss"


def routes(answers: dict[str, Any]) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer each path as said, and 404 elsewhere."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        known = handler.path in answers
        content = answers[handler.path] if known else {"title": "Not Found", "detail": "no such trace"}
        status(200 if known else 404, json.loads(msgspec.json.encode(content)))(handler)

    return answer


def record(cli: Cli, run: str = RUN, names: Mapping[str, str] | None = None) -> None:
    """A run that wrote two products, of which only the first reached PostgreSQL.

    Args:
        names: By product; by default, both have the same.
    """
    folder = cli.lab.directory.parent / files.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (one, first), (two, second) = (names or {"p": "Widget", "q": "Widget"}).items()
    writes = [
        acknowledged(one, 7, value(first), at=(2.0, 2.001)),
        acknowledged(two, 8, value(second), at=(2.0, 2.001)),
        unknown(None, value(first), operation="create"),
    ]
    findings = Findings(rows={one: row(7, value(first))}, since=1)
    environment = msgspec.structs.replace(ENVIRONMENT, run=run)
    write_journal(folder, History(writes=writes), findings, environment=environment)
