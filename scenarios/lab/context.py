"""What a scenario works with: one lab, its API, its databases, the run's ledger and its journal."""

import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from scenarios.early_end import EarlyEnd
from scenarios.events import Event, FaultInjected, ScenarioFinished, StepStarted
from scenarios.journal import files
from scenarios.journal.environment import environment
from scenarios.journal.final_read import FinalReader, note_end_of_watch
from scenarios.journal.judgement import OnJudged, judging
from scenarios.journal.lines import Environment, SampleLine
from scenarios.journal.partition import Partition
from scenarios.journal.reader import Journal
from scenarios.journal.writer import JournalWriter
from scenarios.judge.ledger import Ledger
from scenarios.judge.verdict import Verdict
from scenarios.lab.client import Client
from scenarios.lab.probe import Probe
from scenarios.lab.tracing import Tracer
from scenarios.load.sampling import Increases
from scenarios.marks.announcer import Announcer
from scenarios.options import Options
from scenarios.settle import Depth
from scenarios.watch.watcher import Watcher
from stack.lab import Lab
from stack.spec.events import Advanced
from stack.undo_log import UndoLog


class Run:
    """One run's view of a lab. A context manager: it closes what it opened."""

    def __init__(
        self,
        lab: Lab,
        command: str = "run",
        *,
        scenario: str = "run",
        options: Options | None = None,
        folder: Path | None = None,
        early_end: EarlyEnd | None = None,
    ) -> None:
        """
        Args:
            command: What a person types to run the scenario, as the undo log and the journal name it:
                "demo basics".
            scenario: Its name.
            options: What was chosen for it.
            folder: Where its journal goes; None: to those of all runs.
            early_end: Asks the run to end early, and still to judge; None: nothing will.
        """
        urls = lab.urls()
        self.lab = lab
        self.early_end = early_end or EarlyEnd()
        self.api_url = urls["api"]
        self.api_port = urlsplit(urls["api"]).port or 80
        self.ledger = Ledger()
        #: The run notes here what it is about to change.
        self.journal = UndoLog(lab.directory, command)
        self._open = ExitStack()
        self._folder = folder or lab.directory.parent / files.FOLDER
        #: The run's journal.
        self.writer = JournalWriter(self.ledger, time.monotonic(), others=self._seen)
        #: Starts the traces of the run's writes.
        self.tracer = self._open.enter_context(Tracer(urls["api"]))
        self.client = self._open.enter_context(Client(urls["api"], self.ledger, tracer=self.tracer))
        self.probe = self._open.enter_context(Probe(urls["redis"], urls["postgres"]))
        self._watcher = self._open.enter_context(
            closing(
                Watcher(
                    urls["redis"],
                    urls["postgres"],
                    self.ledger,
                    note_poll=self.writer.note_poll,
                    note_sample=self._note_sample,
                )
            )
        )
        self._progress: Advanced | None = None
        self._announcer: Announcer | None = None
        self._identity = (command, scenario, options or Options())
        self._urls = urls

    def open_journal(self) -> None:
        """From now on, all that happens goes into the run's journal, and whoever shows the lab is told."""
        _, scenario, _ = self._identity
        name = self.writer.start_in(
            self._folder,
            scenario,
            self._environment,
        )
        self._open.callback(self.writer.close)
        self._announcer = Announcer(self._urls, name, scenario)
        self._open.callback(self._announcer.close)

    def note(self, event: Event) -> None:
        """Take an event into the journal, unless it is progress that was noted already, and announce it."""
        if isinstance(event, StepStarted):
            # What a step changes at once would fall between two samples.
            self._watcher.sample()
        if self._announcer is not None:
            ago = self.now() - event.at if isinstance(event, FaultInjected) else 0.0
            self._announcer.on(event, ago)
        if event != self._progress:
            self.writer.note_event(event)
        if isinstance(event, Advanced):
            self._progress = event

    @property
    def problem(self) -> str:
        """Why the journal can't be written any more; empty if it can."""
        return self.writer.problem

    def announce_end(self, end: ScenarioFinished) -> str:
        """Announce how the run ends, ahead of the event.

        Returns:
            Who was not told what the run does, and why; empty if there is nothing to say.
        """
        return self._announcer.finish(end) if self._announcer else ""

    def now(self) -> float:
        """s since the run began, as its journal counts them."""
        return self.writer.encoder.now()

    def begin(self) -> None:
        """The run begins: earlier writes are not its own, and from now on the lab is watched."""
        self.probe.begin()
        self._watcher.start()

    def judging(self, on_judged: OnJudged | None = None) -> Generator[Event, None, Verdict]:
        """Read what PostgreSQL and Redis hold, and judge every write. This ends the watching.

        Args:
            on_judged: Takes each acknowledged write with its verdict.
        """
        self._watcher.end()
        note_end_of_watch(self.writer, self._watcher.memory.losses, self._watcher.rows.waiting)
        with Partition(self.history()) as partition:
            yield from FinalReader(self.probe, self.writer, partition).read(self._watcher.unwatched)
            return (yield from judging(partition, on_judged))

    def history(self) -> Journal:
        """The run's journal with all that was noted so far."""
        self.writer.flush()
        return Journal(self.writer.path, self.writer.unwritten)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def _environment(self, run: str) -> Environment:
        # It says what time it is: that is the time of this moment.
        at = self.now()
        about = environment(run, *self._identity, lab=self.lab, client=self.client, probe=self.probe)
        return msgspec.structs.replace(about, at=at)

    def _seen(self) -> int:
        return self._watcher.rows.taken

    def _note_sample(self, depth: Depth, increases: Increases) -> None:
        through = increases.of("written_through")
        self.writer.note(
            SampleLine(
                at=self.writer.encoder.now(),
                queue=depth.queue,
                inflight=depth.inflight,
                retrying=depth.retrying,
                dead_letters=depth.dead_letters,
                accepted=increases.of("accepted") + through,
                coalesced=increases.of("coalesced"),
                persisted=increases.of("persisted") + through,
            )
        )
