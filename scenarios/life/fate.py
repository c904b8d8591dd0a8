"""What became of one acknowledged write, in sentences. They say no more than is known.

The class is the judge's, if the write is one of a judged run; else it is what the trace says. Traces add how
it came about, and the journal what was seen of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scenarios.judge.checks.fates import Class
from scenarios.life.facts import LossFacts, ProductFacts, WriteFacts
from scenarios.life.wording import Ordinals, gap
from service.traces.life import Outcome, TracedWrite

_PLAUSIBLE_US: Final = 600_000_000
#: The clocks of Redis and of the journal may differ by this much.
_CLOCKS_DIFFER_US: Final = 1_000
#: What a trace says as the class of a write that no run judged.
_OF_TRACE: Final[Mapping[Outcome, Class]] = {
    "accepted": "pending",
    "in flight": "pending",
    "retrying": "pending",
    "superseded": "superseded",
    "persisted": "persisted",
    "written through": "persisted",
    "dead-lettered": "dead_lettered",
    "lost": "lost",
    "unknown": "undetermined",
    "refused": "undetermined",
}
_WAITS: Final[Mapping[Outcome, str]] = {
    "accepted": "It waits in the queue.",
    "in flight": "A worker has claimed it and is writing it.",
    "retrying": "It waits for the next attempt.",
}
_CAUSES: Final[Mapping[str, str]] = {
    "redis:flushall": "Redis was emptied by FLUSHALL",
    "redis:kill": "Redis was killed",
    "redis:restart": "Redis was restarted",
    "redis:stop": "Redis was stopped",
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the fates of one product's writes."""

    facts: ProductFacts
    ordinals: Ordinals

    def class_of(self, write: WriteFacts) -> Class:
        """The class of an acknowledged write."""
        if write.fate is not None:
            return write.fate
        return _OF_TRACE[write.traced.outcome] if write.traced is not None else "undetermined"

    def tell(self, write: WriteFacts) -> Iterator[str]:
        """Sentences that follow that of the acknowledgement."""
        tellers: Mapping[Class, Callable[[WriteFacts], Iterator[str]]] = {
            "persisted": self._persisted,
            "superseded": self._superseded,
            "dead_lettered": self._dead_lettered,
            "pending": self._pending,
            "lost": self._lost,
            "undetermined": self._undetermined,
        }
        fate = self.class_of(write)
        yield from tellers[fate](write)
        if fate not in ("persisted", "superseded") and write.fate is not None and _committed(write):
            yield f"Later, after the run, it reached PostgreSQL: {_flushed(write)}."

    def _persisted(self, write: WriteFacts) -> Iterator[str]:
        if write.traced is not None and write.traced.outcome == "written through":
            yield "It was written through: PostgreSQL had it before it was acknowledged."
        elif _committed(write):
            yield f"{_capital(_flushed(write))}: it is in PostgreSQL."
        elif write.seen_us is not None:
            yield f"{_capital(self._seen(write))}: it is in PostgreSQL."
        else:
            yield "It is in PostgreSQL; when it got there was not seen."

    def _superseded(self, write: WriteFacts) -> Iterator[str]:
        traced = write.traced
        if _committed(write):
            newest = self._newer(write) or "a newer version"
            yield f"{_capital(_flushed(write))}. {_capital(newest)} replaced it afterwards."
            return
        newer = None if traced is None else traced.superseded_by
        if newer is None or traced is None:
            newest = self._newer(write)
            how = f"Newer writes replaced it, up to {newest}." if newest else "A newer version replaced it."
            yield f"{how} Whether it was in PostgreSQL before that is not known; it is not a loss either way."
            return
        yield f"{_capital(self.ordinals.name(newer))} replaced it{_when_replaced(write, traced, newer)}."
        if self._reached(newer):
            name = _capital(self.ordinals.name(write.version or 0))
            yield f"{name} never reached PostgreSQL and never had to."

    def _reached(self, version: int) -> bool:
        """Whether that version, or one that replaced it, is in PostgreSQL."""
        one = next((write for write in self.facts.writes if write.version == version), None)
        return one is not None and self.class_of(one) in ("persisted", "superseded")

    def _dead_lettered(self, write: WriteFacts) -> Iterator[str]:
        letters = self.facts.run.dead_letters if self.facts.run is not None and write.fate else ()
        newer = max(letters, default=0)
        if write.version not in letters and newer > (write.version or 0):
            yield f"{_capital(self.ordinals.name(newer))} replaced it, and that is a dead letter."
            return
        traced = write.traced
        if traced is None or not traced.error:
            source = "The journal" if write.fate is not None else "Its trace"
            yield f"PostgreSQL did not take it: it is a dead letter. {source} does not say why."
            return
        times = f" after {_times(traced.attempts)}" if traced.attempts else ""
        yield f"PostgreSQL did not take it: it became a dead letter{times} ({_plain(traced.error)})."

    def _pending(self, write: WriteFacts) -> Iterator[str]:
        traced = write.traced
        if write.fate is not None:
            yield "When the run ended, it was not in PostgreSQL yet, and safe in Redis: it was pending."
        elif traced is not None and traced.outcome in _WAITS:
            error = f" The last attempt failed: {_plain(traced.error)}." if traced.error else ""
            yield _WAITS[traced.outcome] + error

    def _lost(self, write: WriteFacts) -> Iterator[str]:
        run = self.facts.run
        if write.crash and run is not None and write.crash <= len(run.losses):
            yield f"{self._loss(write, run.losses[write.crash - 1])}."
        yield f"{_capital(self._why_lost(write))}: it is lost."
        if write.overwritten_later:
            yield "A newer write of the product came later. That does not bring this one back."

    def _loss(self, write: WriteFacts, loss: LossFacts) -> str:
        cause = _CAUSES.get(loss.fault.partition("@")[0], "Redis lost its memory")
        first, last = loss.last_seen_us - write.answered_us, loss.gone_us - write.answered_us
        if gap(first) == gap(last):
            return f"{cause} {gap(last)} later"
        if first <= 0:
            return f"{cause} within {gap(last)}"
        return f"{cause} {gap(first)} to {gap(last)} later"

    def _why_lost(self, write: WriteFacts) -> str:
        traced = write.traced
        if traced is None:
            return "PostgreSQL had neither it nor a write that replaced it, and nothing else held it"
        if traced.claimed_at_us is None:
            return "no flush is known to have claimed it, and nothing but Redis held it"
        if traced.error:
            return f"the attempt to write it had failed ({_plain(traced.error)}), and only Redis held it"
        return f"{_worker(traced)} had claimed it, and no commit of it is known"

    def _undetermined(self, write: WriteFacts) -> Iterator[str]:
        why = f": {write.why}" if write.why else ""
        yield f"What became of it is not known{why}."

    def _seen(self, write: WriteFacts) -> str:
        seen = 0 if write.seen_us is None else write.seen_us - write.answered_us
        return f"a look at PostgreSQL {gap(seen)} later found it, or a newer version, there"

    def _newer(self, write: WriteFacts) -> str:
        """The version in the row, if that is newer; else empty."""
        run = self.facts.run
        row = run.row if run is not None and write.fate is not None else None
        if row is None and self.facts.now is not None:
            row = self.facts.now.row_version
        return self.ordinals.name(row) if row and row > (write.version or 0) else ""


def _when_replaced(write: WriteFacts, traced: TracedWrite, newer: int) -> str:
    """How long after Redis had taken it, and before what."""
    # Versions are µs of the clock of Redis, unless that was set back.
    apart = newer - (write.version or 0)
    known = 1 < apart < _PLAUSIBLE_US
    before = []
    if known and newer < write.answered_us - _CLOCKS_DIFFER_US:
        before.append("before it was acknowledged")
    if traced.claimed_at_us is None:
        before.append("before any flush had claimed it")
    later = f" {gap(apart)} after Redis had taken it" if known else ""
    return later + (f", {' and '.join(before)}" if before else "")


def _committed(write: WriteFacts) -> bool:
    return write.traced is not None and write.traced.committed_at_us is not None


def _flushed(write: WriteFacts) -> str:
    """Who claimed and committed it, and how long that took."""
    traced: TracedWrite | None = write.traced
    if traced is None or traced.committed_at_us is None:
        return ""
    failed = f"after {_times(traced.attempts - 1, 'failed ')}, " if traced.attempts > 1 else ""
    if traced.claimed_at_us is None:
        return f"{failed}it was committed {gap(traced.committed_at_us - write.answered_us)} later"
    waited = traced.claimed_at_us - write.answered_us
    return (
        f"{failed}{_worker(traced)} claimed it {f'{gap(waited)} later' if waited > 0 else 'at once'}, and "
        f"committed it {gap(traced.committed_at_us - traced.claimed_at_us)} after that"
    )


def _worker(traced: TracedWrite) -> str:
    return f"worker {traced.worker}" if traced.worker else "a worker"


def _times(attempts: int, how: str = "") -> str:
    return f"1 {how}attempt" if attempts == 1 else f"{attempts} {how}attempts"


def _plain(error: str) -> str:
    """The first line: PostgreSQL adds details below it."""
    return error.strip().partition("\n")[0].rstrip(".")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
