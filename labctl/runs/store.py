"""The journals of earlier runs: listed, found, removed, and bounded in number and size."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from labctl.cli.settings import Keep
from labctl.runs.summary import RunSummary, summarise
from scenarios.journal import files
from scenarios.journal.reader import Journal, open_journal
from stack.errors import EnvironmentFault, LabError, StateUnusable, UsageError
from stack.settings import StackSettings
from stack.spec.hints import labctl
from stack.state.files import map_os_errors

#: Names the newest run.
LAST: Final = "last"
#: Beside each closed journal, what the list shows of it: reading all journals would take too long.
_SUMMARY: Final = ".summary.json"
#: What an interrupted labctl leaves of a file that it was about to replace.
_PARTIAL: Final = ".partial"


class Runs:
    """The runs of one state directory."""

    def __init__(self, home: Path, lab: str | None = None, runtime: str | None = None) -> None:
        """
        Args:
            lab: Only runs on the lab of that name; None: of all labs.
            runtime: Likewise.
        """
        self._folder: Final = home / files.FOLDER
        self._lab = lab
        self._runtime = None if runtime == "auto" else runtime

    def journals(self) -> dict[str, Path]:
        """The journals by run, oldest first.

        Raises:
            StateUnusable: the folder can't be read.
        """
        with map_os_errors(self._folder):
            journals = files.journals(self._folder)
        if self._lab is None and self._runtime is None:
            return journals
        return {run: path for run, path in journals.items() if self._is_wanted(path)}

    def _is_wanted(self, path: Path) -> bool:
        try:
            about = open_journal(path).environment
        except StateUnusable:
            return False
        return self._lab in (None, about.lab) and self._runtime in (None, about.runtime)

    def find(self, word: str = LAST) -> Path:
        """The journal that a word names: a run by its long or its short name, the newest run of a scenario,
        `last`, or a file.

        Raises:
            UsageError: it names none, or several.
            EnvironmentFault: there is no run at all.
        """
        if _names_file(word) and Path(word).is_file():
            return Path(word)
        if (trial := self.trials(word.partition("/")[0]).get(word)) is not None:
            return trial
        journals = self.journals()
        for run, path in reversed(journals.items()):
            if word in (LAST, run, files.scenario_of(run), path.name):
                return path
        short = {run: path for run, path in journals.items() if word == files.short_name(run)}
        if len(short) > 1:
            raise UsageError(
                f"{word!r} is the short name of several runs", hint=f"say which: {', '.join(short)}"
            )
        if short:
            return next(iter(short.values()))
        raise _not_found(word)

    def trials(self, run: str) -> dict[str, Path]:
        """The journals of an experiment's trials by name ("<experiment>/<trial>"), oldest first; none for
        another run."""
        if not files.is_run(run):
            return {}
        with map_os_errors(self._folder):
            return {f"{run}/{trial}": path for trial, path in files.journals(self._folder / run).items()}

    def open(self, word: str = LAST) -> Journal:
        """The journal that a word names; see `find`.

        Raises:
            StateUnusable: it can't be read.
        """
        return open_journal(self.find(word))

    def newest(self) -> Journal | None:
        """The newest journal; None: there is none.

        Raises:
            StateUnusable: it can't be read.
        """
        path = next(reversed(self.journals().values()), None)
        return None if path is None else open_journal(path)

    def newest_with(self, product: str) -> Journal | None:
        """The newest journal in which the product is named; None: none names it."""
        for path in reversed(self.journals().values()):
            with suppress(StateUnusable):
                journal = open_journal(path)
                if journal.mentions(product):
                    return journal
        return None

    def summaries(self) -> list[RunSummary]:
        """What the list shows of each run, oldest first. One that can't be read is listed as damaged."""
        return [self._summary(run, path) for run, path in self.journals().items()]

    def remove(self, run: str) -> None:
        """Remove a run's journal.

        Raises:
            StateUnusable: it can't be removed.
        """
        with map_os_errors(self._folder):
            if files.is_run(run) and (self._folder / run).is_dir():
                shutil.rmtree(self._folder / run)
            for end in (files.OPEN, files.CLOSED, _SUMMARY):
                (self._folder / f"{run}{end}").unlink(missing_ok=True)

    def prune(self, keep: Keep) -> list[str]:
        """Remove the oldest runs beyond the number and the size that are kept. The newest always stays, and
        so does one that still goes on.

        Returns:
            The runs that were removed.
        """
        with suppress(StateUnusable):
            return list(self._prune(keep))
        return []

    def _prune(self, keep: Keep) -> Iterator[str]:
        for left in self._folder.glob(f"*{_PARTIAL}"):
            if not is_running(left.with_suffix("")):
                # One that stays must not keep the runs from being pruned.
                with suppress(OSError):
                    left.unlink(missing_ok=True)
        journals = self.journals()
        size, number = 0, 0
        for run, path in reversed(journals.items()):
            size, number = size + sum(map(_bytes, (path, *self.trials(run).values()))), number + 1
            beyond = number > keep.runs or size > keep.bytes
            if number > 1 and beyond and not is_running(path):
                self.remove(run)
                yield run

    def _summary(self, run: str, path: Path) -> RunSummary:
        kept = self._folder / f"{run}{_SUMMARY}"
        if path.name.endswith(files.CLOSED) and (found := RunSummary.load(kept, path)) is not None:
            return found
        summary = summarise(run, path)
        if path.name.endswith(files.CLOSED):
            # It is only a short cut.
            with suppress(OSError):
                summary.save(kept)
        return summary


def open_runs(lab: str | None = None, runtime: str | None = None) -> Runs:
    """The runs of the state directory that the environment names; see `Runs`."""
    return Runs(StackSettings.from_env().home, lab, runtime)


def _names_file(word: str) -> bool:
    return "/" in word or word.endswith((files.OPEN, files.CLOSED))


def _not_found(word: str) -> LabError:
    if word == LAST:
        return EnvironmentFault("no run is recorded yet", hint=f"make one: {labctl('demo coalescing')}")
    if _names_file(word):
        return UsageError(f"there is no file {word}", hint=f"list the recorded runs with {labctl('runs')}")
    return UsageError(f"no recorded run matches {word!r}", hint=f"list them with {labctl('runs')}")


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def is_running(path: Path) -> bool:
    """Whether the run of that journal still goes on."""
    if not path.name.endswith(files.OPEN):
        return False
    with suppress(StateUnusable):
        return open_journal(path).is_owned
    return False
