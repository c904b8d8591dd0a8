"""Runbook part 8: load, and the verdict over every write that was acknowledged under it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from scenarios.catalogue import load_name
from scenarios.judge.ledger import Ledger
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.load import report
from scenarios.load.finish import STEPS_AT_THE_END, end
from scenarios.load.generator import LoadGenerator
from scenarios.load.plan import Extent, Plan, plan, rate_of
from scenarios.load.profiles import Creates, HotProduct, Mix, Profile
from scenarios.load.run import run_load
from scenarios.options import CLIENTS, RATE, Option, Options, duration
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, labctl_for
from stack.errors import Inconclusive
from stack.spec.hints import labctl

_WRITES: Final = 50


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is sent."""

    profile: Profile
    #: The command that a person could have typed.
    command: str
    #: Whether it includes reads.
    reads: bool = False


def _load(
    kind: str,
    title: str,
    summary: str,
    *,
    extent: Extent,
    options: tuple[Option, ...],
    prepare: Callable[[Run, Plan], Prepared],
    label: str,
    lacking: Mapping[str, str] = MappingProxyType({}),
) -> Scenario:
    """One kind of load as a scenario.

    Args:
        prepare: Says what is sent; may write to the lab first.
        label: The beginning of the products' names.
    """

    def play(run: Run, options: Options) -> Play[Conclusion]:
        planned = plan(extent, options)
        started_at = time.monotonic()
        prepared = prepare(run, planned)
        yield Step(title, prepared.command)
        finished = yield from run_load(run, planned, _generator(run, planned, prepared.profile))
        yield from report.client_side(finished, run.ledger.count("acknowledged"))
        yield from report.generator_side(finished.counters)
        return (yield from end(run, finished, started_at=started_at, label=label, reads=prepared.reads))

    return Scenario(
        name=load_name(kind),
        title=title,
        summary=summary,
        steps=1 + STEPS_AT_THE_END,
        options=options,
        lacking=lacking,
        repair=False,
        load_command=f"load {kind}",
        play=play,
    )


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
    """Raises Inconclusive if the product can't be created."""
    # The load counts only what it sends. This write counts as one from before the run.
    with Client(run.api_url, Ledger()) as client:
        created = client.create({"name": "Hot-0", "price": 0.0, "quantity": 0})
    run.probe.begin()
    if created.product is None:
        reason = created.detail or f"{labctl('logs api')} may say why"
        raise Inconclusive("the hot product was not created", hint=reason)
    url = f"{run.api_url}/products/{created.product}"
    call = curl("PUT", url, {"name": "Hot", "price": 9.99, "quantity": 1})
    return Prepared(HotProduct(_host(run), created.product), f"while true; do\n  {call}\ndone")


def _mix(run: Run, planned: Plan) -> Prepared:
    how = f"--rate {planned.rate:g}" if planned.rate else f"--clients {planned.clients}"
    command = labctl_for(run.lab.name, f"load basic --duration {planned.planned:g} {how}")
    return Prepared(Mix(_host(run), planned.clients), command, reads=True)


def _host(run: Run) -> str:
    return run.api_url.partition("://")[2]


QUICK: Final = _load(
    "quick",
    f"{_WRITES} rapid writes",
    f"{_WRITES} products are created, all at once unless told otherwise. Every acknowledgement is judged.",
    extent=Extent(clients=_WRITES, count=_WRITES),
    options=(rate_of(_WRITES), CLIENTS),
    lacking={"duration": f"it ends after {_WRITES} writes"},
    prepare=_creates,
    label="Load",
)
COALESCING: Final = _load(
    "coalescing",
    "One hot product",
    "A few clients update the same product as fast as they are answered. The worker writes it once per "
    "window.",
    extent=Extent(clients=5),
    options=(duration(30.0), RATE, CLIENTS),
    prepare=_hot_product,
    label="Hot",
)
BASIC: Final = _load(
    "basic",
    "A mix of reads and writes",
    "30 % creates, 30 % reads and 40 % updates, with a ramp up, a hold and a ramp down. Each client reads "
    "and updates its own products.",
    extent=Extent(clients=10, ramp=0.1),
    options=(duration(120.0), RATE, CLIENTS),
    prepare=_mix,
    label="Mix",
)
#: By name, for the catalogue.
LOADS: Final = {scenario.name: scenario for scenario in (BASIC, COALESCING, QUICK)}
