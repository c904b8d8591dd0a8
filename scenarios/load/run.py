"""Runs a load beside the scenario that watches it."""

from collections.abc import Generator as Events
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from scenarios.events import Event
from scenarios.lab.context import Run
from scenarios.load.counters import Counters
from scenarios.load.generator import TIMEOUT
from scenarios.load.latencies import Percentiles
from scenarios.load.plan import Plan
from scenarios.load.sampling import Figures, Increases, Sampler
from stack.wait import waiting

#: s between two samples.
_INTERVAL: Final = 0.25
#: s that the last answers get beyond their timeout.
_SPARE: Final = 30.0


class Load(Figures, Protocol):
    """What puts the lab under load: `run` in one thread; `stop` and the figures from any other."""

    def run(self) -> None:
        """Return when the load has come to its end, or was stopped."""
        ...

    def stop(self) -> None:
        """Make `run` return within a moment."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A load that came to its end."""

    plan: Plan
    counters: Counters
    percentiles: Percentiles
    #: Of the service's totals since the load began; rises on as the queue is flushed.
    sampler: Sampler

    @property
    def increases(self) -> Increases:
        return self.sampler.increases


def run_load(run: Run, plan: Plan, load: Load) -> Events[Event, None, Finished]:
    """Put the lab under load; yields samples. Closed early, it stops the load at once.

    Raises:
        NotRunning: Redis can't be reached at the beginning.
        LabError: whatever `load` raises.
    """
    sampler = Sampler(run.probe, load, plan.pace.shape, planned=plan.planned)
    with ThreadPoolExecutor(1, thread_name_prefix="load") as pool:
        running = pool.submit(load.run)
        try:
            due = _INTERVAL
            for waited in waiting(
                running.done,
                seconds=plan.pace.shape.duration + TIMEOUT + _SPARE,
                reason="the load has ended",
                hint="the load generator hangs; `labctl doctor` checks the machine",
            ):
                if waited >= due:
                    due = waited + _INTERVAL
                    yield sampler.sample()
            running.result()
            yield sampler.sample()
        finally:
            load.stop()
    return Finished(plan, load.counters, load.latencies.percentiles(), sampler)
