"""The verdict: a pure function of the ledger and of what is found once the stack is quiet.

The shape is Jepsen's: operations are plain data, judgement comes after the run, and whatever could not be
established is unknown, never valid (https://github.com/jepsen-io/jepsen, checker.clj).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from scenarios.findings import Findings, Held, Value
from scenarios.ledger import Write

Class = Literal["persisted", "superseded", "dead_lettered", "pending", "lost"]
Validity = Literal["valid", "unknown", "invalid"]

#: Version of the JSON shape.
SCHEMA: Final = 1
#: The worse one wins where findings meet.
_SEVERITY: Final[tuple[Validity, ...]] = ("valid", "unknown", "invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One acknowledged write and what became of it."""

    product: str
    version: int
    group: str
    #: The product's name as written, or "(delete)".
    label: str
    fate: Class


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
    #: Products of unknown writes that were found persisted.
    recovered: tuple[str, ...]
    #: In the database, but never attempted, or refused, or not as it was acknowledged.
    unexpected: tuple[str, ...]
    #: Rows older than they were seen earlier, or gone.
    regressed: tuple[str, ...]
    #: Cache entry differs from the row after quiet.
    diverged: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A document with a schema version; the judged writes come last."""
        document = asdict(self)
        judged = document.pop("judged")
        return {"schema": SCHEMA, **document, "fates": dict(self.fates), "judged": judged}


def merge(validities: Iterable[Validity]) -> Validity:
    """invalid > unknown > valid; of nothing, valid."""
    return max(validities, key=_SEVERITY.index, default="valid")


def judge(writes: Sequence[Write], findings: Findings | None) -> Verdict:
    """Judge every write of the ledger.

    Args:
        writes: The ledger.
        findings: The final read; None where it could not be made.
    """
    found = findings or Findings()
    acknowledged = [w for w in writes if w.answer == "acknowledged"]
    judged = tuple(_judge_one(w, found) for w in acknowledged)
    fates: dict[Class, int] = {fate: sum(j.fate == fate for j in judged) for fate in get_args(Class)}
    recovered, explained = _recover(writes, found)
    unexpected = _unexpected(acknowledged, found, explained) if findings else ()
    regressed = _regressed(found)
    diverged = _diverged(found)
    problems: list[tuple[Validity, str]] = []
    if not acknowledged:
        problems.append(("unknown", "no write was acknowledged, so nothing can be said about any"))
    if findings is None:
        problems.append(("unknown", "the database could not be read at the end"))
    if sum(fates.values()) != len(acknowledged):
        problems.append(("invalid", "the classes do not add up to the acknowledged writes"))
    for products, what in (
        (unexpected, "in the database, though never attempted, refused, or acknowledged otherwise"),
        (regressed, "older in the database than seen before"),
        (diverged, "not the same in the cache and in the database"),
    ):
        if products:
            problems.append(("invalid", f"{len(products)} products are {what}"))
    return Verdict(
        validity=merge(validity for validity, _ in problems),
        reasons=tuple(reason for _, reason in problems),
        acknowledged=len(acknowledged),
        refused=sum(w.answer == "refused" for w in writes),
        unknown=sum(w.answer == "unknown" for w in writes),
        fates=fates,
        judged=judged,
        lost_products=_lost_products(judged),
        recovered=recovered,
        unexpected=unexpected,
        regressed=regressed,
        diverged=diverged,
    )


def _judge_one(write: Write, found: Findings) -> Judged:
    # An acknowledgement without product or version is one that nothing can be found for.
    product, version = write.product or "", write.version or 0
    return Judged(
        product=product,
        version=version,
        group=write.group,
        label=str(write.value["name"]) if write.value and "name" in write.value else "(delete)",
        fate=_fate(product, version, found),
    )


def _fate(product: str, version: int, found: Findings) -> Class:
    """The first class that matches. A write that a newer one replaced while it was pending shares the
    newer one's place: in the dead letter queue or among the pending entries."""
    row = found.rows.get(product)
    if row and row.version == version:
        return "persisted"
    if row and row.version > version:
        return "superseded"
    if any(dead >= version for dead in found.dead_letters.get(product, ())):
        return "dead_lettered"
    if any(pending >= version for pending in found.pending.get(product, ())):
        return "pending"
    return "lost"


def _lost_products(judged: Iterable[Judged]) -> tuple[str, ...]:
    last: dict[str, Judged] = {}
    for one in judged:
        if one.product not in last or last[one.product].version < one.version:
            last[one.product] = one
    return tuple(sorted(product for product, one in last.items() if one.fate == "lost"))


def _recover(writes: Sequence[Write], found: Findings) -> tuple[tuple[str, ...], frozenset[str]]:
    """Products of unknown writes that are in the database; and those whose row is explained by it."""
    answered = {(w.product, w.version) for w in writes if w.answer == "acknowledged"}
    unclaimed = dict(found.strangers)
    recovered: list[str] = []
    for write in writes:
        if write.answer != "unknown":
            continue
        if write.product is not None:
            row = found.rows.get(write.product)
            new = (
                row is not None and row.version > found.since and (write.product, row.version) not in answered
            )
            if new and row is not None and _same(row.value, write.value):
                recovered.append(write.product)
        else:
            match = next((p for p, row in unclaimed.items() if _same(row.value, write.value)), None)
            if match is not None:
                del unclaimed[match]
                recovered.append(match)
    return tuple(sorted(recovered)), frozenset(recovered)


def _unexpected(acknowledged: Sequence[Write], found: Findings, explained: frozenset[str]) -> tuple[str, ...]:
    values: dict[str, dict[int, Value | None]] = defaultdict(dict)
    for write in acknowledged:
        values[write.product or ""][write.version or 0] = write.value
    wrong = set(found.strangers) - explained
    for product, row in found.rows.items():
        known = values.get(product, {})
        if row.version in known:
            if not _same(row.value, known[row.version]):
                wrong.add(product)
        elif row.version > found.since and product not in explained:
            wrong.add(product)
    return tuple(sorted(wrong))


def _regressed(found: Findings) -> tuple[str, ...]:
    def older(product: str, version: int) -> bool:
        row = found.rows.get(product)
        return row is None or row.version < version

    return tuple(sorted(product for product, version in found.seen.items() if older(product, version)))


def _diverged(found: Findings) -> tuple[str, ...]:
    def differs(product: str, cached: Held) -> bool:
        row = found.rows.get(product)
        if row is None:
            # Deleted and never persisted, or cached and nowhere: only a live entry shows a phantom.
            return cached.value is not None
        return cached.version != row.version or not _same(cached.value, row.value)

    return tuple(
        sorted(p for p, cached in found.cached.items() if not found.pending.get(p) and differs(p, cached))
    )


def _same(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(_plain(one.get(key)) == _plain(other.get(key)) for key in ("name", "price", "quantity"))


def _plain(value: Any) -> Any:
    """Numbers as PostgreSQL keeps them: a price has two decimals."""
    return round(float(value), 2) if isinstance(value, int | float) else value
