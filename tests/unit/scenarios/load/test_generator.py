"""The generator against a server whose answers are scripted."""

import gc
import socket
import sys
import threading
import time

import pytest

from scenarios.judge.ledger import Ledger
from scenarios.load.generator import LoadGenerator
from scenarios.load.profiles import Creates, HotProduct, Mix, Profile
from scenarios.load.schedule import ClosedLoop, OpenLoop, Pace, Shape
from stack.errors import NotRunning
from tests.unit.scenarios.load.scripted_server import (
    Asked,
    ScriptedServer,
    answer,
    created,
    product,
    serving,
)


def _generator(
    server: ScriptedServer,
    ledger: Ledger,
    pace: Pace,
    *,
    profile: Profile | None = None,
    connections: int = 2,
    timeout: float = 5.0,
) -> LoadGenerator:
    chosen = profile or Creates("lab")
    return LoadGenerator(
        server.address, chosen, pace, ledger.record, connections=connections, timeout_s=timeout
    )


def test_a_count_of_writes_is_sent_and_entered() -> None:
    ledger = Ledger()
    with serving(created) as server:
        generator = _generator(server, ledger, ClosedLoop(Shape(10.0), 4, count=30), connections=4)
        began = time.monotonic()
        generator.run()
    assert len(server.asked) == len(ledger.writes) == generator.counters.requests == 30
    assert generator.counters.errors == generator.counters.unsent == 0
    assert {write.answer for write in ledger.writes} == {"acknowledged"}
    assert {write.product for write in ledger.writes} == {f"p-{n}" for n in range(30)}
    assert {write.version for write in ledger.writes} == set(range(1, 31))
    now = time.monotonic()
    assert all(began <= write.sent_at <= write.finished_at <= now for write in ledger.writes)
    assert all(0 < write.latency_ms < 10_000 for write in ledger.writes)
    assert generator.latencies.percentiles().max > 0


def test_a_closed_loop_ends_with_its_duration_and_is_never_over_its_clients() -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def script(asked: Asked) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        reply = created(asked)
        with lock:
            under_way -= 1
        return reply

    ledger = Ledger()
    with serving(script) as server:
        generator = _generator(server, ledger, ClosedLoop(Shape(0.3), 3), connections=3)
        generator.run()
    assert 1 <= most <= 3
    assert 0.3 <= generator.counters.elapsed < 3
    assert generator.counters.requests == len(server.asked) > 3


def test_a_stall_is_not_hidden() -> None:
    """One connection, a request every 10 ms, and the server stalls for 0.4 s: every request due in that time
    waits until the stall ends."""
    stalled = threading.Event()

    def script(asked: Asked) -> bytes:
        if asked.number == 10:
            stalled.wait(0.4)
        return created(asked)

    ledger = Ledger()
    with serving(script) as server:
        generator = _generator(server, ledger, OpenLoop(Shape(1.0), 100.0), connections=1)
        generator.run()
    latency = generator.latencies.percentiles()
    assert generator.counters.requests == 100
    assert latency.max >= 390
    # 40 requests of 100 waited, evenly between 0 and 0.4 s; counted from when each was sent, the 95th
    # percentile would be that of a quick answer.
    assert latency.p95 > 200
    assert sorted(write.latency_ms for write in ledger.writes)[94] < 200


def test_what_was_due_and_never_sent_counts_with_its_waiting() -> None:
    with serving(lambda asked: created(asked) if asked.number < 5 else None) as server:
        ledger = Ledger()
        generator = _generator(server, ledger, OpenLoop(Shape(0.5), 100.0), connections=1, timeout=1.0)
        generator.run()
    counters = generator.counters
    assert counters.requests + counters.unsent == 50
    assert counters.unsent > 30
    assert generator.latencies.percentiles().p50 > 500


def test_a_write_without_an_answer_in_time_is_unknown() -> None:
    with serving(lambda asked: None if asked.number == 0 else created(asked)) as server:
        ledger = Ledger()
        generator = _generator(
            server, ledger, ClosedLoop(Shape(10.0), 1, count=3), connections=1, timeout=0.1
        )
        generator.run()
    assert [write.answer for write in ledger.writes] == ["unknown", "acknowledged", "acknowledged"]
    assert "no answer within 0.1 s" in ledger.writes[0].detail
    assert ledger.writes[0].product is None
    assert generator.counters.errors == 1


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "no answer within"),
        (b"nonsense\r\n\r\n", "not an HTTP answer"),
    ],
)
def test_a_broken_answer_is_unknown_and_the_connection_is_mended(reply: bytes, why: str) -> None:
    with serving(lambda asked: reply if asked.number == 1 else created(asked)) as server:
        ledger = Ledger()
        generator = _generator(
            server,
            ledger,
            ClosedLoop(Shape(10.0), 1, count=3),
            profile=HotProduct("lab", "hot"),
            connections=1,
            timeout=0.3,
        )
        generator.run()
    assert [write.answer for write in ledger.writes] == ["acknowledged", "unknown", "acknowledged"]
    assert why in ledger.writes[1].detail
    assert ledger.writes[1].product == "hot"
    assert ledger.writes[1].version is None


def test_a_connection_that_the_server_gives_up_is_not_an_error() -> None:
    def script(asked: Asked) -> bytes:
        return answer(201, '{"id":"x","version":1}', headers="Connection: close\r\n")

    with serving(script) as server:
        ledger = Ledger()
        generator = _generator(server, ledger, ClosedLoop(Shape(10.0), 1, count=3), connections=1)
        generator.run()
    assert [write.answer for write in ledger.writes] == ["acknowledged"] * 3
    assert generator.counters.errors == 0


def test_refusals_are_entered_with_what_the_server_said_but_not_timed() -> None:
    def script(asked: Asked) -> bytes:
        return answer(503, '{"detail":"the queue is full"}') if asked.number else created(asked)

    with serving(script) as server:
        ledger = Ledger()
        generator = _generator(server, ledger, ClosedLoop(Shape(10.0), 1, count=3), connections=1)
        generator.run()
    assert [write.answer for write in ledger.writes] == ["acknowledged", "refused", "refused"]
    assert "queue is full" in ledger.writes[2].detail
    assert (generator.counters.requests, generator.counters.errors) == (3, 2)


def test_success_that_does_not_say_what_was_taken_is_unknown() -> None:
    with serving(lambda asked: answer(201, "{}")) as server:
        ledger = Ledger()
        generator = _generator(server, ledger, ClosedLoop(Shape(10.0), 1, count=1), connections=1)
        generator.run()
    assert (ledger.writes[0].answer, ledger.writes[0].detail) == ("unknown", "201: {}")
    assert generator.counters.errors == 1


def test_a_read_that_shows_less_than_was_acknowledged_is_stale() -> None:
    """Reads are answered alternately with version 1 and the newest version, and finally with 404."""
    newest = 100

    def script(asked: Asked) -> bytes:
        if asked.method != "GET":
            return product("p", newest, status=201 if asked.method == "POST" else 200)
        reads = sum(one.method == "GET" for one in server.asked)
        return {1: product("p", newest), 2: product("p", 1)}.get(reads, answer(404))

    with serving(script) as server:
        ledger = Ledger()
        pace = ClosedLoop(Shape(10.0), 1, count=30)
        generator = _generator(server, ledger, pace, profile=Mix("lab", 1), connections=1)
        generator.run()
    reads = sum(asked.method == "GET" for asked in server.asked)
    assert reads > 3
    assert generator.counters.stale_reads == reads - 1
    assert generator.counters.errors == reads - 2
    assert len(ledger.writes) == 30 - reads


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    generator = LoadGenerator(
        ("127.0.0.1", port), Creates("lab"), ClosedLoop(Shape(1.0), 1), Ledger().record, connections=1
    )
    with pytest.raises(NotRunning, match=f"127.0.0.1:{port}") as caught:
        generator.run()
    assert "labctl" in caught.value.hint


def test_a_server_that_goes_away_costs_errors_and_the_load_ends_all_the_same() -> None:
    with serving(created) as server:
        generator = _generator(server, Ledger(), ClosedLoop(Shape(0.5), 2))
        running = threading.Thread(target=generator.run)
        running.start()
        _wait_for_requests(generator, 5)
    running.join(5)
    assert not running.is_alive()
    assert generator.counters.errors > 0


def test_it_can_be_stopped_at_any_moment() -> None:
    switch_interval = sys.getswitchinterval()
    with serving(lambda asked: created(asked) if asked.number < 5 else None) as server:
        ledger = Ledger()
        generator = _generator(server, ledger, ClosedLoop(Shape(60.0), 2))
        running = threading.Thread(target=generator.run)
        running.start()
        _wait_for_requests(generator, 5)
        generator.stop()
        running.join(2)
        assert not running.is_alive()
    assert "the load was stopped" in ledger.writes[-1].detail
    assert ledger.writes[-1].answer == "unknown"
    assert sys.getswitchinterval() == switch_interval
    assert gc.get_freeze_count() == 0


def test_an_early_end_sends_nothing_more_and_waits_for_what_is_under_way() -> None:
    may_answer, asked = threading.Event(), threading.Event()

    def answer_late(request: Asked) -> bytes:
        if request.number < 5:
            return created(request)
        asked.set()
        may_answer.wait(5)
        return created(request)

    with serving(answer_late) as server:
        ledger = Ledger()
        generator = _generator(server, ledger, ClosedLoop(Shape(60.0), 1))
        running = threading.Thread(target=generator.run)
        running.start()
        assert asked.wait(5)
        generator.end_early()
        running.join(0.2)
        assert running.is_alive(), "it has to wait for the answer under way"
        may_answer.set()
        running.join(2)
        assert not running.is_alive()
    assert {write.answer for write in ledger.writes} == {"acknowledged"}
    assert generator.counters.requests == len(ledger.writes) == len(server.asked)


def test_a_generator_that_has_time_left_is_not_the_limit() -> None:
    with serving(created) as server:
        generator = _generator(server, Ledger(), OpenLoop(Shape(0.5), 20.0))
        generator.run()
    assert generator.counters.busy < 0.5
    assert not generator.counters.generator_limited


def _wait_for_requests(generator: LoadGenerator, count: int) -> None:
    deadline = time.monotonic() + 5
    waiting = threading.Event()
    while generator.counters.requests < count and time.monotonic() < deadline:
        waiting.wait(0.005)
    assert generator.counters.requests >= count
