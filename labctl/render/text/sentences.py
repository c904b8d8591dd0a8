"""The words for outcomes, verdicts and states: one wording for all renderers."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from labctl.render.text.figures import figure
from scenarios.events import Checked, FaultInjected, Outcome, Proof
from scenarios.judge.checks.fates import DELETION, Class
from scenarios.judge.checks.result import Validity
from scenarios.judge.verdict import Verdict
from stack.spec.events import ServiceChanged, ServiceState

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "expected": "AS EXPECTED",
    "unexpected": "NOT AS EXPECTED",
    "inconclusive": "INCONCLUSIVE",
}

#: The result of a check; None: it could not be established.
CHECKS: Final[Mapping[bool | None, str]] = {True: "passed", False: "FAILED", None: "UNKNOWN"}

#: Each class of an acknowledged write, what it is called, and what it means.
FATES: Final[tuple[tuple[Class, str, str], ...]] = (
    ("persisted", "persisted", "its value is in PostgreSQL"),
    ("superseded", "superseded", "a newer write replaced it: no loss"),
    ("dead_lettered", "dead-lettered", "set aside in the dead letter queue"),
    ("pending", "pending", "still waiting to be written"),
    ("lost", "LOST", "acknowledged, and gone"),
    ("undetermined", "undetermined", "what became of it could not be seen"),
)

#: What the receipt of a fault says; None: it could not be seen whether it took effect.
RECEIPTS: Final[Mapping[bool | None, str]] = {
    True: "took effect",
    False: "DID NOT TAKE EFFECT",
    None: "UNKNOWN whether it took effect",
}

VALIDITIES: Final[Mapping[Validity, str]] = {
    "valid": "VALID measurement - every acknowledged write is accounted for",
    "unknown": "UNKNOWN - the measurement is not complete",
    "invalid": "INVALID - what was found contradicts the acknowledgements",
}

#: Transitional states: they get a spinner, not a line of the transcript.
PASSING: Final[frozenset[ServiceState]] = frozenset({"starting", "running", "stopping"})
BROKEN: Final[frozenset[ServiceState]] = frozenset({"died", "unhealthy"})

#: More products than these are counted, not named.
_NAMED: Final = 10


def plural(count: int, noun: str) -> str:
    """ "1 write", "12 writes"."""
    return f"{figure(count)} {noun}" if count == 1 else f"{figure(count)} {noun}s"


def shown_fates(verdict: Verdict) -> list[tuple[Class, str, str]]:
    """The classes to show: a zero for undetermined goes without saying."""
    return [fate for fate in FATES if fate[0] != "undetermined" or verdict.fates.get("undetermined", 0)]


def equation(verdict: Verdict) -> str:
    """The conservation law with this verdict's figures: "15 acknowledged = 10 persisted + … + 5 LOST"."""
    terms = [f"{figure(verdict.fates.get(fate, 0))} {word}" for fate, word, _ in shown_fates(verdict)]
    return f"{figure(verdict.acknowledged)} acknowledged = {' + '.join(terms)}"


def loss(verdict: Verdict) -> str:
    """The two figures of loss in one sentence."""
    lost, products = verdict.fates.get("lost", 0), len(verdict.lost_products)
    unclear = verdict.fates.get("undetermined", 0)
    if not lost:
        if unclear:
            return f"Whether {plural(unclear, 'acknowledged write')} got lost is unknown."
        read = verdict.checks.get("final_read")
        if read is not None and read.reasons:
            return f"Whether an acknowledged write got lost is unknown: {read.reasons[0]}."
        return "No acknowledged write is lost."
    if not products:
        return f"{plural(lost, 'acknowledged write')} lost; every product kept its last acknowledged value."
    whose = "its" if products == 1 else "their"
    return (
        f"{plural(lost, 'acknowledged write')} lost; {plural(products, 'product')} lost {whose} last value."
    )


def crashes(verdict: Verdict) -> list[str]:
    """What each loss of Redis' memory cost."""
    said = []
    for number, crash in enumerate(verdict.crashes, 1):
        which = f" {number}" if len(verdict.crashes) > 1 else ""
        writes = plural(crash.exposed, "acknowledged write")
        products = plural(crash.products, "product")
        text = f"Redis lost its memory. Exposed at the crash{which}: {writes} of {products}"
        if crash.exposed:
            text += f"; {figure(crash.overwritten_later)} of them were overwritten later"
        if crash.undetermined:
            text += f"; whether {figure(crash.undetermined)} more were in PostgreSQL was not seen in time"
        said.append(f"{text}.")
    return said


def remarks(verdict: Verdict) -> list[str]:
    """What else there is to say: why it is not valid, what was not acknowledged, what does not fit."""
    said = [*crashes(verdict), *verdict.reasons]
    # People know a product by what they called it.
    labels = {write.product: write.label for write in verdict.judged if write.label not in ("", DELETION)}
    if verdict.refused:
        said.append(f"{plural(verdict.refused, 'write')} refused: not acknowledged, so nothing was promised.")
    if verdict.unknown:
        recovered = len(verdict.recovered)
        said.append(f"{plural(verdict.unknown, 'write')} without an answer; {recovered} of them found saved.")
    for found, what in (
        (verdict.lost_products, "Products that lost their last value"),
        (verdict.unexpected, "Products in the database, though never acknowledged"),
        (verdict.regressed, "Products that went back to an older value"),
        (verdict.diverged, "Products whose cache entry differs from the database"),
    ):
        if found:
            said.append(f"{what}: {named(labels.get(product, product) for product in found)}")
    return said


def named(names: Iterable[str]) -> str:
    """The first few by name, in natural order (item-9 before item-10); the rest as a count."""
    products = sorted(names, key=_natural)
    head = ", ".join(products[:_NAMED])
    more = len(products) - _NAMED
    return f"{head} and {figure(more)} more" if more > 0 else head


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts figures within a name by their value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def service(event: ServiceChanged) -> str:
    """ "redis: healthy (0.3 s)"."""
    return f"{event.service}: {event.state}{f' ({event.detail})' if event.detail else ''}"


def check(event: Checked) -> str:
    """ "expected … , measured …", shortened where both say the same."""
    if event.passed is None:
        return f"expected {event.expected}; {event.actual}: could not be established"
    if event.expected == event.actual:
        return f"measured {event.actual}, as predicted"
    return f"expected {event.expected}, measured {event.actual}"


def proof(shown: Proof) -> str:
    """ "keys: 212 before, 0 after", shortened where nothing changed."""
    if shown.before == shown.after:
        return f"{shown.what}: {shown.after}, as before"
    return f"{shown.what}: {shown.before} before, {shown.after} after"


def receipt(event: FaultInjected) -> str:
    """What proves that a fault took effect, or why it did not, in one line."""
    shown = "; ".join(proof(one) for one in event.proofs)
    return ". ".join(filter(None, (event.why, shown)))
