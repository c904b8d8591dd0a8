"""The verdict on a journal. It is the verdict of the run: there is no other way to one."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final

from scenarios.events import Event
from scenarios.journal.lines import AnyLine, MemoryLossLine, PollLine, StoredLine, WaitingLine, WriteLine
from scenarios.journal.partition import Partition
from scenarios.journal.reader import Journal
from scenarios.judge.checks.fates import Judged
from scenarios.judge.final_read import PARTS, Findings, Part, StoredValue
from scenarios.judge.history import History, MemoryLoss, Poll, SightingLog, Sightings
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag, lag_of
from scenarios.judge.verdict import Combined, PartVerdict, Verdict, judge_part
from stack.spec.events import Advanced

#: Beyond this number of acknowledged writes, a verdict lists only those that need a look.
_ALL_JUDGED: Final = 1_000
_CUT_OFF: Final = "the run was cut off before PostgreSQL and Redis were read"

#: Takes every acknowledged write with what became of it, and its persist lag if a poll saw it arrive.
OnJudged = Callable[[Write, Judged, Lag | None], None]


def judge_journal(journal: Journal, on_judged: OnJudged | None = None) -> Verdict:
    """Judge a history anew, with today's checks.

    Args:
        on_judged: Takes each acknowledged write. Times are s since the run began. The order is that of the
            products' parts, and within one that of the answers.

    Raises:
        StateUnusable: the file can't be read.
    """
    with Partition(journal) as partition:
        return judge_partition(partition, on_judged)


def judge_partition(partition: Partition, on_judged: OnJudged | None = None) -> Verdict:
    """The verdict on the parts of a history. One that ends before the final read is unknown."""
    work = judging(partition, on_judged)
    while True:
        try:
            next(work)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


def judging(partition: Partition, on_judged: OnJudged | None = None) -> Generator[Event, None, Verdict]:
    """The same, which shows how far it is if there is much to judge."""
    combined, label = Combined(keep_judged=_ALL_JUDGED), "judging every write"
    for number, part in enumerate(_judge_parts(partition, on_judged), 1):
        combined.add(part)
        if partition.count > 1:
            yield Advanced(label, number, partition.count)
    return combined.verdict()


def write_of(line: WriteLine) -> Write:
    """The write of the ledger, with times in s since the run began."""
    return Write(
        product=line.product,
        operation=line.operation,
        value=line.value,
        answer=line.answer,
        version=line.version,
        sent_at=line.sent,
        finished_at=line.finished,
        latency_ms=1000 * (line.finished - line.sent),
        group=line.group,
        detail=line.detail,
        trace=line.trace,
    )


def _judge_parts(partition: Partition, on_judged: OnJudged | None) -> Iterator[PartVerdict]:
    """The verdict on each part of a history."""
    whole = _Whole.of(partition)
    elsewhere: dict[str, StoredValue] = {}
    last = partition.count - 1
    for number in range(partition.count):
        part = _read(partition.lines(number))
        elsewhere |= part.unattributed(whole)
        # Rows that no write names, and writes that name no product, are judged together, and once.
        own = (list(whole.nameless), elsewhere) if number == last else ([], {})
        history, findings = part.history(whole, own[0]), part.findings(whole, own[1])
        verdict = judge_part(history, findings)
        if on_judged is not None:
            acknowledged = (write for write in history.writes if write.answer == "acknowledged")
            for write, judged in zip(acknowledged, verdict.judged, strict=True):
                on_judged(write, judged, lag_of(history.sightings, write, judged))
        yield verdict


@dataclass(frozen=True, slots=True)
class _Whole:
    """What all parts share."""

    polls: list[float]
    losses: tuple[MemoryLoss, ...]
    nameless: tuple[Write, ...]
    since: int
    seen: dict[str, int]
    unread: dict[Part, str]
    unwatched: str

    @classmethod
    def of(cls, partition: Partition) -> "_Whole":
        read = partition.final_read
        return cls(
            polls=partition.polls,
            losses=tuple(_loss(n, line, partition.survivors) for n, line in enumerate(partition.losses)),
            nameless=tuple(map(write_of, partition.nameless)),
            since=read.since if read else 0,
            seen=read.seen if read else {},
            unread={part: read.unread[part] for part in PARTS if part in read.unread}
            if read
            else dict.fromkeys(PARTS, _CUT_OFF),
            unwatched=read.unwatched if read else "",
        )


def _loss(number: int, line: MemoryLossLine, survivors: list[StoredLine]) -> MemoryLoss:
    held: dict[str, list[StoredValue]] = {}
    for entry in survivors:
        if entry.loss == number:
            held.setdefault(entry.product, []).append(_stored(entry))
    return MemoryLoss(
        last_seen_at=line.last_seen,
        gone_at=line.gone,
        changed_at=line.changed,
        old_epoch=line.old_epoch,
        new_epoch=line.new_epoch,
        old_moment=line.old_moment,
        survivors=held,
    )


def _stored(line: StoredLine) -> StoredValue:
    return StoredValue(version=line.version, value=line.value)


class _Products:
    """Some products: their writes, and what was seen and found of them."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self._log = SightingLog()
        self._waiting: dict[str, int] = {}
        self._rows: dict[str, StoredValue] = {}
        self._cached: dict[str, StoredValue] = {}
        self._entries: dict[str, dict[str, list[StoredValue]]] = {"dead_letters": {}, "pending": {}}

    def take(self, line: AnyLine) -> None:
        match line:
            case WriteLine():
                self.writes.append(write_of(line))
            case PollLine():
                poll = Poll(number=line.number, sent_at=line.sent, answered_at=line.at, rows=line.rows)
                self._log.add(poll)
            case WaitingLine():
                self._waiting[line.product] = line.poll
            case StoredLine(part="rows"):
                self._rows[line.product] = _stored(line)
            case StoredLine(part="cached"):
                self._cached[line.product] = _stored(line)
            case StoredLine():
                self._entries.get(line.part, {}).setdefault(line.product, []).append(_stored(line))
            case _:
                pass

    def unattributed(self, whole: _Whole) -> dict[str, StoredValue]:
        """Rows of the run that none of these writes names."""
        named = self._named
        return {
            product: row
            for product, row in self._rows.items()
            if product not in named and row.version > whole.since and row.value is not None
        }

    def history(self, whole: _Whole, nameless: list[Write]) -> History:
        """
        Args:
            nameless: Writes without a product that are judged here.
        """
        sightings = Sightings(polls=whole.polls, seen=self._log.sightings({}).seen, waiting=self._waiting)
        return History(
            writes=[*self.writes, *nameless],
            nameless=() if nameless else whole.nameless,
            sightings=sightings,
            losses=whole.losses,
            unwatched=whole.unwatched,
        )

    def findings(self, whole: _Whole, unattributed: dict[str, StoredValue]) -> Findings:
        named = self._named
        return Findings(
            rows={product: row for product, row in self._rows.items() if product in named},
            unattributed=unattributed,
            dead_letters=self._entries["dead_letters"],
            pending=self._entries["pending"],
            cached={product: held for product, held in self._cached.items() if product in named},
            seen={product: version for product, version in whole.seen.items() if product in named},
            since=whole.since,
            unread=whole.unread,
        )

    @property
    def _named(self) -> set[str]:
        return {write.product for write in self.writes if write.product is not None}


def _read(lines: Iterator[AnyLine]) -> _Products:
    products = _Products()
    for line in lines:
        products.take(line)
    return products
