"""One case before the judge: the history, the final read, and the look-ups that the checks share."""

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
    #: The acknowledged writes, by product and version.
    by_version: Mapping[tuple[str, int], Sequence[Write]]
    #: Writes of unknown outcome by product (None: the id is not known) and value.
    unanswered: Mapping[tuple[str | None, Comparable], Sequence[Write]]

    @classmethod
    def of(cls, history: History, read: Findings) -> "Case":
        """The case of one run."""
        by_version: dict[tuple[str, int], list[Write]] = defaultdict(list)
        unanswered: dict[tuple[str | None, Comparable], list[Write]] = defaultdict(list)
        acknowledged = [write for write in history.writes if write.answer == "acknowledged"]
        for write in acknowledged:
            if write.product is not None and write.version is not None:
                by_version[write.product, write.version].append(write)
        for write in (*history.writes, *history.nameless):
            if write.answer == "unknown":
                unanswered[write.product, comparable(write.value)].append(write)
        return cls(history, read, acknowledged, dict(by_version), dict(unanswered))

    def writers(self, product: str, held: StoredValue) -> Sequence[Write]:
        """The writes that a row or an entry may come from.

        Returns:
            The acknowledged writes of its version and value; else, if it was written during this run, the
            unanswered writes of its value. Empty: it comes from somewhere else.
        """
        of_version = self.by_version.get((product, held.version), ())
        exact = [write for write in of_version if same(write.value, held.value)]
        if exact or of_version or held.version <= self.read.since:
            return exact
        return self.unanswered.get((product, comparable(held.value)), ())


def precede(writers: Sequence[Write], write: Write) -> Answered:
    """Whether the write that a row comes from was over before this write began. Then it did not replace this
    write, whatever the versions say.

    Args:
        writers: The writes that the row may come from. Empty: no.
    """
    before = [writer.over_at < write.sent_at for writer in writers]
    if before and all(before):
        return "yes"
    return "unclear" if any(before) else "no"
