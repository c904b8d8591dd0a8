"""Announces what one run does to all who show its lab."""

import time
from collections.abc import Mapping
from typing import Final

from scenarios.events import Event, ScenarioFinished
from scenarios.marks.courier import Courier, Receiver
from scenarios.marks.mark import Mark, Marker
from scenarios.marks.receivers import ApiReceiver, GrafanaReceiver

#: How long the end of a run may wait for the last marks to be delivered.
_LAST_MARKS_S: Final = 0.5


class Announcer:
    """Announces one run. It never raises, and only its end may take a moment."""

    def __init__(self, urls: Mapping[str, str], run: str, scenario: str) -> None:
        """
        Args:
            urls: Where the lab's services are, by name.
            run: The run's name, as its journal has it.
            scenario: What it runs.
        """
        receivers: list[Receiver] = [ApiReceiver(urls["api"])]
        if "grafana" in urls:
            receivers.append(GrafanaReceiver(urls["grafana"]))
        self._marker = Marker(run, scenario)
        self._couriers = [Courier(receiver) for receiver in receivers]
        #: When the last marks are given up, monotonic s; None: more may come.
        self._deadline: float | None = None

    def on(self, event: Event, ago: float = 0.0) -> None:
        """Announce an event, if it is worth it and the run's end has not been announced.

        Args:
            ago: How long ago a fault took effect, s.
        """
        mark = self._marker.mark(event, ago)
        if mark is not None and self._deadline is None:
            self._send(mark)

    def finish(self, end: ScenarioFinished) -> str:
        """Announce the end of the run, and give the last marks half a second.

        Returns:
            Who has not been told what the run did, and why; empty if there is nothing to say.
        """
        self.on(end)
        self.close()
        return self.problem

    @property
    def problem(self) -> str:
        """Who has not been told, and why; empty if there is nothing to say."""
        return "; ".join(filter(None, (courier.problem for courier in self._couriers)))

    def close(self) -> None:
        """Announce the end of a run that was interrupted, and give the last marks half a second."""
        if self._marker.is_open:
            self._send(self._marker.interrupted())
        if self._deadline is None:
            self._deadline = time.monotonic() + _LAST_MARKS_S
        for courier in self._couriers:
            courier.close(self._deadline)

    def _send(self, mark: Mark) -> None:
        for courier in self._couriers:
            courier.send(mark)
