"""The live stream of a real API: what viewers see, who is refused, and how it ends."""

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from service.live.history import FILE
from service.live.stream import MAX_VIEWERS
from stack.wait import wait_until
from tests.api_process import Api, running_api
from tests.live_stream import LiveStream, StreamEnded
from tests.raw_http import RawClient, post, request
from tests.servers import Servers
from tests.write_path import OpenPath

MARK = {"run": "r1", "scenario": "data-loss", "kind": "run", "at": 1.0, "label": "Data loss"}


@pytest.fixture(scope="module")
def api(_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    _servers.empty()
    with running_api(
        _servers, telemetry_dir=str(tmp_path_factory.mktemp("telemetry")), lab_name="mine"
    ) as api:
        yield api


@pytest.fixture
def own_api(servers: Servers, tmp_path: Path) -> Iterator[Api]:
    """An API that the test may break."""
    with running_api(servers, tmp_path / "log", telemetry_dir=str(tmp_path)) as api:
        yield api


def ask(api: Api, data: bytes) -> Any:
    with RawClient(api.port) as client:
        return client.ask(data)


def mark(api: Api, **changes: object) -> int:
    body = json.dumps(MARK | {"at": time.time()} | changes).encode()
    return int(ask(api, request("POST", "/admin/marks", body=body)).status)


def write(api: Api) -> dict[str, Any]:
    return dict(ask(api, post()).json)


def state_of(sample: dict[str, Any], product: dict[str, Any]) -> str:
    found = {(each["id"], each["version"]): each["state"] for each in sample["products"]}
    return str(found.get((product["id"], product["version"]), ""))


def test_a_viewer_is_told_of_the_lab_and_sees_a_write_on_its_way(
    api: Api, servers: Servers, open_path: OpenPath
) -> None:
    flush = open_path().flusher.run
    with LiveStream(api.port) as stream:
        assert "text/event-stream" in stream.head
        assert "no-store" in stream.head
        assert "access-control" not in stream.head
        hello = stream.next("hello")
        assert (hello["lab"], hello["runtime"], hello["control"]) == ("mine", "local", False)
        assert (hello["window_ms"], hello["max_pending"]) == (500, 100_000)
        stream.next("sample")
        product = write(api)
        sample = stream.next("sample", lambda sample: state_of(sample, product) == "queued")
        assert (sample["redis"], sample["postgres"], sample["queue"]) == (True, True, 1)
        assert 0 < sample["ack_ms"]["p50"] <= sample["ack_ms"]["p99"]
        assert sample["exposed"]["writes"] == 1
        flush()
        sample = stream.next("sample", lambda sample: state_of(sample, product) == "persisted")
        assert (sample["queue"], sample["persisted"], sample["exposed"]["writes"]) == (0, 1, 0)


def test_a_write_that_neither_redis_nor_postgresql_has_is_lost(api: Api, servers: Servers) -> None:
    with LiveStream(api.port) as stream:
        stream.next("sample")
        product = write(api)
        stream.next("sample", lambda sample: state_of(sample, product) == "queued")
        servers.empty()
        stream.next("sample", lambda sample: state_of(sample, product) == "lost")


def test_a_change_of_the_settings_is_told(api: Api, servers: Servers) -> None:
    with LiveStream(api.port) as stream:
        stream.next("sample")
        ask(api, request("PATCH", "/admin/config", body=b'{"coalescing_window_ms": 700}'))
        assert stream.next("settings")["coalescing_window_ms"] == 700
    with LiveStream(api.port) as stream:
        assert stream.next("hello")["window_ms"] in (500, 700)


def test_viewers_of_both_processes_see_the_same_marks_and_history(api: Api, servers: Servers) -> None:
    with ExitStack() as opened:
        # More than one process serves them, most probably.
        streams = [opened.enter_context(LiveStream(api.port)) for _ in range(8)]
        for stream in streams:
            stream.next("sample")
        assert mark(api, run="seen", kind="step", number=2, label="Crash") == 202
        for stream in streams:
            told = stream.next("mark", lambda mark: mark["run"] == "seen")
            assert (told["kind"], told["number"], told["label"]) == ("step", 2, "Crash")
        hello = opened.enter_context(LiveStream(api.port)).next("hello")
    assert [each["label"] for each in hello["marks"] if each["run"] == "seen"] == ["Crash"]
    times = [sample["at"] for sample in hello["history"]]
    assert times == sorted(set(times))
    assert len(times) >= 2


def test_viewers_that_come_at_the_same_time_are_all_told_what_was(api: Api) -> None:
    with ExitStack() as opened:
        opened.enter_context(LiveStream(api.port)).next("sample")
        streams = [opened.enter_context(LiveStream(api.port)) for _ in range(20)]
        assert all(stream.next("hello")["history"] for stream in streams)


def test_a_run_is_listed_with_its_outcome(api: Api) -> None:
    assert mark(api, run="listed", kind="run") == 202
    assert mark(api, run="listed", kind="step", number=1) == 202
    assert mark(api, run="listed", kind="end", outcome="expected", figures={"lost": 5}) == 202
    runs = ask(api, request("GET", "/live/runs")).json["runs"]
    (run,) = (run for run in runs if run["run"] == "listed")
    assert (run["scenario"], run["outcome"], run["figures"]) == ("data-loss", "expected", {"lost": 5})
    assert run["ended_at"] >= run["started_at"]


def test_it_is_told_how_many_look_and_when_they_were_shown_something(api: Api) -> None:
    def watched() -> tuple[int, float]:
        answer = ask(api, request("GET", "/live/runs")).json
        return answer["viewers"], answer["sampled_at"]

    def until(viewers: int) -> None:
        wait_until(lambda: watched()[0] == viewers, seconds=5, reason=f"{viewers} look", hint="")

    until(0)
    with LiveStream(api.port) as first, LiveStream(api.port) as second:
        for stream in (first, second):
            stream.next("sample")
        until(2)
        seen = watched()[1]
        assert abs(time.time() - seen) < 2
        wait_until(lambda: watched()[1] > seen, seconds=5, reason="there is another sample", hint="")
    until(0)


def test_a_fault_is_sampled_at_once(own_api: Api) -> None:
    # Whichever process is told of it.
    with ExitStack() as opened:
        streams = [opened.enter_context(LiveStream(own_api.port)) for _ in range(8)]
        for stream in streams:
            stream.next("sample")

        def at_once() -> bool:
            at = streams[0].next("sample")["at"]
            # Between two samples that come by themselves.
            wait_until(lambda: time.time() > at + 0.1, seconds=2, reason="the last sample is past", hint="")
            told = time.time()
            assert mark(own_api, run="r2", kind="fault", label="redis:flushall", at=told) == 202
            first = min(stream.next("sample", lambda sample: sample["at"] > told)["at"] for stream in streams)
            return bool(first < at + 0.45)

        # By itself, the next one comes half a second after the last one. A busy machine may be late.
        wait_until(at_once, seconds=60, reason="a fault is sampled at once", hint="")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"{}"),
        b'{"run": "r", "kind": "dance", "at": 1}',
        b'{"run": "", "kind": "run", "at": 1}',
        b'{"run": "r", "kind": "run", "at": -1}',
        b'{"run": "r", "kind": "run", "at": "now"}',
    ],
)
def test_what_is_not_a_mark_is_refused(api: Api, body: bytes) -> None:
    answer = ask(api, request("POST", "/admin/marks", body=body))
    assert (answer.status, answer.is_problem()) == (422, True)


def test_samples_are_taken_while_somebody_looks_or_a_run_is_under_way(own_api: Api, tmp_path: Path) -> None:
    with LiveStream(own_api.port) as stream:
        stream.next("sample")
    counted = [0]

    def is_quiet() -> bool:
        counted.append(kept(tmp_path))
        return len(counted) > 15 and counted[-1] == counted[-15]

    # 15 looks, 0.1 s apart: three samples would have been taken.
    wait_until(is_quiet, seconds=10, reason="no samples are taken", hint="", poll=0.1)
    assert mark(own_api, kind="run") == 202
    wait_until(lambda: kept(tmp_path) >= counted[-1] + 3, seconds=10, reason="a run is sampled", hint="")


def kept(directory: Path) -> int:
    """How many samples the history holds."""
    with closing(sqlite3.connect(directory / FILE)) as connection:
        return int(connection.execute("SELECT count(*) FROM samples").fetchone()[0])


def test_a_redis_or_postgresql_that_is_down_gives_nothing_stale(api: Api, servers: Servers) -> None:
    runtime = servers.runtime
    with LiveStream(api.port) as stream:
        product = write(api)
        stream.next("sample", lambda sample: state_of(sample, product) == "queued")
        runtime.signal("postgres", "pause")
        sample = stream.next("sample", lambda sample: not sample["postgres"])
        assert sample["queue"] == 1
        runtime.signal("redis", "pause")
        sample = stream.next("sample", lambda sample: not sample["redis"])
        assert (sample["queue"], sample["exposed"], sample["products"], sample["workers"]) == (
            None,
            None,
            [],
            [],
        )
        for service in ("redis", "postgres"):
            runtime.signal(service, "resume")
        sample = stream.next("sample", lambda sample: sample["redis"] and sample["postgres"])
        assert sample["queue"] == 1


def test_more_viewers_than_fifty_are_refused_with_a_sentence(api: Api, servers: Servers) -> None:
    with ExitStack() as opened:
        for _ in range(MAX_VIEWERS):
            assert opened.enter_context(LiveStream(api.port)).status == 200
        answer = ask(api, request("GET", "/live/stream"))
        assert (answer.status, answer.is_problem()) == (503, True)
        assert str(MAX_VIEWERS) in answer.json["detail"]

    def has_room() -> bool:
        with LiveStream(api.port) as stream:
            return stream.status == 200

    wait_until(has_room, seconds=5, reason="those who left make room", hint="")
    assert ask(api, post()).status == 201


@pytest.mark.slow
def test_a_viewer_that_does_not_read_is_dropped_and_the_others_are_not(own_api: Api) -> None:
    with LiveStream(own_api.port, seconds=30) as lazy, LiveStream(own_api.port, seconds=30) as eager:
        assert lazy.status == 200

        def is_alone() -> bool:
            # Marks fill the buffers of the system.
            for _ in range(50):
                assert mark(own_api, detail="x" * 2_000) == 202
            eager.next("mark")
            return _connections(own_api) == 1

        wait_until(is_alone, seconds=120, reason="the lazy one was dropped", hint="", poll=0.01)
        eager.next("sample")


def _connections(api: Api) -> int:
    return sum(
        connection.status == "ESTABLISHED" and connection.laddr.port == api.port
        for child in api.children()
        for connection in child.net_connections("tcp")
    )


def test_streams_end_at_once_with_the_api_and_the_next_one_remembers(own_api: Api, tmp_path: Path) -> None:
    with ExitStack() as opened:
        streams = [opened.enter_context(LiveStream(own_api.port)) for _ in range(10)]
        for stream in streams:
            stream.next("sample")
        assert mark(own_api, kind="step", label="Before") == 202
        streams[0].next("mark")
        psutil.Process(own_api.main).send_signal(signal.SIGTERM)
        assert own_api.ended(seconds=15) == 0
        for stream in streams:
            with pytest.raises(StreamEnded):
                list(stream.events())
    # The server says so if it has waited for requests under way as long as it does.
    assert "graceful shutdown exceeded" not in (tmp_path / "log").read_text()
    own_api.start()
    own_api.wait_until_up(seconds=15)
    with LiveStream(own_api.port) as stream:
        hello = stream.next("hello")
    assert [each["label"] for each in hello["marks"]] == ["Before"]
    assert hello["history"]
