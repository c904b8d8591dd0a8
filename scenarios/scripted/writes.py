"""The steps that write: create, update, delete."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final

from scenarios.events import Measured, Narrated
from scenarios.judge.ledger import Write
from scenarios.lab.client import Client
from scenarios.preconditions import reason_of
from scenarios.scenario import Play
from scenarios.scripted.outline import value_of
from scenarios.scripted.script import Create, Delete, Update
from scenarios.scripted.stage import Stage
from stack.errors import Inconclusive
from stack.spec.events import Advanced
from stack.spec.hints import labctl
from stack.wait import waiting

#: A step's writes that take longer are about a lab that does not answer.
_LONGEST_S: Final = 120.0
_POLL_S: Final = 0.005
_Call = Callable[[], Write]


def write(stage: Stage, part: Create | Update | Delete) -> Play[None]:
    """Send the writes of a step, and say how they were answered.

    Raises:
        Inconclusive: they take too long.
    """
    calls = calls_of(stage, part, stage.run.client)
    if not calls:
        yield Narrated(f"The group {getattr(part, 'of', None)!r} has no products, so nothing is sent.")
        return
    writes = yield from _send(calls, part.clients)
    acknowledged = [one for one in writes if one.answer == "acknowledged"]
    for one in acknowledged:
        _remember(stage, part, one)
    yield Measured("acknowledged", "writes acknowledged", len(acknowledged), "writes")
    if len(acknowledged) < len(writes):
        failed = next(one for one in writes if one.answer != "acknowledged")
        yield Narrated(
            f"{len(writes) - len(acknowledged)} of {len(writes)} writes were not acknowledged "
            f"({failed.answer}: {reason_of(failed)})."
        )


def calls_of(stage: Stage, part: Create | Update | Delete, client: Client) -> list[_Call]:
    """The requests of a step, in the order in which they are sent."""
    group, policy = part.group or "", part.policy or ""
    match part:
        case Create():
            numbers = range(1, part.count + 1) if part.count > 1 else [None]
            return [
                partial(client.create, value_of(part, number), group=group, policy=policy)
                for number in numbers
            ]
        case Update():
            return [
                partial(client.update, product, value_of(part, number), group=group, policy=policy)
                for number in (range(1, part.count + 1) if part.count > 1 else [None])
                for product in _products(stage, part)
            ]
        case Delete():
            return [
                partial(client.delete, product, group=group, policy=policy)
                for product in _products(stage, part)
            ]


def _products(stage: Stage, part: Update | Delete) -> list[str]:
    return [part.product] if part.product is not None else list(stage.groups.get(part.of or "", ()))


def _remember(stage: Stage, part: Create | Update | Delete, one: Write) -> None:
    product, version = str(one.product), one.version or 0
    if isinstance(part, Create):
        if part.group is not None:
            stage.groups.setdefault(part.group, {})[product] = version
        return
    for products in stage.groups.values():
        if product in products:
            products[product] = max(products[product], version)


def _send(calls: Sequence[_Call], clients: int) -> Play[list[Write]]:
    deadline = time.monotonic() + _LONGEST_S
    pool = ThreadPoolExecutor(clients, thread_name_prefix="client")
    try:
        futures = [pool.submit(_in_time, call, deadline) for call in calls]
        done = 0
        for _ in waiting(
            lambda: futures[-1].done() and all(future.done() for future in futures),
            seconds=2 * _LONGEST_S,
            reason="all writes are answered",
            hint=f"see {labctl('status')}",
            poll=_POLL_S,
        ):
            before, done = done, _finished(futures, done)
            if done > before:
                yield Advanced("writes", done, len(futures))
        yield Advanced("writes", len(futures), len(futures))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(futures: Sequence["Future[Write]"], since: int) -> int:
    """How many of the first ones are done."""
    while since < len(futures) and futures[since].done():
        since += 1
    return since


def _in_time(call: _Call, deadline: float) -> Write:
    if time.monotonic() > deadline:
        raise Inconclusive(
            f"the writes of this step are not answered after {_LONGEST_S:g} s",
            hint=f"does the API answer? see {labctl('status')}",
        )
    return call()
