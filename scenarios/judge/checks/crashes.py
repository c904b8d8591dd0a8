"""Writes that were only in Redis when Redis lost its memory are lost, whatever was written afterwards.

A write was exposed at a crash if the old memory had taken it, PostgreSQL had neither it nor a write that
superseded it, and the new memory did not hold it either. Which memory took a write follows from its interval
or, if the interval spans the change, from its version: versions of the new memory begin at its epoch. What
PostgreSQL had follows from the polls around the crash. A batch that was on its way to PostgreSQL when Redis
died counts as soon as a poll or the final read shows it.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scenarios.judge.case import Answered, Case, precede
from scenarios.judge.checks.places import among
from scenarios.judge.history import MemoryLoss, Sighting
from scenarios.judge.ledger import Write
from scenarios.judge.values import same


@dataclass(frozen=True, slots=True)
class Exposure:
    """A write was, or may have been, only in Redis at a crash."""

    #: The number of the crash, from 1.
    crash: int
    #: False: the row was replaced before it was read.
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What one loss of Redis's memory cost."""

    #: How many acknowledged writes were only in Redis, and of how many products.
    exposed: int
    products: int
    #: How many of them were to products that were written again later.
    overwritten_later: int
    #: Writes that may have been in PostgreSQL: their rows were replaced before they were read.
    undetermined: int
    #: When each memory began, µs of the clock of Redis; None if no script has run in the new one.
    old_epoch: int
    new_epoch: int | None


def merge_crashes(one: Crash, other: Crash) -> Crash:
    """What the same loss cost two parts of a history that share no product."""
    return replace(
        one,
        exposed=one.exposed + other.exposed,
        products=one.products + other.products,
        overwritten_later=one.overwritten_later + other.overwritten_later,
        undetermined=one.undetermined + other.undetermined,
    )


def exposures(case: Case) -> dict[int, Exposure]:
    """The exposed writes, by their index among the acknowledged ones. Of several crashes, the first certain
    one counts, else the first."""
    exposed: dict[int, Exposure] = {}
    for number, loss in enumerate(case.history.losses, 1):
        for n, write in enumerate(case.acknowledged):
            if n in exposed and exposed[n].certain:
                continue
            answer = _exposed(case, write, loss)
            if answer == "yes" or (answer == "unclear" and n not in exposed):
                exposed[n] = Exposure(number, answer == "yes")
    return exposed


def taken_before(write: Write, loss: MemoryLoss) -> Answered:
    """Whether the memory that was lost had taken this acknowledged write."""
    if write.over_at <= loss.last_seen_at:
        return "yes"
    if write.sent_at >= loss.changed_at:
        return "no"
    return "unclear" if write.version is None else _by_version(write.version, loss)


def _by_version(version: int, loss: MemoryLoss) -> Answered:
    """Whether the old memory, or an earlier one, assigned the version."""
    if loss.new_epoch is None:
        # No script has run in the new memory.
        return "yes"
    if loss.old_moment >= loss.new_epoch:
        # The clock of the old memory was ahead: its versions say nothing.
        return "unclear"
    return "yes" if version < loss.new_epoch else "no"


def _exposed(case: Case, write: Write, loss: MemoryLoss) -> Answered:
    if write.product is None or write.version is None:
        return "no"
    taken = taken_before(write, loss)
    if taken == "no" or _survived(case, write, loss):
        return "no"
    answers = {taken, _missing(case, write, write.product, write.version, loss)}
    if "no" in answers:
        return "no"
    return "unclear" if "unclear" in answers else "yes"


def _survived(case: Case, write: Write, loss: MemoryLoss) -> bool:
    """Whether the write was still in Redis after the crash, right away or at the end."""
    product = write.product or ""
    old = [
        entry
        for entry in loss.survivors.get(product, ())
        if _of_old_memory(case, product, entry.version, loss) == "yes"
    ]
    if among(case, write, {product: old})[0] == "yes":
        return True
    return any(
        entry.version == write.version and same(entry.value, write.value)
        for entries in (case.read.dead_letters, case.read.pending)
        for entry in entries.get(product, ())
    )


def _missing(case: Case, write: Write, product: str, version: int, loss: MemoryLoss) -> Answered:
    """Whether PostgreSQL had neither the write nor one that superseded it when the memory was lost."""
    sightings = case.history.sightings
    end, asked = len(sightings.polls), sightings.waiting.get(product, len(sightings.polls))
    for sighting in _observed(case, product, version):
        if sighting.version == version:
            return "no"
        if _of_old_memory(case, product, sighting.version, loss) != "yes":
            # Replaced after the crash. A poll after the crash may have seen the row before that.
            end, asked = sighting.poll, sighting.asked
            break
        if precede(case.by_version.get((product, sighting.version), ()), write) != "yes":
            return "no"
    else:
        if case.read.reads("rows"):
            return "yes"
    return "yes" if max(asked, bisect_left(sightings.polls, loss.gone_at)) < end else "unclear"


def _observed(case: Case, product: str, version: int) -> Iterator[Sighting]:
    """Each time the row was seen at this version or a later one; the final read comes last."""
    sightings = case.history.sightings
    yield from sightings.since(product, version)
    row = case.read.rows.get(product)
    if row is not None and row.version >= version:
        polls = len(sightings.polls)
        asked = sightings.waiting.get(product, polls)
        yield Sighting(version=row.version, at=math.inf, poll=polls, asked=asked)


def _of_old_memory(case: Case, product: str, version: int, loss: MemoryLoss) -> Answered:
    """Whether a row's version was assigned by the memory that was lost, or by an earlier one."""
    writers = case.by_version.get((product, version))
    if writers:
        return taken_before(writers[0], loss)
    return _by_version(version, loss)
