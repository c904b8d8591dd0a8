"""What the list of runs shows of one run, from its journal."""

import math
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from scenarios.events import Measured, Outcome, ScenarioFinished, VerdictReached
from scenarios.journal.lines import EventLine, VerdictLine, WriteLine
from scenarios.journal.reader import Journal, State, decode_event, decode_verdict, open_journal
from scenarios.judge.checks.result import Validity
from scenarios.judge.persist_lag import percentiles
from stack.errors import StateUnusable

#: Rises when a field changes its meaning.
_VERSION = 3


class RunSummary(msgspec.Struct, kw_only=True, frozen=True):
    """One line of the list. None: unknown, or the run did not get that far."""

    version: int = _VERSION
    run: str
    #: damaged: the file can't be read as a journal.
    state: State | Literal["damaged"]
    started_at: str | None = None
    command: str | None = None
    scenario: str | None = None
    lab: str | None = None
    runtime: str | None = None
    policy: str | None = None
    window_ms: int | None = None
    batch_size: int | None = None
    #: As a load reported it of its hold; else of acknowledged writes, from the first sending to the last
    #: answer.
    writes_per_second: float | None = None
    #: From when a write was due to its answer: as a load reported it of its hold; else of acknowledged
    #: writes.
    p99_ms: float | None = None
    acknowledged: int | None = None
    lost: int | None = None
    verdict: Validity | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    #: Size of the journal, in bytes.
    bytes: int = 0
    #: Why it is damaged, or what is wrong with the end of it.
    damage: str = ""

    @classmethod
    def load(cls, kept: Path, journal: Path) -> "RunSummary | None":
        """The summary that was saved; None if it is not of this file, or of another version."""
        with suppress(OSError, msgspec.DecodeError):
            summary = msgspec.json.decode(kept.read_bytes(), type=cls)
            if summary.version == _VERSION and summary.bytes == journal.stat().st_size:
                return summary
        return None

    def save(self, kept: Path) -> None:
        """Raises OSError."""
        kept.write_bytes(msgspec.json.encode(self))


class _Seen:
    """What a pass through a journal gathers."""

    def __init__(self) -> None:
        self.ended: ScenarioFinished | None = None
        self.verdict: VerdictReached | None = None
        #: What the run itself reported, by the field.
        self.reported: dict[str, float] = {}
        self._latencies_us: Counter[int] = Counter()
        self._first, self._last = float("inf"), 0.0

    def take_write(self, line: WriteLine) -> None:
        if line.answer == "acknowledged":
            self._latencies_us[round(1e6 * (line.finished - line.begun))] += 1
            self._first, self._last = min(self._first, line.sent), max(self._last, line.finished)

    def take_event(self, line: EventLine) -> None:
        match decode_event(line):
            case Measured("p99_ms" | "writes_per_second" as key, _, value) if _is_number(value):
                self.reported[key] = float(value)
            case ScenarioFinished() as event:
                self.ended = event
            case _:
                pass

    @property
    def figures(self) -> dict[str, Any]:
        count = self._latencies_us.total()
        if not count:
            return self.reported
        seconds = self._last - self._first
        return {
            "p99_ms": percentiles(self._latencies_us, (99,))[0] / 1000,
            "writes_per_second": round(count / seconds, 1) if seconds > 0 else None,
            **self.reported,
        }


def _is_number(value: object) -> bool:
    # JSON has no other numbers.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def summarise(run: str, path: Path) -> RunSummary:
    """The summary of the journal there, whatever state it is in."""
    try:
        size = path.stat().st_size
        journal = open_journal(path)
        seen = _pass_through(journal)
    except (OSError, StateUnusable) as error:
        return RunSummary(run=run, state="damaged", damage=str(error))
    about, verdict = journal.environment, seen.verdict.verdict if seen.verdict else None
    return RunSummary(
        run=run,
        state=journal.state,
        started_at=about.started_at,
        command=about.command,
        scenario=about.scenario,
        lab=about.lab,
        runtime=about.runtime,
        policy=_setting(about.options, "policy", str) or _setting(about.settings, "write_policy", str),
        window_ms=_setting(about.settings, "coalescing_window_ms", int),
        batch_size=_setting(about.settings, "batch_size", int),
        acknowledged=verdict.acknowledged if verdict else None,
        lost=verdict.fates["lost"] if verdict else None,
        verdict=verdict.validity if verdict else None,
        outcome=seen.ended.outcome if seen.ended else None,
        seconds=seen.ended.seconds if seen.ended else None,
        bytes=size,
        damage="; ".join(journal.damage),
        **seen.figures,
    )


def _pass_through(journal: Journal) -> _Seen:
    seen = _Seen()
    for line in journal.lines():
        match line:
            case WriteLine():
                seen.take_write(line)
            case VerdictLine():
                seen.verdict = decode_verdict(line)
            case EventLine(name="Measured" | "ScenarioFinished"):
                seen.take_event(line)
            case _:
                pass
    return seen


def _setting(held: dict[str, Any], name: str, kind: type) -> Any:
    """An option or a setting; None if it is not of that kind."""
    value = held.get(name)
    return value if isinstance(value, kind) else None
