"""What all reports say of a run: outcome, verdict, faults, lost writes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from labctl.render.text import sentences
from labctl.render.text.figures import figure, measure
from labctl.reports.run_report import DISBELIEVED, LostWrite, RunReport
from scenarios.events import FaultInjected, Outcome
from scenarios.journal.lines import Environment
from scenarios.judge.verdict import Verdict

#: The columns of the list of lost writes, after the time.
LOST_COLUMNS: Final = ("name", "product", "version", "group", "why")


def outcome_of(report: RunReport) -> tuple[Outcome, str, str]:
    """The outcome of a run, its word, and the sentence that belongs to it. A run that is not whole has none,
    whatever it says of itself."""
    document = report.record.document
    if not report.whole:
        return "inconclusive", _state(report), DISBELIEVED[report.state == "complete"]
    outcome: Outcome | None = document["outcome"]
    if outcome is None:
        return "inconclusive", "NO OUTCOME", "The run does not say how it ended."
    return outcome, sentences.OUTCOMES[outcome], document["conclusion"]


def _state(report: RunReport) -> str:
    """Why a report is not of a whole run, in a word or two."""
    if report.lacks_verdict:
        return "NO VERDICT"
    if report.recheck.contradictions:
        return "DAMAGED"
    if report.trials is not None and report.state == "complete":
        return "NOT CONFIRMED"
    return "NOT AS RECORDED" if report.state == "complete" else report.state.upper()


def validity_of(report: RunReport, verdict: Verdict) -> str:
    """The verdict in a line."""
    if report.recheck.given is None:
        return "The run has no verdict. This is what can be said of its writes so far."
    return sentences.VALIDITIES[verdict.validity]


def verdict_sentences(verdict: Verdict) -> list[str]:
    """The loss, and what else there is to say."""
    said = [sentences.loss(verdict), *sentences.remarks(verdict)]
    return [f"{sentence[:1].upper()}{sentence[1:]}" for sentence in said]


def bite(fault: FaultInjected) -> str:
    """What the receipt says: whether the fault took effect, and if not, why."""
    return f"{sentences.RECEIPTS[fault.bit]}{f': {fault.why}' if fault.why else ''}"


def lost_row(write: LostWrite) -> tuple[str, ...]:
    """The cells of `LOST_COLUMNS`."""
    why = f"only in Redis at crash {write.crash}" if write.crash else "not in PostgreSQL"
    if write.overwritten_later:
        why += ", overwritten later"
    return (write.label, write.product, str(write.version), write.group, why)


def lost_total(report: RunReport) -> int:
    verdict = report.shown_verdict
    return verdict.fates.get("lost", 0) if verdict is not None else 0


def lost_sentence(report: RunReport) -> str:
    """How many are listed."""
    total, listed = lost_total(report), len(report.lost)
    said = f"{sentences.plural(total, 'acknowledged write')} lost."
    if total > listed:
        return f"{said} {figure(listed)} of them are listed here; the journal has them all."
    return said


def figures_of(report: RunReport) -> list[tuple[str, str]]:
    """Label and value of everything that the run measured."""
    measured = report.record.document["measured"].values()
    return [
        (one["label"], measure(one["value"], one["unit"])) for one in measured if one["value"] is not None
    ]


def parts_of(environment: Environment) -> dict[str, Mapping[str, Any]]:
    """Options, settings, services, versions and machine: the fields of each, by name."""
    return {
        "Options": environment.options,
        "Settings": environment.settings,
        "Services": environment.services,
        "Versions": environment.versions,
        "Machine": environment.machine,
    }


def made_on(report: RunReport) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Options, settings, versions, services and machine: name and value of each, for people."""
    clock = report.journal.environment.redis_clock_ahead_ms
    for title, fields in parts_of(report.journal.environment).items():
        shown = [(name.replace("_", " "), _setting(value)) for name, value in fields.items()]
        if title == "Machine" and clock is not None:
            shown.append(("clock of Redis ahead by", measure(clock, "ms")))
        if shown:
            yield title, shown


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return figure(value) if isinstance(value, int | float) else str(value)
