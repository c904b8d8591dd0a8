"""The result of a check, and how several results are combined.

The model is Jepsen's `compose` and `check-safe`: checks do not know of each other, the worst result decides,
and a check that raises makes its own result unknown (https://github.com/jepsen-io/jepsen, checker.clj).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from scenarios.judge.case import Case

Validity = Literal["valid", "unknown", "invalid"]
#: From best to worst: the worst result decides.
_SEVERITY: Final[tuple[Validity, ...]] = ("valid", "unknown", "invalid")


@dataclass(frozen=True, slots=True)
class Counted:
    """A reason that names a count. Of the parts of a long history, the counts are added up."""

    count: int
    #: What follows the count: "product is older than …", "products are older than …".
    one: str
    many: str
    #: What comes before it: "it is not known what became of ".
    before: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.count:,} {self.one if self.count == 1 else self.many}"


Reason = str | Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check says about a case."""

    validity: Validity = "valid"
    #: One sentence for each reason why it is not valid; empty where it is.
    reasons: tuple[Reason, ...] = ()
    #: What it is based on: mostly the ids of products.
    evidence: tuple[str, ...] = ()


Check = Callable[[Case], Result]


def compose(checks: Mapping[str, Check], case: Case) -> dict[str, Result]:
    """The result of every check, by its name. None of them raises."""
    return {name: _safely(name, check, case) for name, check in checks.items()}


def merge(validities: Iterable[Validity]) -> Validity:
    """The worst of them: invalid > unknown > valid. Without any: valid."""
    return max(validities, key=_SEVERITY.index, default="valid")


def merge_results(one: Result, other: Result) -> Result:
    """What a check says about two parts of a history that share no product."""
    return Result(
        validity=merge([one.validity, other.validity]),
        reasons=_add_up([*one.reasons, *other.reasons]),
        evidence=tuple(sorted({*one.evidence, *other.evidence})),
    )


def _add_up(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, in their order, with the sum of its counts."""
    sums: dict[Reason, int] = {}
    for reason in reasons:
        if isinstance(reason, Counted):
            key = replace(reason, count=0)
            sums[key] = sums.get(key, 0) + reason.count
        else:
            sums[reason] = 0
    return tuple(replace(key, count=n) if isinstance(key, Counted) else key for key, n in sums.items())


def _safely(name: str, check: Check, case: Case) -> Result:
    try:
        return check(case)
    except Exception as error:  # noqa: BLE001 - the other checks still give their results
        reason = f"the check '{name}' failed, so it says nothing ({type(error).__name__}: {error})"
        return Result(validity="unknown", reasons=(reason,))
