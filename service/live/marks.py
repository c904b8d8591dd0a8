"""Marks: what runs of labctl tell the API, so that the page can draw steps and faults where they happened."""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from service.live.bodies import parse
from service.live.errors import InvalidMark

Kind = Literal["run", "step", "fault", "end"]
Outcome = Literal["expected", "unexpected", "inconclusive", "interrupted"]
#: The run of marks that no run of labctl made: those of the page's own controls.
PAGE_RUN: Final = "page"


class Mark(Struct, frozen=True, kw_only=True):
    """One thing that a run did."""

    run: Annotated[
        str, Meta(min_length=1, max_length=100, description="Which run, the same in all its marks")
    ]
    scenario: Annotated[str, Meta(max_length=100, description="What it runs")] = ""
    kind: Kind
    at: Annotated[float, Meta(ge=0, le=1e11, description="Unix time, in s")]
    label: Annotated[str, Meta(max_length=200, description="What the page shows")] = ""
    detail: Annotated[str, Meta(max_length=2_000)] = ""
    number: Annotated[float, Meta(ge=0, le=10_000, multiple_of=1, description="Of a step")] | None = None
    outcome: Annotated[Outcome, Meta(description="Of the run, with its end")] | None = None
    figures: (
        Annotated[
            Mapping[Annotated[str, Meta(max_length=60)], Annotated[float, Meta(ge=0)] | None],
            Meta(max_length=40, description="Of the run, with its end: acknowledged, lost, ..."),
        ]
        | None
    ) = None


class KnownRun(Struct, frozen=True, kw_only=True):
    """A run, as far as its marks tell."""

    run: str
    scenario: str
    started_at: Annotated[float, Meta(description="Unix time, in s")]
    ended_at: Annotated[float, Meta(description="Unix time, in s")] | None = None
    outcome: Outcome | None = None
    label: str = ""
    detail: str = ""
    figures: Mapping[str, float | None] | None = None


_decoder: Final = msgspec.json.Decoder(Mark)
#: How far the clock of whoever sends a mark may be ahead of this one.
_CLOCKS_DIFFER_S: Final = 3_600.0


def parse_mark(body: bytes) -> Mark:
    """The mark in a request's body.

    Raises:
        InvalidMark: it is not one.
    """
    mark = parse(_decoder, body, InvalidMark)
    # One from the future would head the list of runs for good.
    return msgspec.structs.replace(mark, at=min(mark.at, time.time() + _CLOCKS_DIFFER_S))


def begin_run(mark: Mark) -> KnownRun:
    """What is known of a run after its first mark."""
    run = KnownRun(
        run=mark.run, scenario=mark.scenario, started_at=mark.at, label=mark.label, detail=mark.detail
    )
    return end_run(run, mark) if mark.kind == "end" else run


def end_run(run: KnownRun, mark: Mark) -> KnownRun:
    """What is known of a run after its end mark."""
    ended_at = max(mark.at, run.started_at)
    changes: dict[str, Any] = {"ended_at": ended_at, "outcome": mark.outcome, "figures": mark.figures}
    told = {name: value for name in ("label", "detail") if (value := getattr(mark, name))}
    return msgspec.structs.replace(run, **changes, **told)
