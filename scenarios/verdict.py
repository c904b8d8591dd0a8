"""The verdict: a pure function of the ledger and of what is found once the stack is quiet.

The shape is Jepsen's: operations are plain data, judgement comes after the run, and whatever could not be
established is unknown, never valid (https://github.com/jepsen-io/jepsen, checker.clj).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from scenarios.findings import Findings, Held, Value
from scenarios.ledger import Write

Class = Literal["persisted", "superseded", "dead_lettered", "pending", "lost"]
Validity = Literal["valid", "unknown", "invalid"]

#: Version of the JSON shape.
SCHEMA: Final = 1
_UNEXPECTED: Final = (
    "in the database with a value that was never acknowledged; did somebody else write to this lab?"
)
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
        findings: The final read; None where it could not be made. Nothing is called lost then: every
            acknowledged write counts as pending, and the validity is unknown.
    """
    found = findings or Findings()
    acknowledged = [w for w in writes if w.answer == "acknowledged"]
    judged = tuple(_judge_one(w, findings) for w in acknowledged)
    counted = Counter(j.fate for j in judged)
    fates: dict[Class, int] = {fate: counted[fate] for fate in get_args(Class)}
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
    problems += [
        ("invalid", f"{len(products)} {'product is' if len(products) == 1 else 'products are'} {what}")
        for products, what in (
            (unexpected, _UNEXPECTED),
            (regressed, "older in the database than seen before"),
            (diverged, "not the same in the cache and in the database"),
        )
        if products
    ]
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


def _judge_one(write: Write, findings: Findings | None) -> Judged:
    return Judged(
        product=write.product or "",
        version=write.version or 0,
        group=write.group,
        label=str(write.value["name"]) if write.value and "name" in write.value else "(delete)",
        fate=_fate(write.product, write.version, findings) if findings else "pending",
    )


def _fate(product: str | None, version: int | None, found: Findings) -> Class:
    """The first class that matches. A write that a newer one replaced while it was pending shares the
    newer one's place: in the dead letter queue or among the pending entries."""
    if product is None or version is None:
        # Nothing can be found for such an acknowledgement; any row would pass for a newer one.
        return "lost"
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
    unknown = [w for w in writes if w.answer == "unknown"]
    answered = {(w.product, w.version) for w in writes if w.answer == "acknowledged"}
    recovered: set[str] = set()
    for write in unknown:
        row = found.rows.get(write.product) if write.product is not None else None
        if row is None or row.version <= found.since or (write.product, row.version) in answered:
            continue
        if write.product is not None and _same(row.value, write.value):
            recovered.add(write.product)
    # The id of a create is the server's to give: without an answer, only its value can tell it.
    unclaimed: dict[_Comparable, list[str]] = defaultdict(list)
    for product, row in sorted(found.strangers.items()):
        unclaimed[_comparable(row.value)].append(product)
    for write in unknown:
        if write.product is None and (matches := unclaimed[_comparable(write.value)]):
            recovered.add(matches.pop())
    return tuple(sorted(recovered)), frozenset(recovered)


def _unexpected(acknowledged: Sequence[Write], found: Findings, explained: frozenset[str]) -> tuple[str, ...]:
    # Were one version acknowledged twice, with two values, the row would have to be both.
    values: dict[tuple[str | None, int | None], list[Value | None]] = defaultdict(list)
    for write in acknowledged:
        values[write.product, write.version].append(write.value)
    wrong = set(found.strangers) - explained
    for product, row in found.rows.items():
        known = values.get((product, row.version), [])
        foreign = not known and row.version > found.since and product not in explained
        if foreign or not all(_same(row.value, value) for value in known):
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


_Comparable = tuple[str, str, str] | None


def _same(one: Value | None, other: Value | None) -> bool:
    return _comparable(one) == _comparable(other)


def _comparable(value: Value | None) -> _Comparable:
    """What makes two values the same: the fields that a client sets, numbers as PostgreSQL keeps them."""
    if value is None:
        return None
    return str(value.get("name")), _price(value.get("price")), str(value.get("quantity"))


def _price(value: Any) -> str:
    """A price has two decimals: 5, 5.0 and 5.00 are one. (An int may have more digits than a float.)"""
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value}.00" if isinstance(value, int) else str(value)
