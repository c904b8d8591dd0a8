"""The result of a check, and how several results are combined.

The model is Jepsen's `compose` and `check-safe`: checks do not know of each other, the worst result decides,
and a check that raises makes its own result unknown (https://github.com/jepsen-io/jepsen, checker.clj).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from scenarios.judge.case import Case

Validity = Literal["valid", "unknown", "invalid"]
#: From best to worst: the worst result decides.
_SEVERITY: Final[tuple[Validity, ...]] = ("valid", "unknown", "invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check says about a case."""

    validity: Validity = "valid"
    #: One sentence for each reason why it is not valid; empty where it is.
    reasons: tuple[str, ...] = ()
    #: What it is based on: mostly the ids of products.
    evidence: tuple[str, ...] = ()


Check = Callable[[Case], Result]


def compose(checks: Mapping[str, Check], case: Case) -> dict[str, Result]:
    """The result of every check, by its name. None of them raises."""
    return {name: _safely(name, check, case) for name, check in checks.items()}


def merge(validities: Iterable[Validity]) -> Validity:
    """The worst of them: invalid > unknown > valid. Without any: valid."""
    return max(validities, key=_SEVERITY.index, default="valid")


def counted(count: int, one: str, many: str) -> str:
    """ "1 product is …", "1,204 products are …"."""
    return f"{count:,} {one if count == 1 else many}"


def _safely(name: str, check: Check, case: Case) -> Result:
    try:
        return check(case)
    except Exception as error:  # noqa: BLE001 - the other checks still give their results
        reason = f"the check '{name}' failed, so it says nothing ({type(error).__name__}: {error})"
        return Result(validity="unknown", reasons=(reason,))
