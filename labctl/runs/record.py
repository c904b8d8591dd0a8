"""The record of a run: what its events said, as one JSON document, and back again."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import msgspec

from labctl.render.handler import EventHandler
from labctl.render.text import sentences
from scenarios.events import (
    Checked,
    Event,
    LoadSampled,
    Measured,
    Narrated,
    Outcome,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    TableShown,
    VerdictReached,
)
from scenarios.judge.verdict import Verdict
from stack.spec.events import Advanced, ServiceChanged

#: Version of the document's shape; it rises when a field changes its meaning or goes away.
SCHEMA: Final = 2
#: The outcomes from best to worst; the worst run decides for several.
SEVERITY: Final[tuple[Outcome, ...]] = ("expected", "inconclusive", "unexpected")
#: A load judges a hundred thousand writes; a record that lists them all would weigh tens of MB.
_ALL_JUDGED: Final = 1_000


class RunRecord(EventHandler):
    """Gathers the events of one scenario's run."""

    def __init__(self) -> None:
        self._finished: ScenarioFinished | None = None
        self._document: dict[str, Any] = {
            "schema": SCHEMA,
            "scenario": "",
            "title": "",
            "summary": "",
            "outcome": None,
            "conclusion": "",
            "seconds": None,
            "steps": [],
            "measured": {},
            "tables": {},
            "checks": [],
            "samples": [],
            "verdict": None,
        }

    @property
    def finished(self) -> ScenarioFinished:
        """How the run ended; only for a run that has ended."""
        if self._finished is None:
            raise LookupError("the run has not come to its end")
        return self._finished

    @property
    def document(self) -> dict[str, Any]:
        return self._document

    def start_scenario(self, event: ScenarioStarted) -> None:
        self._document |= {"scenario": event.name, "title": event.title, "summary": event.summary}

    def start_step(self, event: StepStarted) -> None:
        self._document["steps"].append({**asdict(event), "notes": []})

    def narrate(self, event: Narrated) -> None:
        self.note(event.text)

    def change_service(self, event: ServiceChanged) -> None:
        self.note(sentences.service(event))

    def note(self, text: str) -> None:
        # What is told before the first step (the lab coming up) belongs to none.
        if self._document["steps"]:
            self._document["steps"][-1]["notes"].append(text)

    def measure(self, event: Measured) -> None:
        self._document["measured"][event.key] = _without_key(event)

    def show_table(self, event: TableShown) -> None:
        self._document["tables"][event.key] = _without_key(event)

    def check(self, event: Checked) -> None:
        self._document["checks"].append(asdict(event))

    def sample_load(self, event: LoadSampled) -> None:
        self._document["samples"].append(asdict(event))

    def advance(self, event: Advanced) -> None:
        """Progress is only for the screen; the figures tell the result."""

    def conclude(self, verdict: Verdict) -> None:
        self._document["verdict"] = _verdict_document(verdict)

    def finish_scenario(self, event: ScenarioFinished) -> None:
        self._finished = event
        self._document |= {
            "outcome": event.outcome,
            "conclusion": event.conclusion,
            "seconds": round(event.seconds, 3),
        }


def _without_key(event: Measured | TableShown) -> dict[str, Any]:
    """The fields of an event that is listed under its key."""
    return {name: value for name, value in msgspec.to_builtins(event).items() if name != "key"}


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict with every judged write, or, after a long load, with those that need a look."""
    judged = verdict.judged
    if len(judged) > _ALL_JUDGED:
        judged = tuple(write for write in judged if write.fate not in ("persisted", "superseded"))
    document = replace(verdict, judged=judged).to_json()
    return {**document, "judged_left_out": len(verdict.judged) - len(judged)}


def replay(document: Mapping[str, Any]) -> Iterator[Event]:
    """The results of a recorded run as events, for a renderer to show again.

    Raises:
        ValueError: the document is not a record of this schema.
    """
    if document.get("schema") != SCHEMA:
        raise ValueError(f"written with schema {document.get('schema')!r}, not {SCHEMA}")
    try:
        yield from list(_events(document))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a complete record: {error}") from error


def _events(document: Mapping[str, Any]) -> Iterator[Event]:
    yield ScenarioStarted(
        document["scenario"], document["title"], document["summary"], len(document["steps"])
    )
    for key, found in document["measured"].items():
        yield Measured(key, found["label"], found["value"], found["unit"])
    for key, table in document["tables"].items():
        rows = tuple(tuple(row) for row in table["rows"])
        yield TableShown(key, table["title"], tuple(table["columns"]), rows)
    for check in document["checks"]:
        yield Checked(**check)
    if document["verdict"] is not None:
        yield VerdictReached(msgspec.convert(document["verdict"], Verdict))
    yield ScenarioFinished(
        document["scenario"], document["outcome"], document["conclusion"], document["seconds"]
    )
