"""What the steps of one run share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from scenarios.events import Checked
from scenarios.faults.inject import Injector
from scenarios.lab.context import Run
from scenarios.load.sampling import Increases
from scenarios.scripted.asker import Asker
from scenarios.scripted.outline import Address
from stack.errors import NotRunning


@dataclass(slots=True)
class Stage:
    """One run under way."""

    run: Run
    injector: Injector
    ask: Asker
    #: Notes for the next command what this run has to put back.
    note: Callable[[], None]
    #: Totals since the beginning, and since the last check.
    increases: Increases
    since_check: Increases
    #: By group: its products, and the newest version that was acknowledged of each.
    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Settings that the steps have changed so far.
    settings: dict[str, bool | int | float | str] = field(default_factory=dict)
    checks: list[Checked] = field(default_factory=list)
    questions: int = 0

    @property
    def address(self) -> Address:
        return Address(self.run.lab.name, self.run.api_url)

    def look(self) -> None:
        """Read the totals, so that what Redis forgets was counted. While it does not answer, the last figures
        stay."""
        try:
            totals = self.run.probe.totals()
        except NotRunning:
            return
        self.increases.look(totals)
        self.since_check.look(totals)
