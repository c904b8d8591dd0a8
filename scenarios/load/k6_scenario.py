"""The loads of the runbook as k6 makes them, with its thresholds; judged like every other load."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from scenarios.events import Checked, Event, Narrated, StepStarted
from scenarios.lab.context import Run
from scenarios.load import report
from scenarios.load.finish import end
from scenarios.load.k6 import K6Load, Threshold
from scenarios.load.plan import Plan
from scenarios.load.run import run_load
from scenarios.load.schedule import ClosedLoop, Shape
from scenarios.scenario import Conclusion, Options
from stack.errors import UsageError
from stack.spec.load_test import Script

#: s
_SHORTEST: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class K6Scenario:
    """One script of k6. Its options are `duration` and `clients`."""

    name: str
    title: str
    summary: str
    script: Script
    #: What the script does by itself: s, users at once, and the share of the duration that each ramp takes.
    duration: float
    clients: int
    ramp: float = 0.0
    #: Whether it reads what it wrote.
    reads: bool = False
    steps: int = 3

    def check(self, options: Options) -> None:
        """Raises UsageError for an option that the scripts don't have, or a time that is none for k6."""
        if options.duration is not None and options.duration < _SHORTEST:
            raise UsageError(
                f"--duration can't be {options.duration:g} for k6", hint=f"give at least {_SHORTEST:g} second"
            )
        if options.rate is not None:
            raise UsageError(
                "k6's scripts have no --rate: each user waits for its answer",
                hint="leave --rate out, or leave --engine k6 out",
            )

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        """Raises LabError where k6 is not to be had, or does not come to its end."""
        plan = self._plan(options)
        test = run.lab.load_test(
            self.script, {"DURATION": f"{plan.planned:g}s", "CLIENTS": str(plan.clients)}
        )
        yield StepStarted(1, self.title, test.command)
        yield from test.prepare()
        yield Narrated("k6 tells of every answer, and each write among them is entered into the ledger.")
        begun = time.monotonic()
        load = K6Load(test, run.ledger.record)
        finished = yield from run_load(run, plan, load)
        yield from report.client_side(finished, run.ledger.writes)
        checks = [_checked(threshold) for threshold in sorted(load.thresholds, key=lambda each: each.metric)]
        return (yield from end(run, finished, begun=begun, label="k6", reads=self.reads, checks=checks))

    def _plan(self, options: Options) -> Plan:
        duration = options.duration or self.duration
        clients = options.clients or self.clients
        return Plan(ClosedLoop(Shape(duration, self.ramp * duration), clients), clients, duration)


def _checked(threshold: Threshold) -> Checked:
    unit = " ms" if "duration" in threshold.metric else ""
    measured = "nothing" if threshold.measured is None else f"{threshold.measured:.4g}{unit}"
    return Checked(f"k6: {threshold.metric}", threshold.limit, measured, threshold.kept)


COALESCING: Final = K6Scenario(
    name="k6-coalescing",
    title="One hot product, by k6",
    summary="A few users update the same product, each 20 times a second at most; the worker writes it once "
    "a window.",
    script="coalescing-test",
    duration=30.0,
    clients=5,
)
BASIC: Final = K6Scenario(
    name="k6-basic",
    title="A mix of reads and writes, by k6",
    summary="30 % creates, 30 % reads and 40 % updates by users who pause between requests, with a ramp up, "
    "a hold and a ramp down.",
    script="basic",
    duration=120.0,
    clients=10,
    ramp=0.25,
    reads=True,
)
