"""The figures of a trial, from its journal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scenarios.events import Measured, VerdictReached
from scenarios.journal.reader import open_journal
from stack.errors import StateUnusable

#: By the key of `Measured`, the figure's name here.
_NAMES: Final[Mapping[str, str]] = {
    "p50_ms": "p50",
    "p99_ms": "p99",
    "persist_lag_p50_ms": "persist_lag_p50",
    "persist_lag_p99_ms": "persist_lag_p99",
    "persist_lag_max_ms": "persist_lag_max",
}


def measure(journal: Path) -> dict[str, float]:
    """What a trial measured, by the names of `scenarios.experiment.trial`. What its journal does not say is
    left out."""
    figures: dict[str, float] = {}
    try:
        for _, event in open_journal(journal).events():
            match event:
                case Measured(key, _, int() | float() as value) if key in _NAMES:
                    figures[_NAMES[key]] = float(value)
                case VerdictReached(verdict):
                    figures["lost"] = verdict.fates["lost"]
                    figures["acknowledged"] = verdict.acknowledged
                case _:
                    pass
    except StateUnusable:
        return {}
    return figures
