"""The end that all scenarios share: wait until it is quiet, read everything, judge, conclude."""

from collections.abc import Generator, Iterable
from typing import Final

from scenarios.commands import address
from scenarios.events import Checked, Event, Narrated, VerdictReached
from scenarios.lab import Lab
from scenarios.scenario import Conclusion
from scenarios.verdict import Verdict, judge
from stack.errors import NotRunning

_QUIET_SECONDS: Final = 30.0


def reach_verdict(lab: Lab) -> Generator[Event, None, Verdict]:
    """Let the worker finish, read PostgreSQL and Redis, and judge every write of the ledger."""
    findings = None
    try:
        if not (yield from lab.probe.settle(_QUIET_SECONDS)):
            yield Narrated(
                f"The queue is not empty after {_QUIET_SECONDS:g} s: what is still in it counts as pending."
            )
        findings = lab.probe.findings(lab.ledger)
    except NotRunning as error:
        # Without the final read nothing is known, and the verdict has to say so.
        yield Narrated(f"{error.message}. {address(error.hint, lab.stack.name)}.")
    verdict = judge(lab.ledger.writes, findings)
    yield VerdictReached(verdict)
    if verdict.fates["superseded"]:
        yield Narrated(
            "Superseded: replaced by a newer write of the same product, before or after it reached "
            "PostgreSQL. Coalesced are those that were replaced before."
        )
    return verdict


def conclude(verdict: Verdict, events: Iterable[Event], text: str) -> Conclusion:
    """How a scenario ended that predicts a valid verdict.

    Args:
        events: Its checks may be among others.
        text: The conclusion if everything came as predicted.
    """
    contradicted = contradictions(event for event in events if isinstance(event, Checked))
    if verdict.validity == "unknown":
        return Conclusion("inconclusive", "; ".join(verdict.reasons))
    if verdict.validity == "valid" and not contradicted:
        return Conclusion("expected", text)
    return Conclusion("unexpected", ". ".join([*contradicted, *verdict.reasons]))


def contradictions(checks: Iterable[Checked]) -> list[str]:
    """What was predicted and not measured, a sentence for each."""
    return [
        f"Predicted: {check.claim}; measured: {check.actual}, not {check.expected}"
        for check in checks
        if not check.passed
    ]
