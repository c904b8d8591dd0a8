"""What a scenario works with: one lab, its API, its databases, and the run's ledger."""

from contextlib import ExitStack, closing
from types import TracebackType
from urllib.parse import urlsplit

from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger
from scenarios.lab.client import Client
from scenarios.lab.probe import Probe
from scenarios.watch.watcher import Watcher
from stack.lab import Lab
from stack.undo_log import UndoLog


class Run:
    """One run's view of a lab. A context manager: it closes what it opened."""

    def __init__(self, lab: Lab, run: str = "") -> None:
        """
        Args:
            run: The command that runs the scenario, as the undo log names it: "demo basics".
        """
        urls = lab.urls()
        self.lab = lab
        self.api_url = urls["api"]
        self.api_port = urlsplit(urls["api"]).port or 80
        self.ledger = Ledger()
        #: The run notes here what it is about to change.
        self.journal = UndoLog(lab.directory, run)
        self._open = ExitStack()
        self.client = self._open.enter_context(Client(urls["api"], self.ledger))
        self.probe = self._open.enter_context(Probe(urls["redis"], urls["postgres"]))
        self._watcher = self._open.enter_context(
            closing(Watcher(urls["redis"], urls["postgres"], self.ledger))
        )

    def begin(self) -> None:
        """The run begins: earlier writes are not its own, and from now on the lab is watched."""
        self.probe.begin()
        self._watcher.start()

    def history(self) -> History:
        """What happened in the run up to now, for the verdict. This ends the watching."""
        return self._watcher.history()

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
