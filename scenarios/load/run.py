"""Runs a load beside the scenario that watches it."""

import time
from collections.abc import Callable
from collections.abc import Generator as Events
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, Protocol

from scenarios.events import Event, Narrated
from scenarios.faults.schedule import Schedule
from scenarios.lab.context import Run
from scenarios.load.capacity import Capacity, assess
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
_EARLY: Final = "Ended early after {:.0f} s by Ctrl-C: nothing more is sent. Press it again to end at once."


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
    capacity: Capacity
    #: After how many s it was ended early; None: it went to its end.
    ended_early: float | None = None

    @property
    def increases(self) -> Increases:
        return self.sampler.increases


def run_load(
    run: Run,
    plan: Plan,
    load: Load,
    *,
    schedule: Schedule | None = None,
    end_early: Callable[[], None] | None = None,
) -> Events[Event, None, Finished]:
    """Put the lab under load; yields samples. Closing it early stops the load at once.

    Args:
        schedule: The faults to inject meanwhile.
        end_early: Makes the load send nothing more and wait for the answers under way; None: it can't.

    Raises:
        NotRunning: Redis can't be reached at the beginning.
        LabError: whatever `load` raises.
    """
    sampler = Sampler(run.probe, load, planned=plan.planned)
    ended_early: float | None = None
    with (
        ThreadPoolExecutor(1, thread_name_prefix="load") as pool,
        run.early_end.heeded(shown=True) if end_early else nullcontext(),
    ):
        running = pool.submit(load.run)
        if schedule is not None:
            schedule.start(time.monotonic(), load.phases)
        try:
            due = _SAMPLE_INTERVAL_S
            for waited in waiting(
                running.done,
                seconds=plan.pace.shape.duration + TIMEOUT_S + _END_TIMEOUT_S,
                reason="the load has ended",
                hint=f"the load generator hangs; {labctl('doctor')} checks the machine",
            ):
                if schedule is not None:
                    yield from schedule.events()
                if end_early is not None and ended_early is None and run.early_end.requested:
                    ended_early = load.counters.elapsed
                    end_early()
                    yield Narrated(_EARLY.format(ended_early))
                if waited >= due:
                    due = waited + _SAMPLE_INTERVAL_S
                    yield sampler.sample()
            running.result()
            if schedule is not None:
                schedule.end()
                yield from schedule.events()
            yield sampler.sample()
        finally:
            load.stop()
    capacity = assess(sampler.moments, plan.rate)
    return Finished(plan, load.counters, load.latencies, sampler, capacity, ended_early)
