"""compare: two runs side by side, with how certain each difference is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.render.text.sentences import CHECKS
from labctl.runs.store import LAST, open_runs
from scenarios.events import Checked, Event, Narrated, TableShown
from scenarios.figures.bootstrap import Interval
from scenarios.figures.changes import Change
from scenarios.figures.comparison import THRESHOLD, ComparedCheck, Comparison
from scenarios.figures.comparison import compare as compare_runs
from scenarios.figures.names import FIGURES
from scenarios.figures.run_figures import has_interval
from scenarios.figures.words import cell, difference, limits
from scenarios.journal.reader import Journal
from scenarios.recheck.recheck import Recheck, recheck_with_figures
from stack.errors import UsageError
from stack.spec.events import StackNoted

app = typer.Typer()

_Result = Literal["not worse", "worse", "inconclusive"]
_EXIT_CODES: Final[Mapping[_Result, int]] = {"not worse": 0, "worse": 1, "inconclusive": 3}
_PASSED: Final[Mapping[_Result, bool | None]] = {"not worse": True, "worse": False, "inconclusive": None}
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?) ?%?", re.ASCII)
_OTHER: Final = "These are runs of different scenarios: a figure may not mean the same in both."
_NOISE: Final = (
    "The intervals show what varied within each run, by blocks of a second and more. What differs from one "
    "run to the next, such as what else the machine does, is not in them: `labctl experiment` repeats runs "
    "to show it."
)


@output_command(app)
def compare(
    output: Output,
    before: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            autocompletion=completions.runs,
            help="The run to measure by: a run, `last`, a demo's name, or a journal's file.",
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(metavar="RUN", autocompletion=completions.runs, help="The run to compare with it."),
    ] = LAST,
    threshold: Annotated[
        str,
        typer.Option(
            "--threshold",
            metavar="PERCENT",
            help="How much slower a figure may be, if that is more than noise.",
        ),
    ] = f"{100 * THRESHOLD:g}%",
) -> None:
    """Compare two runs: figures, with their uncertainty, and checks.

    Exit code 0: not worse; 1: worse; 3: a run was cut off or is damaged, or nothing was measured in both.

    Worse: slower by more than --threshold and by more than noise; more lost,
    never sent or failed; or a check that newly fails.
    """
    share = _share(threshold)
    runs = open_runs(output.name, output.runtime)
    journals = [runs.open(word) for word in (before, after)]
    (base, figures), (run, other_figures) = map(recheck_with_figures, journals)
    comparison = compare_runs(figures, other_figures, threshold=share)
    obstacles = list(_obstacles((base, run), comparison))
    result, conclusion = _concluded(comparison, obstacles)
    document = _document(journals, comparison, result, conclusion)
    output.answer(document, *_events(journals, comparison, obstacles), _check_of(result, conclusion))
    output.renderer.close()
    raise typer.Exit(_EXIT_CODES[result])


def _share(threshold: str) -> float:
    match = _PERCENT.fullmatch(threshold.strip())
    if match is None:
        raise UsageError(f"--threshold can't be {threshold!r}", hint="give a percentage, such as 10%")
    return float(match[1]) / 100


def _obstacles(rechecked: Sequence[Recheck], comparison: Comparison) -> Iterator[str]:
    """Why nothing can be concluded."""
    for each in rechecked:
        if each.result != "same":
            yield f"{each.run}: {each.conclusion.removesuffix('.')}"
        elif each.state != "complete":
            yield f"{each.run} is {each.state}"
    if all(change.kind == "missing" for change in comparison.changes):
        yield "nothing was measured in both runs"


def _check_of(result: _Result, conclusion: str) -> Checked:
    return Checked("the run is not worse than the base", "not worse", conclusion, _PASSED[result])


def _concluded(comparison: Comparison, obstacles: list[str]) -> tuple[_Result, str]:
    if obstacles:
        return "inconclusive", f"inconclusive: {'; '.join(obstacles)}"
    reasons = comparison.reasons
    if reasons:
        return "worse", f"worse: {'; '.join(reasons)}"
    unclear = [
        change.name for change in comparison.changes if change.kind == "unclear" and has_interval(change.name)
    ]
    if unclear:
        names = ", ".join(unclear)
        return "not worse", f"not worse, as far as can be told: nothing is concluded from {names}"
    return "not worse", "not worse"


def _events(journals: list[Journal], comparison: Comparison, obstacles: list[str]) -> list[Event]:
    differences = tuple((each.what, each.before, each.after) for each in comparison.differences)
    told: list[Event] = [TableShown("runs", "", ("", "command", "run"), _runs(journals))]
    told += [StackNoted(f"{text}.") for text in obstacles]
    if differences:
        told.append(TableShown("differences", "Differences", ("", "base", "run"), differences))
        told += [Narrated(_OTHER) for each in comparison.differences if each.what == "scenario"]
    else:
        told.append(StackNoted("Same scenario, settings, versions and machine."))
    columns = ("figure", "base", "run", "change", "its 95 % interval")
    shown = [change for change in comparison.changes if _is_shown(change)]
    told.append(TableShown("figures", "Figures", columns, tuple(map(_row, shown))))
    sentences = tuple((f"{change.sentence}.",) for change in shown if change.kind != "same")
    told.append(TableShown("sentences", "In words", ("",), sentences))
    if any(change.interval for change in comparison.changes):
        told.append(Narrated(_NOISE, "matters"))
    rows = tuple(
        (each.state, each.claim, _word(each.before), _word(each.after)) for each in comparison.checks
    )
    return [*told, TableShown("checks", "Checks", ("", "check", "base", "run"), rows)]


def _runs(journals: list[Journal]) -> tuple[tuple[str, ...], ...]:
    words = ("base", "run")
    return tuple(
        (word, journal.environment.command, journal.run)
        for word, journal in zip(words, journals, strict=True)
    )


def _is_shown(change: Change) -> bool:
    """What neither run has any of goes without saying, unless it is a loss."""
    return change.kind != "same" or bool(change.before) or change.name == "lost"


def _row(change: Change) -> tuple[str, ...]:
    about, values = FIGURES[change.name], (change.before, change.after)
    before, after = ("-" if value is None else cell(about, value) for value in values)
    by = ""
    if change.before is not None and change.after is not None:
        by = difference(about, change.before, change.after)
    within = limits(about, change.interval.low, change.interval.high) if change.interval else ""
    return change.name, before, after, by, within


def _word(check: Checked | None) -> str:
    if check is None:
        return "-"
    return CHECKS[check.passed]


def _document(
    journals: list[Journal], comparison: Comparison, result: _Result, conclusion: str
) -> dict[str, Any]:
    base, run = (journal.run for journal in journals)
    return {
        "base": base,
        "run": run,
        "result": result,
        "conclusion": conclusion,
        "differences": [msgspec.to_builtins(each) for each in comparison.differences],
        "figures": {change.name: _figure(change) for change in comparison.changes},
        "checks": [_check(each) for each in comparison.checks],
    }


def _figure(change: Change) -> dict[str, Any]:
    return {
        "unit": FIGURES[change.name].unit,
        "base": change.before,
        "base_interval": _pair(change.before_interval),
        "run": change.after,
        "run_interval": _pair(change.after_interval),
        "change": change.share,
        "difference_interval": _pair(change.interval),
        "judgement": change.kind,
        "sentence": change.sentence,
    }


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.low, 3), round(interval.high, 3)]


def _check(check: ComparedCheck) -> dict[str, Any]:
    return {
        "check": check.claim,
        "state": check.state,
        "base": None if check.before is None else check.before.actual,
        "run": None if check.after is None else check.after.actual,
    }
