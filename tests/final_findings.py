"""The final read and the history in memory, for tests that judge without a journal."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from scenarios.judge.final_read import Findings, Part, StoredValue
from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger
from scenarios.lab.probe import Probe
from scenarios.watch.watcher import Watcher
from stack.errors import NotRunning

Found = Iterable[tuple[str, StoredValue]]


def read_findings(probe: Probe, ledger: Ledger) -> Findings:
    """What PostgreSQL and Redis hold of the ledger's products."""
    named = ledger.products()
    products, unread = sorted(named), dict[Part, str]()

    def read(part: Part, look: Callable[[], Found]) -> Iterator[tuple[str, StoredValue]]:
        try:
            yield from look()
        except NotRunning as error:
            unread[part] = error.message

    rows = dict(read("rows", lambda: probe.all_rows([products])))
    dead = _grouped(read("dead_letters", probe.dead))
    pending = _grouped(read("pending", lambda: chain(probe.entries_of(products), probe.backlog())))
    return Findings(
        rows={product: row for product, row in rows.items() if product in named},
        unattributed={p: row for p, row in rows.items() if p not in named and row.version > probe.since},
        dead_letters=dead,
        pending=pending,
        cached=dict(read("cached", lambda: probe.cached(products))),
        seen={product: version for product, version in probe.versions.items() if product in named},
        since=probe.since,
        unread=unread,
    )


def history_of(watcher: Watcher, ledger: Ledger) -> History:
    """What happened up to now. This ends the watching."""
    watcher.end()
    return History(
        writes=ledger.writes,
        sightings=watcher.rows.sightings,
        losses=tuple(watcher.memory.losses),
        unwatched=watcher.unwatched,
    )


def _grouped(found: Found) -> Mapping[str, list[StoredValue]]:
    grouped: dict[str, list[StoredValue]] = {}
    for product, value in found:
        grouped.setdefault(product, []).append(value)
    return grouped
