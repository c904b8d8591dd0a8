"""Runbook part 8: load, and the verdict over every write that was acknowledged under it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from scenarios.catalogue import load_name
from scenarios.faults.inject import Injector
from scenarios.faults.outcome import Faulted
from scenarios.faults.prediction import Tally
from scenarios.faults.schedule import Schedule
from scenarios.judge.ledger import Ledger, Write
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.load import limits, report
from scenarios.load.faulted import recorder
from scenarios.load.finish import STEPS_AT_THE_END, end
from scenarios.load.generator import LoadGenerator
from scenarios.load.plan import Extent, Plan, plan, rates_of
from scenarios.load.profiles import Creates, HotProduct, Mix, Profile
from scenarios.load.run import Finished, run_load
from scenarios.options import (
    CLIENTS,
    FAULTS,
    KEYS,
    MIX,
    POLICY,
    RATE,
    WRITES_PER_SECOND,
    Option,
    Options,
    duration,
    flag,
)
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shares import USUAL_KEYS, USUAL_SHARES, WRITES_ONLY, Shares
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


@dataclass(frozen=True, slots=True)
class Driven:
    """A load that has ended, and has yet to be judged."""

    finished: Finished
    #: The faults that were injected meanwhile; None: none were to be.
    faulted: Faulted | None
    #: Whether it included reads.
    reads: bool


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of load."""

    #: The load, and the verdict on it.
    scenario: Scenario
    #: The load alone, as one step of a play.
    drive: Callable[[Run, Options], Play[Driven]]


def _load(
    kind: str,
    title: str,
    summary: str,
    *,
    extent: Extent,
    options: tuple[Option, ...],
    prepare: Callable[[Run, Plan, Options], Prepared],
    label: str,
    usual: Shares = WRITES_ONLY,
    lacking: Mapping[str, str] = MappingProxyType({}),
) -> Load:
    """One kind of load.

    Args:
        prepare: Says what is sent; may write to the lab first.
        label: The beginning of the products' names.
        usual: What is sent how often, unless the user says otherwise.
    """

    def drive(run: Run, options: Options) -> Play[Driven]:
        planned = plan(extent, options, writes=(options.mix or usual).writes)
        before = run.ledger.count("acknowledged")
        prepared = prepare(run, planned, options)
        yield Step(title, prepared.command)
        finished, faulted = yield from _put_under_load(run, planned, prepared.profile, options)
        yield from report.client_side(finished, run.ledger.count("acknowledged") - before)
        yield from report.generator_side(finished.counters)
        yield from limits.report(finished)
        return Driven(finished, faulted, prepared.reads)

    def play(run: Run, options: Options) -> Play[Conclusion]:
        started_at = time.monotonic()
        # Also once nothing is sent any more: who asks for an early end gets the verdict.
        with run.early_end.heeded():
            driven = yield from drive(run, options)
            ending = end(
                run,
                driven.finished,
                started_at=started_at,
                label=label,
                reads=driven.reads,
                faulted=driven.faulted,
            )
            return (yield from ending)

    scenario = Scenario(
        name=load_name(kind),
        title=title,
        summary=summary,
        steps=1 + STEPS_AT_THE_END,
        options=options,
        lacking=lacking,
        repair=False,
        typed=f"load {kind}",
        play=play,
    )
    return Load(scenario, drive)


def _put_under_load(
    run: Run, planned: Plan, profile: Profile, options: Options
) -> Play[tuple[Finished, Faulted | None]]:
    """The load, with its faults. Whatever these leave broken is mended in the end."""
    if not options.fault:
        generator = _generator(run, planned, profile, run.ledger.record)
        return (yield from run_load(run, planned, generator, end_early=generator.end_early)), None
    tally = Tally()
    through = (options.policy or run.client.config()["write_policy"]) == "write_through"
    generator = _generator(run, planned, profile, recorder(run, tally))
    actions = [action for fault in options.fault for action in fault.actions]
    with Injector(run, actions) as injector, Schedule(injector, options.fault) as schedule:
        finished = yield from run_load(
            run, planned, generator, schedule=schedule, end_early=generator.end_early
        )
        yield from injector.mend()
    return finished, Faulted(schedule.injected, schedule.left_out, tally, through)


def _generator(run: Run, planned: Plan, profile: Profile, record: Callable[[Write], None]) -> LoadGenerator:
    host = urlsplit(run.api_url).hostname or "127.0.0.1"
    address = (host, run.api_port)
    return LoadGenerator(
        address, profile, planned.pace, record, connections=planned.clients, tracer=run.tracer
    )


def _creates(run: Run, planned: Plan, options: Options) -> Prepared:
    # The shell puts the number between the two quoted parts of the body.
    value = {"name": "Load-'$i'", "price": 9.99, "quantity": 1}
    call = curl("POST", f"{run.api_url}/products", value, policy=options.policy or "")
    command = f"for i in $(seq {_WRITES}); do\n  {call} &\ndone; wait"
    return Prepared(Creates(_host(run), options.policy), command)


def _hot_product(run: Run, planned: Plan, options: Options) -> Prepared:
    """Raises Inconclusive if the product can't be created."""
    # The load counts only what it sends. This write counts as one from before the run.
    with Client(run.api_url, Ledger()) as client:
        created = client.create({"name": "Hot-0", "price": 0.0, "quantity": 0}, policy=options.policy or "")
    run.probe.begin()
    if created.product is None:
        reason = created.detail or f"{labctl('logs api')} may say why"
        raise Inconclusive("the hot product was not created", hint=reason)
    url = f"{run.api_url}/products/{created.product}"
    value = {"name": "Hot", "price": 9.99, "quantity": 1}
    call = curl("PUT", url, value, policy=options.policy or "")
    command = f"while true; do\n  {call}\ndone"
    return Prepared(HotProduct(_host(run), created.product, options.policy), command)


def _mix(run: Run, planned: Plan, options: Options) -> Prepared:
    shares = options.mix or USUAL_SHARES
    keys = options.keys or USUAL_KEYS
    profile = Mix(_host(run), planned.clients, shares, keys=keys, policy=options.policy)
    command = labctl_for(run.lab.name, f"load basic {_typed(planned, options)}")
    return Prepared(profile, command, reads=shares.read > 0)


def _typed(planned: Plan, options: Options) -> str:
    """The options as a person could have typed them."""
    typed = {"duration": f"{planned.planned:g}"}
    if options.writes_per_second is not None:
        typed["writes_per_second"] = f"{options.writes_per_second:g}"
    elif planned.rate is not None:
        typed["rate"] = f"{planned.rate:g}"
    if planned.rate is None or options.clients is not None:
        typed["clients"] = str(planned.clients)
    given = {"mix": options.mix, "keys": options.keys, "policy": options.policy}
    typed |= {name: str(value) for name, value in given.items() if value is not None}
    faults = (("fault", str(fault)) for fault in options.fault)
    return " ".join(f"{flag(name)} {value}" for name, value in (*typed.items(), *faults))


def _host(run: Run) -> str:
    return run.api_url.partition("://")[2]


_QUICK: Final = _load(
    "quick",
    f"{_WRITES} rapid writes",
    f"{_WRITES} products are created, all at once unless told otherwise. Every acknowledgement is judged.",
    extent=Extent(clients=_WRITES, count=_WRITES),
    options=(*rates_of(_WRITES), CLIENTS, POLICY),
    lacking={
        "duration": f"it ends after {_WRITES} writes",
        "mix": "it only creates",
        "keys": "it uses no product twice",
        "fault": f"it ends after {_WRITES} writes, so there is no time for one",
    },
    prepare=_creates,
    label="Load",
)
_COALESCING: Final = _load(
    "coalescing",
    "One hot product",
    "A few clients update the same product as fast as they are answered. The worker writes it once per "
    "window.",
    extent=Extent(clients=5),
    options=(duration(30.0), RATE, WRITES_PER_SECOND, CLIENTS, POLICY, FAULTS),
    lacking={"mix": "it only updates", "keys": "it uses a single product"},
    prepare=_hot_product,
    label="Hot",
)
_BASIC: Final = _load(
    "basic",
    "A mix of reads and writes",
    "30 % creates, 30 % reads and 40 % updates unless told otherwise, with a ramp up, a hold and a ramp "
    "down. Each client uses its own products.",
    extent=Extent(clients=10, ramp=0.1),
    options=(duration(120.0), RATE, WRITES_PER_SECOND, CLIENTS, MIX, KEYS, POLICY, FAULTS),
    prepare=_mix,
    label="Mix",
    usual=USUAL_SHARES,
)
QUICK, COALESCING, BASIC = _QUICK.scenario, _COALESCING.scenario, _BASIC.scenario
#: By name, for the catalogue.
LOADS: Final = {scenario.name: scenario for scenario in (BASIC, COALESCING, QUICK)}
#: By the same names: the loads as steps of another scenario.
DRIVES: Final = {load.scenario.name: load.drive for load in (_BASIC, _COALESCING, _QUICK)}
