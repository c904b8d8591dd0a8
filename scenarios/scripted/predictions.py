"""What a script predicts for its end, one limit after the other: they are shown, checked and linted alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from scenarios.scripted.problem import Path
from scenarios.scripted.script import ALL, Count, Duration, Expect, Fates, Percentiles

Where: TypeAlias = Literal["fates", "refused", "unknown", "totals", "acknowledgement", "persist_lag"]
#: What is predicted of all writes if nothing else is said about any.
_NO_LOSS: Final = {ALL: Fates(lost=0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One limit."""

    #: Its key under `expect`.
    where: Where
    #: The group that it is about, if its key has groups.
    group: str = ""
    #: The fate, the total or the percentile; empty if the key itself says it.
    name: str = ""
    #: "all writes: lost"
    claim: str
    limits: int | Count | Duration

    @property
    def path(self) -> Path:
        """Where it stands in the document."""
        return ("expect", self.where, *filter(None, (self.group, self.name)))

    @property
    def unit(self) -> str:
        """That of its limits; empty for counts."""
        return "ms" if isinstance(self.limits, Duration) else ""


def predictions(expect: Expect) -> Iterator[Prediction]:
    """Every limit, in the order of the format. The verdict's own validity is not one."""
    for group, fates in (expect.fates or _NO_LOSS).items():
        yield from _of("fates", group, fates, "all writes:" if group == ALL else f"{group}:")
    if expect.refused is not None:
        yield Prediction(where="refused", claim="writes refused", limits=expect.refused)
    if expect.unknown is not None:
        yield Prediction(where="unknown", claim="writes without an answer", limits=expect.unknown)
    for total, limits in expect.totals.items():
        yield Prediction(where="totals", name=total, claim=claim_of_total(total), limits=limits)
    for group, percentiles in expect.acknowledgement.items():
        yield from _of("acknowledgement", group, percentiles, f"{group}: acknowledged after,")
    for group, percentiles in expect.persist_lag.items():
        yield from _of("persist_lag", group, percentiles, f"{group}: in PostgreSQL after,")


def claim_of_total(name: str) -> str:
    """What a check of a total says that it is about."""
    return name.replace("_", " ")


def _of(where: Where, group: str, part: Fates | Percentiles, claim: str) -> Iterator[Prediction]:
    for name in part.__struct_fields__:
        limits = getattr(part, name)
        if limits is not None:
            told = name.removesuffix("_ms").replace("_", "-")
            yield Prediction(where=where, group=group, name=name, claim=f"{claim} {told}", limits=limits)
