"""The end that all scenarios share: wait until it is quiet, read everything, judge."""

from collections.abc import Generator
from typing import Final

from scenarios.events import Event, Narrated, VerdictReached
from scenarios.lab import Lab
from scenarios.verdict import Verdict, judge

_QUIET_SECONDS: Final = 30.0


def reach_verdict(lab: Lab) -> Generator[Event, None, Verdict]:
    """Let the worker finish, read PostgreSQL and Redis, and judge every write of the ledger."""
    quiet = yield from lab.probe.settle(_QUIET_SECONDS)
    if not quiet:
        yield Narrated(
            f"The queue is not empty after {_QUIET_SECONDS:g} s: what is still in it counts as pending."
        )
    verdict = judge(lab.ledger.writes, lab.probe.findings(lab.ledger))
    yield VerdictReached(verdict)
    return verdict
