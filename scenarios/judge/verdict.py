"""The verdict: a pure function of what happened and of what PostgreSQL and Redis hold in the end.

The shape is Jepsen's: operations are plain data, they are judged after the run, and whatever could not be
established is unknown, never valid (https://github.com/jepsen-io/jepsen, checker.clj).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, get_args

from scenarios.judge.case import Case
from scenarios.judge.checks import cache, complete, entries, fates, rows
from scenarios.judge.checks.crashes import Crash, merge_crashes
from scenarios.judge.checks.fates import Class, Judged
from scenarios.judge.checks.result import Check, Result, Validity, compose, merge, merge_results
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.ledger import Write

#: Version of the JSON shape.
SCHEMA: Final = 2
#: All checks except those of the classes, which need the judged writes. To add a check, write a function of
#: the case and name it here.
CHECKS: Final[Mapping[str, Check]] = {
    "final_read": complete.final_read,
    "watched": complete.watched,
    "recovered": rows.recovered,
    "unexpected": rows.unexpected,
    "unexplained": entries.unexplained,
    "regressed": rows.regressed,
    "diverged": cache.diverged,
}
#: The checks whose evidence is a list of products, which the JSON document shows by itself.
_PRODUCT_LISTS: Final = ("recovered", "unexpected", "regressed", "diverged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of every write. `acknowledged` equals the sum of `fates`, always."""

    validity: Validity
    #: Why the verdict is not valid, a sentence for each reason; empty if it is.
    reasons: tuple[str, ...]
    acknowledged: int
    refused: int
    unknown: int
    #: How many acknowledged writes are of each class; every class is present.
    fates: Mapping[Class, int]
    judged: tuple[Judged, ...]
    #: Products whose last acknowledged value is lost.
    lost_products: tuple[str, ...]
    #: What each loss of Redis's memory cost.
    crashes: tuple[Crash, ...]
    #: What every check says, by its name.
    checks: Mapping[str, Result]

    @property
    def recovered(self) -> tuple[str, ...]:
        """Products of unknown writes that were found persisted."""
        return self._evidence("recovered")

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Products in the database that were never attempted, were refused, or are not as acknowledged."""
        return self._evidence("unexpected")

    @property
    def regressed(self) -> tuple[str, ...]:
        """Products whose row is older than it was seen earlier, or gone."""
        return self._evidence("regressed")

    @property
    def diverged(self) -> tuple[str, ...]:
        """Products whose cache entry differs from the row once everything is flushed."""
        return self._evidence("diverged")

    def _evidence(self, check: str) -> tuple[str, ...]:
        result = self.checks.get(check)
        return result.evidence if result else ()

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON document with a schema version; the judged writes come last."""
        document = asdict(self)
        judged = document.pop("judged")
        findings = {name: self._evidence(name) for name in _PRODUCT_LISTS}
        return {"schema": SCHEMA, **document, **findings, "judged": judged}


def judge(history: History, findings: Findings) -> Verdict:
    """Judge every write of the ledger.

    Args:
        history: The writes, and what was seen during the run.
        findings: The final read. It names the parts that could not be read.
    """
    combined = Combined()
    combined.add(judge_part(history, findings))
    return combined.verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartVerdict:
    """The verdict on some of the products of a history; the fields are those of `Verdict`."""

    acknowledged: int
    refused: int
    unknown: int
    fates: Mapping[Class, int]
    judged: tuple[Judged, ...]
    lost_products: tuple[str, ...]
    crashes: tuple[Crash, ...]
    checks: Mapping[str, Result]


def judge_part(history: History, findings: Findings) -> PartVerdict:
    """Judge the writes of some products.

    Args:
        history: What happened to these products. Of writes without a product, each belongs to one part;
            the others have the unanswered ones among them as `nameless`.
        findings: What was found of these products.
    """
    case = Case.of(history, findings)
    judged = fates.judge_writes(case)
    counts = Counter(one.fate for one in judged)
    sums: dict[Class, int] = {fate: counts[fate] for fate in get_args(Class)}
    results = compose(
        {
            **CHECKS,
            "determined": lambda case: fates.determined(judged, findings.unread.values()),
            "classes": lambda case: _add_up(sums, len(case.acknowledged)),
        },
        case,
    )
    answers = Counter(write.answer for write in history.writes)
    return PartVerdict(
        acknowledged=len(case.acknowledged),
        refused=answers["refused"],
        unknown=answers["unknown"],
        fates=sums,
        judged=judged,
        lost_products=_lost_products(case.acknowledged, judged),
        crashes=fates.count_crashes(case, judged),
        checks=results,
    )


class Combined:
    """The verdict on a whole history, from the verdicts on its parts, which share no product."""

    def __init__(self, *, keep_judged: int | None = None) -> None:
        """
        Args:
            keep_judged: Beyond this number of acknowledged writes, only those that need a look are listed;
                None: all are.
        """
        self._keep_judged = keep_judged
        self._counts = Counter[str]()
        self._fates = Counter[Class]()
        self._judged: list[Judged] = []
        self._lost: list[str] = []
        self._crashes: list[Crash] = []
        self._checks: dict[str, Result] = {}

    def add(self, part: PartVerdict) -> None:
        """Take in the verdict on the next part."""
        self._counts.update(acknowledged=part.acknowledged, refused=part.refused, unknown=part.unknown)
        self._fates.update(part.fates)
        self._judged.extend(part.judged)
        if self._keep_judged is not None and self._counts["acknowledged"] > self._keep_judged:
            self._judged = [one for one in self._judged if one.fate not in ("persisted", "superseded")]
        self._lost.extend(part.lost_products)
        crashes, checks = self._crashes, self._checks
        self._crashes = list(map(merge_crashes, crashes, part.crashes)) if crashes else [*part.crashes]
        self._checks = {
            name: merge_results(checks[name], one) if name in checks else one
            for name, one in part.checks.items()
        }

    def verdict(self) -> Verdict:
        """The verdict on all that was added."""
        counts = self._counts
        checks = {"acknowledged": complete.acknowledged(counts["acknowledged"]), **self._checks}
        return Verdict(
            validity=merge(result.validity for result in checks.values()),
            reasons=tuple(dict.fromkeys(str(reason) for one in checks.values() for reason in one.reasons)),
            acknowledged=counts["acknowledged"],
            refused=counts["refused"],
            unknown=counts["unknown"],
            fates={fate: self._fates[fate] for fate in get_args(Class)},
            judged=tuple(self._judged),
            lost_products=tuple(sorted(self._lost)),
            crashes=tuple(self._crashes),
            checks={name: replace(one, reasons=tuple(map(str, one.reasons))) for name, one in checks.items()},
        )


def _add_up(sums: Mapping[Class, int], acknowledged: int) -> Result:
    if sum(sums.values()) == acknowledged:
        return Result()
    return Result(validity="invalid", reasons=("the classes do not add up to the acknowledged writes",))


def _lost_products(acknowledged: Sequence[Write], judged: Sequence[Judged]) -> tuple[str, ...]:
    """Products whose last acknowledged write is lost. Last is the write with the highest version among those
    that no other write followed: versions decide the order of writes that overlapped."""
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
