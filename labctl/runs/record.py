"""The record of a run: what its events said, as one JSON document, and back again."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final, assert_never

import msgspec

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
from stack.spec.events import Advanced, ServiceChanged, StackNoted

#: Version of the document's shape; it rises when a field changes its meaning or goes away.
SCHEMA: Final = 2
#: The outcomes from best to worst; the worst run decides for several.
SEVERITY: Final[tuple[Outcome, ...]] = ("expected", "inconclusive", "unexpected")


#: A load judges a hundred thousand writes; a record that lists them all would weigh tens of MB.
_ALL_JUDGED: Final = 1_000


class RunRecord:
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

    def on(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case ScenarioStarted():
                self._document |= {"scenario": event.name, "title": event.title, "summary": event.summary}
            case StepStarted():
                self._document["steps"].append({**asdict(event), "notes": []})
            case Narrated() | ServiceChanged() | StackNoted():
                self._note(_sentence(event))
            case Measured() | TableShown() | Checked() | LoadSampled() | VerdictReached():
                self._result(event)
            case ScenarioFinished():
                self._finished = event
                self._document |= {
                    "outcome": event.outcome,
                    "conclusion": event.conclusion,
                    "seconds": round(event.seconds, 3),
                }
            case Advanced():
                # Progress is only for the screen; the figures tell the result.
                pass
            case _:
                assert_never(event)

    def _result(self, event: Measured | TableShown | Checked | LoadSampled | VerdictReached) -> None:
        match event:
            case Measured():
                value = {"label": event.label, "value": event.value, "unit": event.unit}
                self._document["measured"][event.key] = value
            case TableShown():
                table = {"title": event.title, "columns": list(event.columns)}
                self._document["tables"][event.key] = {**table, "rows": [list(row) for row in event.rows]}
            case Checked():
                self._document["checks"].append(asdict(event))
            case LoadSampled():
                self._document["samples"].append(asdict(event))
            case VerdictReached():
                self._document["verdict"] = _verdict_document(event.verdict)
            case _:
                assert_never(event)

    def _note(self, sentence: str) -> None:
        # Events before the first step (the lab coming up) belong to none.
        if self._document["steps"]:
            self._document["steps"][-1]["notes"].append(sentence)


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict with every judged write, or, after a long load, with those that need a look."""
    judged = verdict.judged
    if len(judged) > _ALL_JUDGED:
        judged = tuple(write for write in judged if write.fate not in ("persisted", "superseded"))
    document = replace(verdict, judged=judged).to_json()
    return {**document, "judged_left_out": len(verdict.judged) - len(judged)}


def _sentence(event: Narrated | ServiceChanged | StackNoted) -> str:
    if isinstance(event, ServiceChanged):
        return f"{event.service}: {event.state}{f' ({event.detail})' if event.detail else ''}"
    return event.text


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
        yield VerdictReached(_verdict(document["verdict"]))
    yield ScenarioFinished(
        document["scenario"], document["outcome"], document["conclusion"], document["seconds"]
    )


def _verdict(document: Mapping[str, Any]) -> Verdict:

    return msgspec.convert(document, Verdict)
