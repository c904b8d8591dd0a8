"""The loads of the runbook as k6 makes them, with its thresholds; judged like every other load."""

import time
from typing import Final

from scenarios.catalogue import load_name
from scenarios.events import Checked, Narrated
from scenarios.lab.context import Run
from scenarios.load import limits, report
from scenarios.load.finish import STEPS_AT_THE_END, end
from scenarios.load.k6 import K6Load, Threshold
from scenarios.load.plan import Plan
from scenarios.load.run import run_load
from scenarios.load.schedule import ClosedLoop, Shape
from scenarios.options import CLIENTS, Options, duration
from scenarios.scenario import Conclusion, Play, Scenario, Step
from stack.spec.load_test import Script

#: k6 does not take less.
_SHORTEST_S: Final = 1.0


def _k6(
    kind: str,
    title: str,
    summary: str,
    *,
    script: Script,
    duration_s: float,
    clients: int,
    ramp: float = 0.0,
    reads: bool = False,
) -> Scenario:
    """One script of k6 as a scenario.

    Args:
        duration_s: How long the script runs unless the user says otherwise.
        clients: Its users at once, likewise.
        ramp: The share of the duration that each ramp takes.
        reads: Whether it reads what it wrote.
    """

    def play(run: Run, options: Options) -> Play[Conclusion]:
        """Raises LabError if k6 can't be started, or does not finish."""
        users = options.clients or clients
        planned = Plan(
            ClosedLoop(Shape(options.duration, ramp * options.duration), users), users, options.duration
        )
        test = run.lab.load_test(script, {"DURATION": f"{planned.planned:g}s", "CLIENTS": str(users)})
        yield Step(title, test.command)
        yield from test.prepare()
        yield Narrated("k6 reports every answer, and each write among them is entered into the ledger.")
        started_at = time.monotonic()
        load = K6Load(test, planned.pace.shape, run.ledger.record, run.tracer)
        finished = yield from run_load(run, planned, load)
        yield from report.client_side(finished, run.ledger.count("acknowledged"))
        yield from limits.report(finished)
        checks = [_checked(threshold) for threshold in sorted(load.thresholds, key=lambda each: each.metric)]
        return (yield from end(run, finished, started_at=started_at, label="k6", reads=reads, checks=checks))

    return Scenario(
        name=load_name(kind, "k6"),
        title=title,
        summary=summary,
        steps=1 + STEPS_AT_THE_END,
        options=(duration(duration_s, least=_SHORTEST_S), CLIENTS),
        lacking={
            "rate": "each user of k6's scripts waits for its answer",
            "writes_per_second": "each user of k6's scripts waits for its answer",
            "mix": "k6's scripts have their own",
            "keys": "k6's scripts keep their own",
            "policy": "k6's scripts write as the lab is set; `labctl config set` changes that",
            "fault": "k6's thresholds leave no room for an outage",
        },
        repair=False,
        typed=f"load {kind} --engine k6",
        play=play,
    )


def _checked(threshold: Threshold) -> Checked:
    unit = " ms" if "duration" in threshold.metric else ""
    measured = "nothing" if threshold.measured is None else f"{threshold.measured:.4g}{unit}"
    return Checked(f"k6: {threshold.metric}", threshold.limit, measured, threshold.kept)


COALESCING: Final = _k6(
    "coalescing",
    "One hot product, by k6",
    "A few users update the same product, each at most 20 times a second. The worker writes it once per "
    "window.",
    script="coalescing-test",
    duration_s=30.0,
    clients=5,
)
BASIC: Final = _k6(
    "basic",
    "A mix of reads and writes, by k6",
    "30 % creates, 30 % reads and 40 % updates by users who pause between requests, with a ramp up, a hold "
    "and a ramp down.",
    script="basic",
    duration_s=120.0,
    clients=10,
    ramp=0.25,
    reads=True,
)
#: By name, for the catalogue.
LOADS: Final = {scenario.name: scenario for scenario in (BASIC, COALESCING)}
