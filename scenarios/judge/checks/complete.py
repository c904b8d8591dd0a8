"""Whether there is anything to judge, and whether all of it was read."""

from scenarios.judge.case import Case
from scenarios.judge.checks.result import Result


def acknowledged(count: int) -> Result:
    """At least one write was acknowledged."""
    if count:
        return Result()
    return Result(validity="unknown", reasons=("no write was acknowledged, so there is nothing to judge",))


def final_read(case: Case) -> Result:
    """Every part of the final read succeeded."""
    unread = case.read.unread
    # If Redis does not answer, several parts fail for one reason, which is named once.
    return Result(
        validity="unknown" if unread else "valid",
        reasons=tuple(dict.fromkeys(unread.values())),
        evidence=tuple(unread),
    )


def watched(case: Case) -> Result:
    """It was watched to the end whether Redis kept its memory."""
    why = case.history.unwatched
    return Result(validity="unknown", reasons=(why,)) if why else Result()
