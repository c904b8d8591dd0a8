"""What the steps of one run share."""

from collections.abc import Mapping
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

    def look(self) -> Mapping[str, int] | None:
        """Read the totals, so that what Redis forgets was counted.

        Returns:
            The totals; None if Redis does not answer: then the last figures stay.
        """
        try:
            totals = self.run.probe.totals()
        except NotRunning:
            return None
        self.increases.look(totals)
        self.since_check.look(totals)
        return totals

    def miss_counts(self) -> None:
        """Redis lost its memory, and with it counts that no look has seen."""
        self.increases.restarted = self.since_check.restarted = True
