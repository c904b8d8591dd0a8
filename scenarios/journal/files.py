"""Where journals are, and what their files are called."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

#: The folder of all labs' journals, in the state directory. It outlives the labs.
FOLDER: Final = "runs"
#: A journal that is being written, or was cut off; and one that was closed.
OPEN: Final = ".jsonl"
CLOSED: Final = ".jsonl.gz"
_YEAR_DIGITS: Final = 4
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_RUN: Final = re.compile(r"\d{8}T\d{6}Z(\.\d+)?-[a-z0-9-]+")


def new_runs(folder: Path, scenario: str, now: datetime | None = None) -> Iterator[str]:
    """Names for a run that begins now: "20260131T180000Z-data-loss", or "20260131T180000Z.2-data-loss" if
    another one began in the same second. There is no end of them."""
    stamp = f"{now or datetime.now(UTC):{_STAMP}}"
    moments = (stamp if n == 1 else f"{stamp}.{n}" for n in count(1))
    return (f"{moment}-{scenario}" for moment in moments if not any(folder.glob(f"{moment}-*")))


def run_of(path: Path) -> str | None:
    """The run that a file is the journal of; None: it is not called like one."""
    name = path.name.removesuffix(".gz")
    run = name.removesuffix(OPEN)
    return run if name.endswith(OPEN) and is_run(run) else None


def is_run(name: str) -> bool:
    """Whether a run may be called so."""
    return _RUN.fullmatch(name) is not None


def short_name(run: str) -> str:
    """What people type for a run: month, day and time, UTC: "0131T180000"."""
    return run[_YEAR_DIGITS:].partition("-")[0].removesuffix("Z")


def scenario_of(run: str) -> str:
    """The scenario's name in a run's name."""
    return run.partition("-")[2]


def journals(folder: Path) -> dict[str, Path]:
    """The journals there by run, oldest first. Of a run with two files, the closed one counts only if the
    open one is gone: until then it may be incomplete."""
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    # An open journal sorts before the closed one of the same run.
    for path in sorted(folder.iterdir()):
        if (run := run_of(path)) is not None:
            found.setdefault(run, path)
    return dict(sorted(found.items(), key=lambda each: _moment(each[0])))


def _moment(run: str) -> tuple[str, int, str]:
    """By what runs are sorted: when they began, and among those of one second, by their number."""
    moment, _, scenario = run.partition("-")
    second, _, number = moment.partition(".")
    return second, int(number or 1), scenario
