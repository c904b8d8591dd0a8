"""What a scenario works with: one lab's stack, its API, its databases, and the run's ledger."""

from contextlib import ExitStack
from types import TracebackType
from urllib.parse import urlsplit

from scenarios.client import Client
from scenarios.ledger import Ledger
from scenarios.probe import Probe
from stack.run_journal import RunJournal
from stack.stack import Stack


class Lab:
    """One run's view of a lab. A context manager: it closes what it opened."""

    def __init__(self, stack: Stack, run: str = "") -> None:
        urls = stack.urls()
        self.stack = stack
        self.api_url = urls["api"]
        self.api_port = urlsplit(urls["api"]).port or 80
        self.ledger = Ledger()
        #: What the run changes is noted here before it is changed.
        self.journal = RunJournal(stack.directory, run)
        self._open = ExitStack()
        self.client = self._open.enter_context(Client(urls["api"], self.ledger))
        self.probe = self._open.enter_context(Probe(urls["redis"], urls["postgres"]))

    def __enter__(self) -> "Lab":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
