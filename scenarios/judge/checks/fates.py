"""What became of each acknowledged write: exactly one class, the first that matches.

| class | when |
| --- | --- |
| persisted | the row carries its version |
| superseded | the row carries a newer version, of a write that had not finished before this one began |
| dead-lettered | a dead letter holds its version and value, or those of a write that superseded it |
| pending | the same holds for an entry that is queued, in flight or waiting for a retry |
| lost | otherwise; also what was only in Redis when Redis lost its memory (see crashes.py) |
| undetermined | the class depends on something that could not be read, or was not seen in time |

`acknowledged` is the sum of all six. An undetermined write is in no other class: only what was seen is called
lost, or safe.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scenarios.judge.case import Case
from scenarios.judge.checks.crashes import Crash, Exposure, exposures
from scenarios.judge.checks.places import places, waits_itself
from scenarios.judge.checks.result import Counted, Result
from scenarios.judge.history import MemoryLoss
from scenarios.judge.ledger import Write

Class = Literal["persisted", "superseded", "dead_lettered", "pending", "lost", "undetermined"]

#: What a write is called that deletes its product.
DELETION: Final = "(delete)"
_OVERWRITTEN: Final = "Redis lost its memory, and their rows were replaced before they could be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One acknowledged write and what became of it."""

    product: str
    version: int
    group: str
    #: The product's name as written, or `DELETION`.
    label: str
    fate: Class
    #: The number of the crash, from 1, at which it was, or may have been, only in Redis; 0: none.
    crash: int = 0
    #: Whether it was lost at that crash and the product was written again afterwards.
    overwritten_later: bool = False
    #: Why it is undetermined; empty if it is not.
    why: str = ""


def judge_writes(case: Case) -> tuple[Judged, ...]:
    """Every acknowledged write with its class. One that can't be judged at all is undetermined."""
    try:
        exposed = exposures(case)
    except Exception as error:  # noqa: BLE001 - without the crashes no write can be called safe
        why = f"it is not known what the crashes cost ({type(error).__name__}: {error})"
        return tuple(_judged(write, "undetermined", why=why) for write in case.acknowledged)
    return tuple(_judge(case, write, exposed.get(n)) for n, write in enumerate(case.acknowledged))


def determined(judged: Sequence[Judged], unread: Collection[str]) -> Result:
    """The class of every acknowledged write is known.

    Args:
        unread: Why parts were not read; the check of the final read reports that already.
    """
    reasons = Counter("" if one.why in unread else one.why for one in judged if one.fate == "undetermined")
    return Result(
        validity="unknown" if reasons else "valid",
        reasons=tuple(_unknown(count, f": {why}" if why else "") for why, count in sorted(reasons.items())),
        evidence=tuple(sorted({one.product for one in judged if one.fate == "undetermined"})),
    )


def _unknown(count: int, why: str) -> Counted:
    before = "it is not known what became of "
    return Counted(count, f"acknowledged write{why}", f"acknowledged writes{why}", before)


def count_crashes(case: Case, judged: Sequence[Judged]) -> tuple[Crash, ...]:
    """What each loss of Redis's memory cost, in the order of the losses."""
    return tuple(
        _count(loss, [one for one in judged if one.crash == number])
        for number, loss in enumerate(case.history.losses, 1)
    )


def _count(loss: MemoryLoss, hit: Sequence[Judged]) -> Crash:
    lost = [one for one in hit if one.fate == "lost"]
    return Crash(
        exposed=len(lost),
        products=len({one.product for one in lost}),
        overwritten_later=sum(one.overwritten_later for one in lost),
        undetermined=len(hit) - len(lost),
        old_epoch=loss.old_epoch,
        new_epoch=loss.new_epoch,
    )


def _judge(case: Case, write: Write, exposure: Exposure | None) -> Judged:
    try:
        fate, why = _fate(case, write)
    except Exception as error:  # noqa: BLE001 - one write that can't be judged says nothing about the others
        fate, why = "undetermined", f"judging them failed ({type(error).__name__}: {error})"
    crash, overwritten = 0, False
    if exposure is not None and fate != "persisted":
        settled = fate not in ("lost", "undetermined")
        if exposure.certain:
            crash, overwritten, fate, why = exposure.crash, settled, "lost", ""
        elif settled:
            crash, fate, why = exposure.crash, "undetermined", _OVERWRITTEN
    return _judged(write, fate, crash=crash, overwritten_later=overwritten, why=why)


def _judged(
    write: Write, fate: Class, *, crash: int = 0, overwritten_later: bool = False, why: str = ""
) -> Judged:
    return Judged(
        product=write.product or "",
        version=write.version or 0,
        group=write.group,
        label=str(write.value["name"]) if write.value and "name" in write.value else DELETION,
        fate=fate,
        crash=crash,
        overwritten_later=overwritten_later,
        why=why,
    )


def _fate(case: Case, write: Write) -> tuple[Class, str]:
    unclear = ""
    for fate, answer, why in places(case, write):
        if answer == "yes":
            # A write whose own entry is pending is pending, even if the rest could not be read. One that was
            # replaced by another may have reached its row before.
            pending = fate == "pending" and unclear in case.read.unread.values() and waits_itself(case, write)
            return (fate, "") if not unclear or pending else ("undetermined", unclear)
        if answer == "unclear":
            unclear = unclear or why
    return ("undetermined", unclear) if unclear else ("lost", "")
