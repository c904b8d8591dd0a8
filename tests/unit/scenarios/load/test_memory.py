"""A load of an hour must not grow: what is kept of millions of requests is bounded."""

import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import pytest

from scenarios.load.connection import Exchange
from scenarios.load.counters import Counters
from scenarios.load.generator import LoadGenerator
from scenarios.load.http import Reply
from scenarios.load.latencies import Latencies
from scenarios.load.outcomes import Outcomes
from scenarios.load.phases import Phases
from scenarios.load.profiles import Call, Creates, Mix
from scenarios.load.sampled_traces import SampledTraces
from scenarios.load.schedule import ClosedLoop, Shape
from tests.unit.scenarios.load.scripted_server import created, serving

_CLIENTS = 64
_CALLS = 8_000


class _Load:
    """Takes calls and their answers as fast as it can; a second lasts a thousand calls."""

    def __init__(self) -> None:
        shape = Shape(3600.0, ramp=360.0)
        self.profile = Mix("lab", _CLIENTS, keys=300)
        self.latencies = Latencies()
        self.outcomes = Outcomes(
            self.profile, Counters(), self.latencies, Phases(shape), lambda write: None, SampledTraces(None)
        )
        self.sent = 0

    def send(self, calls: int) -> None:
        for number in range(self.sent, self.sent + calls):
            client = number % _CLIENTS
            call, at = self.profile.next(client), number / 1000
            body = f'{{"id":"{call.product or number}","version":{number}}}'
            reply = Reply(200, body.encode(), reusable=True)
            self.outcomes.answered(client, Exchange(call, at, at), reply, at + number % 97 / 1000)
            if number % 250 == 0:
                self.latencies.percentiles("write")
        self.sent += calls


@pytest.fixture
def traced() -> Iterator[None]:
    """What is allocated counts, and garbage in cycles counts, too: in a load it may be long in going."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.mark.usefixtures("traced")
def test_the_load_keeps_no_more_after_many_requests_than_after_few() -> None:
    load = _Load()
    # Until every client has as many products as it keeps.
    load.send(_CALLS)
    before, _ = tracemalloc.get_traced_memory()
    load.send(_CALLS)
    after, _ = tracemalloc.get_traced_memory()
    assert (after - before) / _CALLS < 1


class _Cycle:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.own = self


class _Littering(Creates):
    """Leaves garbage behind at each request."""

    def __init__(self) -> None:
        super().__init__("lab")
        self.alive: weakref.WeakSet[_Cycle] = weakref.WeakSet()
        self.most = 0

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        self.alive.add(_Cycle())
        self.most = max(self.most, len(self.alive))


def test_garbage_does_not_pile_up_while_a_load_runs() -> None:
    profile = _Littering()
    with serving(created) as server:
        pace = ClosedLoop(Shape(60.0), 4, count=4000)
        LoadGenerator(server.address, profile, pace, lambda write: None, connections=4).run()
    assert profile.most < 2000
