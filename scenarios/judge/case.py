"""One case before the judge: the history and the final read, with what the checks look up in them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.history import History
from scenarios.judge.ledger import Write
from scenarios.judge.values import Comparable, comparable, same

Answered = Literal["yes", "no", "unclear"]


@dataclass(frozen=True, slots=True)
class Case:
    history: History
    read: Findings
    acknowledged: Sequence[Write]
    #: Acknowledged writes by product and version.
    by_version: Mapping[tuple[str, int], Sequence[Write]]
    #: Writes of unknown outcome by product (None: the id is not known) and value.
    unanswered: Mapping[tuple[str | None, Comparable], Sequence[Write]]

    @classmethod
    def of(cls, history: History, read: Findings) -> "Case":
        by_version: dict[tuple[str, int], list[Write]] = defaultdict(list)
        unanswered: dict[tuple[str | None, Comparable], list[Write]] = defaultdict(list)
        acknowledged = [write for write in history.writes if write.answer == "acknowledged"]
        for write in acknowledged:
            if write.product is not None and write.version is not None:
                by_version[write.product, write.version].append(write)
        for write in history.writes:
            if write.answer == "unknown":
                unanswered[write.product, comparable(write.value)].append(write)
        return cls(history, read, acknowledged, dict(by_version), dict(unanswered))

    def writers(self, product: str, held: StoredValue) -> Sequence[Write]:
        """The writes that a row or an entry may come from: acknowledged ones of its version and value, else
        unanswered ones of its value, if it is of this run. None: it comes from somewhere else."""
        known = self.by_version.get((product, held.version), ())
        exact = [write for write in known if same(write.value, held.value)]
        if exact or known or held.version <= self.read.since:
            return exact
        return self.unanswered.get((product, comparable(held.value)), ())


def precede(writers: Sequence[Write], write: Write) -> Answered:
    """Whether the write that a row comes from, one of `writers`, was over before this one began: then it did
    not replace it, whatever the versions say. Of a write that the ledger does not know: no."""
    before = [writer.over_at < write.sent_at for writer in writers]
    if before and all(before):
        return "yes"
    return "unclear" if any(before) else "no"
