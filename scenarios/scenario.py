"""What a scenario is: a value. Its `play` is a generator that reads like a part of the runbook."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from scenarios.events import Event, Outcome
from scenarios.lab.context import Run
from scenarios.options import Option, Options, parse_options

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """A play begins its next step. The runner numbers the steps and reports them as `StepStarted`."""

    title: str
    #: The command that a person could have typed; may span lines.
    command: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a scenario ended."""

    outcome: Outcome
    #: One sentence.
    text: str


#: A play, or a part of one: it yields steps and events, and returns a T.
Play: TypeAlias = Generator[Event | Step, None, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scripted measurement.

    Example:
        SCENARIO = Scenario(name="basics", title="Write-behind basics", summary="…", steps=4, play=play)
    """

    name: str
    title: str
    #: One or two sentences: what will be shown.
    summary: str
    #: How many steps the play has. A play that has more or fewer is a bug, which the runner reports.
    steps: int
    #: Yields what happens and returns how it ended. Closing it at any point leaves the lab in working order.
    play: Callable[[Run, Options], Play[Conclusion]]
    #: What a user may choose.
    options: tuple[Option, ...] = ()
    #: By option, why this scenario does not take one that similar scenarios take.
    lacking: Mapping[str, str] = field(default_factory=dict)
    #: Whether the lab has to work: then it is repaired first, and the run ends once flushing is stuck. A
    #: load may be about a lab that does not work.
    repair: bool = True
    #: Whether the run ends once flushing is stuck, if the lab has to work. Not if it breaks the database on
    #: purpose.
    gives_up: bool = True
    #: The command that runs it, where that is not its name: "load basic", "demo ./mine.yaml".
    typed: str = ""

    @property
    def command(self) -> str:
        """What a person types after `labctl` to run it."""
        return self.typed or f"demo {self.name}"

    def parse(self, values: Mapping[str, Any]) -> Options:
        """The options of one run.

        Args:
            values: What the user chose, by option; None: nothing.

        Raises:
            UsageError: this scenario does not take an option, or its value is not allowed.
        """
        return parse_options(self.options, values, command=self.command, lacking=self.lacking)
