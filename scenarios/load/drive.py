"""Runs a load beside the scenario that watches it."""

from collections.abc import Generator as Events
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from scenarios.events import Event
from scenarios.lab import Lab
from scenarios.load.generator import TIMEOUT, Generator
from scenarios.load.latencies import Percentiles
from scenarios.load.plan import Plan
from scenarios.load.profiles import Profile
from scenarios.load.sampling import Increases, Sampler
from scenarios.load.tally import Tally
from stack.wait import waiting

#: s between two samples.
_INTERVAL: Final = 0.25
#: s that the last answers get beyond their timeout.
_SPARE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Driven:
    """A load that came to its end."""

    plan: Plan
    tally: Tally
    percentiles: Percentiles
    #: Of the service's totals since the load began; rises on as the queue is flushed.
    sampler: Sampler

    @property
    def increases(self) -> Increases:
        return self.sampler.increases


def drive(lab: Lab, plan: Plan, profile: Profile) -> Events[Event, None, Driven]:
    """Put the lab under load; yields samples. Closed early, it stops the load at once.

    Raises:
        NotRunning: the API or Redis can't be reached at the beginning.
    """
    url = urlsplit(lab.api_url)
    generator = Generator(
        (url.hostname or "127.0.0.1", lab.api_port),
        profile,
        plan.pace,
        lab.ledger.record,
        connections=plan.clients,
    )
    sampler = Sampler(lab.probe, generator, plan.pace.shape, planned=plan.planned)
    with ThreadPoolExecutor(1, thread_name_prefix="load") as pool:
        running = pool.submit(generator.run)
        try:
            due = _INTERVAL
            for waited in waiting(
                running.done,
                seconds=plan.pace.shape.duration + TIMEOUT + _SPARE,
                reason="the load comes to its end",
                hint="this is a bug in labctl's load generator",
            ):
                if waited >= due:
                    due = waited + _INTERVAL
                    yield sampler.sample()
            running.result()
            yield sampler.sample()
        finally:
            generator.stop()
    return Driven(plan, generator.tally, generator.latencies.percentiles(), sampler)
