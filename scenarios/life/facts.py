"""What is known of a product's writes: from the journal of a run, from traces, and from a look at it now.

All times are µs since 1970, by the clock of this machine.
"""

from dataclasses import dataclass

from scenarios.judge.checks.fates import Class
from scenarios.judge.ledger import Answer, Operation
from service.traces.life import Now, TracedWrite


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFacts:
    """One write."""

    operation: Operation
    answer: Answer
    version: int | None
    #: None: only the API's side of it is known.
    sent_us: int | None
    answered_us: int
    #: What was answered, if it was not acknowledged.
    detail: str = ""
    #: What the judge of its run says; None: it is not a write of the run, or it was not acknowledged.
    fate: Class | None = None
    #: Why its class is not known; empty if it is.
    why: str = ""
    #: The number of the crash that cost it, from 1; 0: none did.
    crash: int = 0
    #: Lost, though the product was written again later.
    overwritten_later: bool = False
    #: When a poll of PostgreSQL first showed it, or a newer version; None: none did.
    seen_us: int | None = None
    #: Unanswered, and found in the row.
    recovered: bool = False
    #: What the trace says; None: it was not traced, or its trace is gone.
    traced: TracedWrite | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFacts:
    """Redis lost its memory."""

    #: When the old memory was last seen, and when it was certainly gone.
    last_seen_us: int
    gone_us: int
    #: The fault of the run that did it: "redis:flushall"; empty: not known.
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run that wrote the product."""

    run: str
    #: Whether it came to its end and was judged.
    judged: bool
    losses: tuple[LossFacts, ...] = ()
    #: The versions that the final read found: of the row (None: there was none), among the dead letters, and
    #: among what waited.
    row: int | None = None
    #: Why the row was not read; empty if it was.
    row_unread: str = ""
    row_deleted: bool = False
    dead_letters: tuple[int, ...] = ()
    pending: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """All that is known of one product."""

    product: str
    #: In the order of their versions; those without one where they were sent.
    writes: tuple[WriteFacts, ...]
    #: None: no run that is recorded wrote it.
    run: RunFacts | None
    #: None: nothing could be asked.
    now: Now | None
    #: What of `now` could not be read.
    unread: tuple[str, ...] = ()
    #: Why there are no traces and no look at it now; empty if there are.
    unasked: str = ""
