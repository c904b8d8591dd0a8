"""Runbook part 8: load, and the verdict over every write that was acknowledged under it."""

import time
from collections.abc import Callable
from collections.abc import Generator as Events
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from scenarios.events import Event, StepStarted
from scenarios.judge.ledger import Ledger
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.load import report
from scenarios.load.finish import end
from scenarios.load.generator import LoadGenerator
from scenarios.load.plan import Defaults, Plan, plan
from scenarios.load.profiles import Creates, HotProduct, Mix, Profile
from scenarios.load.run import run_load
from scenarios.scenario import Conclusion, Options
from scenarios.shell_commands import curl, labctl
from stack.errors import Inconclusive

_WRITES: Final = 50


@dataclass(frozen=True, slots=True)
class Prepared:
    """What will be sent."""

    profile: Profile
    #: The command that a person could have typed.
    command: str
    #: Whether there are reads among it.
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadScenario:
    """One kind of load. Its options are those of `Options` but `crash`."""

    name: str
    title: str
    summary: str
    defaults: Defaults
    #: What is sent; may write to the lab first.
    prepare: Callable[[Run, Plan], Prepared]
    #: The beginning of the products' names.
    label: str
    steps: int = 3

    def check(self, options: Options) -> None:
        """Raises UsageError where options don't go together; needs no lab."""
        plan(self.defaults, options)

    def play(self, run: Run, options: Options) -> Events[Event, None, Conclusion]:
        """Raises UsageError, before anything is sent, where options don't go together."""
        planned = plan(self.defaults, options)
        begun = time.monotonic()
        prepared = self.prepare(run, planned)
        yield StepStarted(1, self.title, prepared.command)
        finished = yield from run_load(run, planned, _generator(run, planned, prepared.profile))
        yield from report.client_side(finished, run.ledger.writes)
        yield from report.generator_side(finished.counters)
        return (yield from end(run, finished, begun=begun, label=self.label, reads=prepared.reads))


def _generator(run: Run, planned: Plan, profile: Profile) -> LoadGenerator:
    host = urlsplit(run.api_url).hostname or "127.0.0.1"
    address = (host, run.api_port)
    return LoadGenerator(address, profile, planned.pace, run.ledger.record, connections=planned.clients)


def _creates(run: Run, planned: Plan) -> Prepared:
    # The shell puts the number between the two quoted parts of the body.
    value = {"name": "Load-'$i'", "price": 9.99, "quantity": 1}
    call = curl("POST", f"{run.api_url}/products", value)
    command = f"for i in $(seq {_WRITES}); do\n  {call} &\ndone; wait"
    return Prepared(Creates(_host(run)), command)


def _hot_product(run: Run, planned: Plan) -> Prepared:
    """Raises Inconclusive where the product can't be created."""
    # The load counts what it sends. This write belongs to what was there before.
    with Client(run.api_url, Ledger()) as client:
        created = client.create({"name": "Hot-0", "price": 0.0, "quantity": 0})
    run.probe.begin()
    if created.product is None:
        raise Inconclusive("the hot product was not created", hint=created.detail or "see `labctl logs api`")
    url = f"{run.api_url}/products/{created.product}"
    call = curl("PUT", url, {"name": "Hot", "price": 9.99, "quantity": 1})
    return Prepared(HotProduct(_host(run), created.product), f"while true; do\n  {call}\ndone")


def _mix(run: Run, planned: Plan) -> Prepared:
    how = f"--rate {planned.rate:g}" if planned.rate else f"--clients {planned.clients}"
    command = labctl(run.lab.name, f"load basic --duration {planned.planned:g} {how}")
    return Prepared(Mix(_host(run), planned.clients), command, reads=True)


def _host(run: Run) -> str:
    return run.api_url.partition("://")[2]


QUICK: Final = LoadScenario(
    name="load-quick",
    title=f"{_WRITES} rapid writes",
    summary=f"{_WRITES} products are created, all at once unless told otherwise. Every acknowledgement is "
    "judged.",
    defaults=Defaults(clients=_WRITES, count=_WRITES),
    prepare=_creates,
    label="Load",
)
COALESCING: Final = LoadScenario(
    name="load-coalescing",
    title="One hot product",
    summary="A few clients update the same product as fast as they are answered; the worker writes it "
    "once a window.",
    defaults=Defaults(clients=5, duration=30.0),
    prepare=_hot_product,
    label="Hot",
)
BASIC: Final = LoadScenario(
    name="load-basic",
    title="A mix of reads and writes",
    summary="30 % creates, 30 % reads and 40 % updates, with a ramp up, a hold and a ramp down. Each client "
    "reads and updates its own products.",
    defaults=Defaults(clients=10, duration=120.0, ramp=0.1),
    prepare=_mix,
    label="Mix",
)
