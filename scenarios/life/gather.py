"""Gathers the facts about a product: from a journal, and from what the API tells of its life."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median_low
from typing import Final

from scenarios.events import FaultInjected
from scenarios.journal.judgement import judge_partition
from scenarios.journal.lines import MemoryLossLine, StoredLine, WriteLine
from scenarios.journal.one_product import OneProduct
from scenarios.journal.partition import Partition
from scenarios.journal.reader import Journal
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Answer, Write, answer_without_product
from scenarios.judge.persist_lag import Lag
from scenarios.judge.values import comparable
from scenarios.life.facts import LossFacts, ProductFacts, RunFacts, WriteFacts
from service.traces.life import Life, TracedWrite

_MICRO: Final = 1_000_000
#: A fault is noted when it was seen to have taken effect: a little after the memory was gone.
_FAULT_NOTED_WITHIN_S: Final = 2.0


@dataclass(slots=True)
class _Judgement:
    """What the judge said of each acknowledged write, by its version."""

    fates: dict[int, tuple[Judged, Lag | None]] = field(default_factory=dict)

    def of(self, version: int | None) -> tuple[Judged, Lag | None] | None:
        """Of that version; None: it was not judged."""
        return None if version is None else self.fates.get(version)

    def take(self, write: Write, judged: Judged, lag: Lag | None) -> None:
        self.fates[judged.version] = (judged, lag)


def gather(product: str, journal: Journal | None, life: Life | None, *, unasked: str = "") -> ProductFacts:
    """The facts about a product.

    Args:
        journal: Of the run that wrote it; None: there is none.
        life: What the API tells; None: it could not be asked.
        unasked: Why it could not.

    Raises:
        StateUnusable: the journal can't be read.
    """
    traced = life.writes if life is not None else []
    run, writes = (None, []) if journal is None else _of_journal(product, journal, traced)
    known = {write.traced.trace_id for write in writes if write.traced is not None}
    writes += [_of_trace(one) for one in traced if one.trace_id not in known]
    return ProductFacts(
        product=product,
        # Versions are µs of the clock of Redis: they fit among the moments of those that have none.
        writes=tuple(sorted(writes, key=lambda one: (one.version or one.answered_us, one.answered_us))),
        run=run,
        now=None if life is None else life.now,
        unread=() if life is None else tuple(life.unread),
        unasked=unasked,
    )


def _of_journal(
    product: str, journal: Journal, traced: Iterable[TracedWrite]
) -> tuple[RunFacts, list[WriteFacts]]:
    judgement = _Judgement()
    with Partition(OneProduct(journal, product)) as partition:
        verdict = judge_partition(partition, judgement.take)
        if partition.final_read is None:
            # Of a run that was cut off, traces may know more than the judge.
            judgement.fates.clear()
        lines = list(partition.lines(0))
        losses, read = list(partition.losses), partition.final_read
    writes = [line for line in lines if isinstance(line, WriteLine)]
    stored = [line for line in lines if isinstance(line, StoredLine)]
    by_trace = {one.trace_id: one for one in traced}
    began_us = _began_us(journal, writes, by_trace)
    row = next((line for line in stored if line.part == "rows"), None)
    run = RunFacts(
        run=journal.run,
        judged=read is not None,
        losses=tuple(_loss(line, journal, began_us) for line in losses),
        row=None if row is None else row.version,
        row_unread="" if read is None else read.unread.get("rows", ""),
        row_deleted=row is not None and row.value is None,
        dead_letters=tuple(line.version for line in stored if line.part == "dead_letters"),
        pending=tuple(line.version for line in stored if line.part == "pending"),
    )
    recovered = product in verdict.recovered and row is not None
    return run, [
        replace(
            _of_line(line, began_us, judgement),
            traced=by_trace.get(line.trace),
            recovered=recovered
            and line.answer == "unknown"
            and row is not None
            and comparable(line.value) == comparable(row.value),
        )
        for line in writes
    ]


def _began_us(journal: Journal, writes: Iterable[WriteLine], by_trace: Mapping[str, TracedWrite]) -> int:
    """When the run began. Its traces know it exactly, as far as there are any."""
    offsets = [
        one.sent_at_us - round(_MICRO * line.sent)
        for line in writes
        if (one := by_trace.get(line.trace)) is not None and one.sent_at_us is not None
    ]
    if offsets:
        return median_low(offsets)
    about = journal.environment
    return round(_MICRO * (datetime.fromisoformat(about.started_at).timestamp() - about.at))


def _of_line(line: WriteLine, began_us: int, judgement: _Judgement) -> WriteFacts:
    facts = WriteFacts(
        operation=line.operation,
        answer=line.answer,
        version=line.version,
        sent_us=began_us + round(_MICRO * line.sent),
        answered_us=began_us + round(_MICRO * line.finished),
        detail=line.detail,
    )
    found = judgement.of(line.version)
    if found is None:
        return facts
    judged, lag = found
    return replace(
        facts,
        fate=judged.fate,
        why=judged.why,
        crash=judged.crash,
        overwritten_later=judged.overwritten_later,
        seen_us=None if lag is None else facts.answered_us + round(1000 * lag.ms),
    )


def _loss(line: MemoryLossLine, journal: Journal, began_us: int) -> LossFacts:
    faults = [
        event.fault
        for _, event in journal.events()
        if isinstance(event, FaultInjected)
        and event.bit
        and event.fault.startswith("redis:")
        and line.last_seen <= event.at <= line.gone + _FAULT_NOTED_WITHIN_S
    ]
    return LossFacts(
        last_seen_us=began_us + round(_MICRO * line.last_seen),
        gone_us=began_us + round(_MICRO * line.gone),
        fault=next((fault for fault in faults if not fault.startswith("redis:start")), ""),
    )


def _of_trace(one: TracedWrite) -> WriteFacts:
    """A write that only its trace tells of."""
    answer: Answer = "acknowledged"
    if one.version is None or not 200 <= one.status < 300:
        answer = answer_without_product(one.status) if one.status else "unknown"
    return WriteFacts(
        operation=one.operation,
        answer=answer,
        version=one.version,
        sent_us=one.sent_at_us,
        answered_us=one.acknowledged_at_us,
        detail="" if answer == "acknowledged" else f"{one.status}: {one.error}",
        traced=one,
    )
