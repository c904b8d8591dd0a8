"""The verdict: a pure function of what happened and of what is found once the stack is quiet.

The shape is Jepsen's: operations are plain data, judgement comes after the run, and whatever could not be
established is unknown, never valid (https://github.com/jepsen-io/jepsen, checker.clj).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from scenarios.judge.case import Case
from scenarios.judge.checks import cache, complete, entries, fates, rows
from scenarios.judge.checks.crashes import Crash
from scenarios.judge.checks.fates import Class, Judged
from scenarios.judge.checks.result import Check, Result, Validity, compose, merge
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.ledger import Write

#: Version of the JSON shape.
SCHEMA: Final = 2
#: Every check but those of the classes, which rest on the judged writes. A new one is a function and a line.
CHECKS: Final[Mapping[str, Check]] = {
    "acknowledged": complete.acknowledged,
    "final_read": complete.final_read,
    "watched": complete.watched,
    "recovered": rows.recovered,
    "unexpected": rows.unexpected,
    "unexplained": entries.unexplained,
    "regressed": rows.regressed,
    "diverged": cache.diverged,
}
#: The checks whose evidence is a list of products in its own right.
_FINDINGS: Final = ("recovered", "unexpected", "regressed", "diverged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of every write. `acknowledged` equals the sum of `fates`, always."""

    validity: Validity
    #: Why the validity is not `valid`: one sentence each; empty when it is.
    reasons: tuple[str, ...]
    acknowledged: int
    refused: int
    unknown: int
    #: Acknowledged writes by class; every class is present.
    fates: Mapping[Class, int]
    judged: tuple[Judged, ...]
    #: Products whose last acknowledged value is lost.
    lost_products: tuple[str, ...]
    #: What each loss of Redis' memory cost.
    crashes: tuple[Crash, ...]
    #: What every check says, by its name.
    checks: Mapping[str, Result]

    @property
    def recovered(self) -> tuple[str, ...]:
        """Products of unknown writes that were found persisted."""
        return self._evidence("recovered")

    @property
    def unexpected(self) -> tuple[str, ...]:
        """In the database, but never attempted, or refused, or not as it was acknowledged."""
        return self._evidence("unexpected")

    @property
    def regressed(self) -> tuple[str, ...]:
        """Rows older than they were seen earlier, or gone."""
        return self._evidence("regressed")

    @property
    def diverged(self) -> tuple[str, ...]:
        """Cache entry differs from the row after quiet."""
        return self._evidence("diverged")

    def _evidence(self, check: str) -> tuple[str, ...]:
        result = self.checks.get(check)
        return result.evidence if result else ()

    def to_json(self) -> dict[str, Any]:
        """A document with a schema version; the judged writes come last."""
        document = asdict(self)
        judged = document.pop("judged")
        findings = {name: self._evidence(name) for name in _FINDINGS}
        return {"schema": SCHEMA, **document, **findings, "judged": judged}


def judge(history: History, findings: Findings) -> Verdict:
    """Judge every write of the ledger.

    Args:
        findings: The final read; what could not be read of it is named there.
    """
    case = Case.of(history, findings)
    judged = fates.judge_writes(case)
    counted = Counter(one.fate for one in judged)
    sums: dict[Class, int] = {fate: counted[fate] for fate in get_args(Class)}
    results = compose(
        {
            **CHECKS,
            "determined": lambda case: fates.determined(judged, findings.unread.values()),
            "classes": lambda case: _add_up(sums, len(case.acknowledged)),
        },
        case,
    )
    answers = Counter(write.answer for write in history.writes)
    return Verdict(
        validity=merge(result.validity for result in results.values()),
        reasons=tuple(dict.fromkeys(reason for result in results.values() for reason in result.reasons)),
        acknowledged=len(case.acknowledged),
        refused=answers["refused"],
        unknown=answers["unknown"],
        fates=sums,
        judged=judged,
        lost_products=_lost_products(case.acknowledged, judged),
        crashes=fates.count_crashes(case, judged),
        checks=results,
    )


def _add_up(sums: Mapping[Class, int], acknowledged: int) -> Result:
    if sum(sums.values()) == acknowledged:
        return Result()
    return Result(validity="invalid", reasons=("the classes do not add up to the acknowledged writes",))


def _lost_products(acknowledged: Sequence[Write], judged: Sequence[Judged]) -> tuple[str, ...]:
    """Products whose last acknowledged write is lost. Last is, of those that no other one followed, that of
    the highest version: the order of what overlapped is the versions' to say."""
    by_product: dict[str, list[tuple[Write, Judged]]] = defaultdict(list)
    for write, one in zip(acknowledged, judged, strict=True):
        by_product[one.product].append((write, one))
    lost = set()
    for product, writes in by_product.items():
        last_sent = max(write.sent_at for write, _ in writes)
        followed = [(write.over_at < last_sent, one) for write, one in writes]
        _, last = max(followed, key=lambda pair: (not pair[0], pair[1].version))
        if last.fate == "lost":
            lost.add(product)
    return tuple(sorted(lost))
