"""A product's life as a short causal story. Pure: facts in, sentences out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scenarios.lab.problem import in_words
from scenarios.life.facts import ProductFacts, WriteFacts
from scenarios.life.fate import Teller
from scenarios.life.wording import Ordinals, clock, gap, operation, zone
from service.traces.life import Now
from stack.spec.hints import labctl

#: Of more writes than these, those in the middle that are in PostgreSQL, or were replaced, are told together.
_TOLD_SINGLY: Final = 12
_FIRST: Final = 3
_LAST: Final = 5
_MOST_DETAIL: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One write, or several that fared alike, in words."""

    #: None: it has none.
    version: int | None
    ordinal: int | None
    #: The class of an acknowledged write, as the verdict has it; else "refused" or "unknown"; "several".
    fate: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What became of a product."""

    about: str
    writes: tuple[Told, ...]
    #: Where it is now, and what is not known; a sentence each.
    end: tuple[str, ...]


def tell(facts: ProductFacts) -> Story:
    """Tell what is known of a product."""
    acknowledged = sorted({write.version for write in facts.writes if write.version is not None})
    ordinals = Ordinals({version: number for number, version in enumerate(acknowledged, 1)})
    teller = Teller(facts, ordinals)
    told = [
        _together(teller, group) if len(group) > 1 else _told(teller, group[0])
        for group in _groups(teller, facts.writes)
    ]
    return Story(about=_about(facts), writes=tuple(told), end=tuple(_end(facts, ordinals)))


def _about(facts: ProductFacts) -> str:
    count = len(facts.writes)
    if not count and facts.run is not None:
        return f"{facts.run.run} did not write {facts.product}, and no trace of a write is left."
    if not count:
        return f"No write of {facts.product} is known: no recorded run made one, and no trace of one is left."
    writes = "1 write" if count == 1 else f"{count:,} writes"
    run = f" The run is {facts.run.run}." if facts.run is not None else ""
    return f"{facts.product}: {writes} known.{run} Times are {zone(facts.writes[0].answered_us)}."


def _told(teller: Teller, write: WriteFacts) -> Told:
    ordinals = teller.ordinals
    ordinal = None if write.version is None else ordinals.numbers.get(write.version)
    if write.answer == "acknowledged" and write.version is not None:
        first = (
            f"{ordinals.full(write.version)}, {operation(write.operation)}, was acknowledged at "
            f"{clock(write.answered_us)}{_took(write)}."
        )
        text = " ".join([first[0].upper() + first[1:], *teller.tell(write)])
        return Told(version=write.version, ordinal=ordinal, fate=teller.class_of(write), text=text)
    text = " ".join(_refused(write) if write.answer == "refused" else _unanswered(teller, write))
    return Told(version=write.version, ordinal=ordinal, fate=write.answer, text=text)


def _took(write: WriteFacts) -> str:
    return "" if write.sent_us is None else f", {gap(write.answered_us - write.sent_us)} after it was sent"


def _refused(write: WriteFacts) -> Iterator[str]:
    yield f"{_began(write)} was refused{_why(write)}."
    yield "Nothing was stored."


def _unanswered(teller: Teller, write: WriteFacts) -> Iterator[str]:
    yield f"{_began(write)} was not acknowledged{_why(write)}: whether it was taken was not known."
    traced = write.traced
    if write.recovered:
        yield "The row holds its value: it was taken after all."
    elif traced is not None and traced.version is not None:
        yield f"Its trace says that it was taken, as {teller.ordinals.name(traced.version)}."
    elif teller.facts.run is not None and teller.facts.run.judged and not teller.facts.run.row_unread:
        yield "When the run ended, the row did not show it. That is not a loss: nothing had been promised."


def _began(write: WriteFacts) -> str:
    at = write.answered_us if write.sent_us is None else write.sent_us
    name = operation(write.operation)
    return f"{name[0].upper()}{name[1:]} at {clock(at)}"


def _why(write: WriteFacts) -> str:
    """What was answered, in brackets."""
    status, separator, body = write.detail.partition(": ")
    detail = f"{status}{separator}{in_words(body)}" if separator else in_words(write.detail)
    text = " ".join(detail.split())
    return f" ({text[:_MOST_DETAIL]})" if text else ""


def _groups(teller: Teller, writes: Sequence[WriteFacts]) -> Iterator[list[WriteFacts]]:
    """The writes, in groups that are told together."""
    if len(writes) <= _TOLD_SINGLY:
        yield from ([write] for write in writes)
        return
    group: list[WriteFacts] = []
    for number, write in enumerate(writes):
        if _FIRST <= number < len(writes) - _LAST and _is_plain(teller, write):
            group.append(write)
            continue
        if group:
            yield group
            group = []
        yield [write]


def _is_plain(teller: Teller, write: WriteFacts) -> bool:
    return write.answer == "acknowledged" and teller.class_of(write) in ("persisted", "superseded")


def _together(teller: Teller, writes: Sequence[WriteFacts]) -> Told:
    first, last = writes[0], writes[-1]
    replaced = all(teller.class_of(write) == "superseded" for write in writes)
    text = (
        f"Versions {teller.ordinals.numbers[first.version or 0]} to "
        f"{teller.ordinals.numbers[last.version or 0]} were acknowledged from {clock(first.answered_us)} to "
        f"{clock(last.answered_us)}. "
    )
    text += f"Each {'' if replaced else 'is in PostgreSQL or '}was replaced by a newer one."
    return Told(version=None, ordinal=None, fate="several", text=text)


def _end(facts: ProductFacts, ordinals: Ordinals) -> Iterator[str]:
    yield from _now(facts, ordinals) if facts.now is not None else _then(facts, ordinals)
    run = facts.run
    if run is not None and not run.judged:
        yield "The run has not been judged: it was cut off, or still goes on."
    untraced = sum(write.traced is None for write in facts.writes)
    if facts.unasked:
        yield f"{facts.unasked}, so there are no traces: claims and commits are not known."
    elif untraced:
        yield (
            "1 write is told from the journal alone: it was not traced, or its trace is too old."
            if untraced == 1
            else f"{untraced:,} writes are told from the journal alone: they were not traced, or their "
            "traces are too old."
        )


def _then(facts: ProductFacts, ordinals: Ordinals) -> Iterator[str]:
    run = facts.run
    if run is None or not run.judged:
        return
    if run.row_unread:
        yield f"When the run ended, its row could not be read: {run.row_unread}."
    elif run.row is None:
        yield "When the run ended, PostgreSQL had no row for it."
    else:
        deleted = ", as deleted" if run.row_deleted else ""
        yield f"When the run ended, its row held {ordinals.name(run.row)}{deleted}."


def _is_strange(now: Now, ordinals: Ordinals) -> bool:
    """Whether the row is of a write that is not among those that are known."""
    return bool(ordinals.numbers) and now.row_version not in ordinals.numbers


def _now(facts: ProductFacts, ordinals: Ordinals) -> Iterator[str]:
    now = facts.now
    if now is None:
        return
    if "postgres" in facts.unread:
        yield "The row can't be read now."
    elif now.row_version is None:
        yield "PostgreSQL has no row for it now."
    else:
        deleted = ": it is deleted" if now.row_deleted else ""
        stranger = ", which neither the run nor a trace mentions" if _is_strange(now, ordinals) else ""
        yield f"The row now holds {ordinals.name(now.row_version)}{stranger}{deleted}."
    if "redis" in facts.unread:
        yield "What Redis holds can't be read now."
        return
    if now.pending_version is not None:
        where = (
            "is being written to PostgreSQL"
            if now.inflight
            else "waits in Redis for a retry"
            if now.retrying
            else "waits in Redis"
        )
        waiting = ordinals.name(now.pending_version)
        yield f"{waiting[0].upper()}{waiting[1:]} {where}."
    elif not now.dead_lettered:
        yield "No write of it waits in Redis."
    if now.dead_lettered:
        yield (
            f"One of its writes is a dead letter: {labctl('dlq list')} shows why, and "
            f"{labctl('dlq requeue')} tries it again."
        )
