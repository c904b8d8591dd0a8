"""Journals for tests, written by the product's own writer from a history and a final read."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scenarios.events import Event, ScenarioFinished, VerdictReached
from scenarios.journal import chain
from scenarios.journal.final_read import note_end_of_watch
from scenarios.journal.lines import AnyLine, Environment, FinalReadLine, PollLine, WaitingLine
from scenarios.journal.reader import Journal, open_journal
from scenarios.journal.writer import JournalWriter
from scenarios.judge.final_read import Findings, Part
from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger
from scenarios.judge.verdict import Verdict

RUN = "20260101T120000Z-data-loss"
ENVIRONMENT = Environment(
    run=RUN,
    command="demo data-loss",
    scenario="data-loss",
    lab="lab42",
    runtime="local",
    started_at="2026-01-01T12:00:00.000+00:00",
    settings={"write_policy": "write_behind", "coalescing_window_ms": 500, "batch_size": 500},
    versions={"labctl": "0.1.0", "python": "3.13.1"},
    services={"redis": "valkey 9.0.1", "postgres": "PostgreSQL 18.1"},
    machine={"system": "Linux 6.1", "cpus": 2, "memory_mb": 8192},
)
FINISHED = ScenarioFinished("data-loss", "expected", "as predicted", 1.5)


def write_journal(
    folder: Path,
    history: History,
    findings: Findings | None,
    *,
    events: Sequence[Event] = (),
    lines: Sequence[AnyLine] = (),
    environment: Environment = ENVIRONMENT,
    close: bool = True,
) -> Path:
    """The journal of a run that began at 0.

    Args:
        findings: None: the run was cut off before the final read.
        events: Noted before the writes, but for those that end a run.
        lines: Noted among them.
        close: Whether the run came to its end.
    """
    ledger = Ledger()
    writer = JournalWriter(ledger, 0.0)
    writer.start(folder / f"{environment.run}.jsonl", environment)
    for event in (event for event in events if not isinstance(event, VerdictReached | ScenarioFinished)):
        writer.note_event(event)
    for line in (*lines, *_polls(history)):
        writer.note(line)
    for write in history.writes:
        ledger.record(write)
    writer.flush()
    note_end_of_watch(writer, history.losses, {})
    for product, poll in history.sightings.waiting.items():
        writer.note(WaitingLine(product=product, poll=poll))
    if findings is not None:
        _note_findings(writer, findings, history.unwatched)
    for last in (event for event in events if isinstance(event, VerdictReached | ScenarioFinished)):
        writer.note_event(last)
    if close:
        writer.close()
    else:
        writer.stop()
    return next(iter(folder.glob(f"{environment.run}.jsonl*")))


def journal_of(folder: Path, history: History, findings: Findings | None, **how: Any) -> Journal:
    """The same, opened."""
    return open_journal(write_journal(folder, history, findings, **how))


def with_verdict(verdict: Verdict) -> list[Event]:
    """The events that end a run."""
    return [VerdictReached(verdict), FINISHED]


def rewritten(
    lines: Sequence[bytes], change: Callable[[int, dict[str, Any]], dict[str, Any] | None]
) -> bytes:
    """The lines of a journal, changed by somebody who knows how they are chained.

    Args:
        change: Takes each line's number and content, and returns what stands there instead; None: nothing.
    """
    written, number, total = [], 0, chain.START
    for place, line in enumerate(lines):
        content = json.loads(line)
        for name in ("v", "n", "sum"):
            del content[name]
        changed = change(place, content)
        if changed is not None:
            sealed, total = chain.seal(json.dumps(changed).encode(), number, total)
            written.append(sealed)
            number += 1
    return b"".join(written)


def _polls(history: History) -> list[PollLine]:
    rows: dict[int, list[tuple[str, int, int]]] = {}
    answered: dict[int, float] = {}
    for product, several in history.sightings.seen.items():
        for seen in several:
            rows.setdefault(seen.poll, []).append((product, seen.version, seen.asked))
            answered[seen.poll] = seen.at
    return [
        PollLine(at=answered.get(number, sent), number=number, sent=sent, rows=rows.get(number, []))
        for number, sent in enumerate(history.sightings.polls)
    ]


def _note_findings(writer: JournalWriter, findings: Findings, unwatched: str) -> None:
    several: dict[Part, Any] = {"dead_letters": findings.dead_letters, "pending": findings.pending}
    single: dict[Part, Any] = {"cached": findings.cached}
    for product, found in (*findings.rows.items(), *findings.unattributed.items()):
        writer.note(writer.encoder.stored(0.0, "rows", product, found))
    for part, held in several.items():
        for product, entries in held.items():
            for entry in entries:
                writer.note(writer.encoder.stored(0.0, part, product, entry))
    for part, held in single.items():
        for product, found in held.items():
            writer.note(writer.encoder.stored(0.0, part, product, found))
    unread = {str(part): why for part, why in findings.unread.items()}
    writer.note(
        FinalReadLine(since=findings.since, unread=unread, seen=dict(findings.seen), unwatched=unwatched)
    )
