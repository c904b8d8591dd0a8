"""Runs a load beside the scenario that watches it."""

from collections.abc import Generator as Events
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from scenarios.events import Event
from scenarios.lab.context import Run
from scenarios.load.counters import Counters
from scenarios.load.generator import TIMEOUT_S
from scenarios.load.latencies import Latencies
from scenarios.load.plan import Plan
from scenarios.load.sampling import Figures, Increases, Sampler
from stack.spec.hints import labctl
from stack.wait import waiting

_SAMPLE_INTERVAL_S: Final = 0.25
#: How long the load may take to end after the last answers have timed out.
_END_TIMEOUT_S: Final = 30.0


class Load(Figures, Protocol):
    """What puts the lab under load. `run` takes one thread; `stop` and the figures may be used from any."""

    def run(self) -> None:
        """Return when the load has ended, or was stopped."""
        ...

    def stop(self) -> None:
        """Make `run` return at once."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A load that has ended."""

    plan: Plan
    counters: Counters
    latencies: Latencies
    #: Watches the service's totals, which go on rising while the queue is flushed.
    sampler: Sampler

    @property
    def increases(self) -> Increases:
        return self.sampler.increases


def run_load(run: Run, plan: Plan, load: Load) -> Events[Event, None, Finished]:
    """Put the lab under load; yields samples. Closing it early stops the load at once.

    Raises:
        NotRunning: Redis can't be reached at the beginning.
        LabError: whatever `load` raises.
    """
    sampler = Sampler(run.probe, load, planned=plan.planned)
    with ThreadPoolExecutor(1, thread_name_prefix="load") as pool:
        running = pool.submit(load.run)
        try:
            due = _SAMPLE_INTERVAL_S
            for waited in waiting(
                running.done,
                seconds=plan.pace.shape.duration + TIMEOUT_S + _END_TIMEOUT_S,
                reason="the load has ended",
                hint=f"the load generator hangs; {labctl('doctor')} checks the machine",
            ):
                if waited >= due:
                    due = waited + _SAMPLE_INTERVAL_S
                    yield sampler.sample()
            running.result()
            yield sampler.sample()
        finally:
            load.stop()
    return Finished(plan, load.counters, load.latencies, sampler)
