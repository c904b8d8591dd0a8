"""/health, /admin/queue and what the workers report about themselves, on real servers."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import close, create_app
from service.writebehind import keys
from service.writebehind.settings import Settings
from stack.wait import wait_until
from tests.servers import Servers
from tests.write_path import WIDGET, OpenPath, WritePath

BLOCKER = {"pid": 4711, "application": "psql", "query": "LOCK TABLE\n products"}
#: s within which /health answers, whatever is frozen. An idle machine takes 0.3 s, a busy one more.
PROMPTLY = 1.0


OpenHttp = Callable[[Settings], FlaskClient]


@pytest.fixture
def open_http() -> Iterator[OpenHttp]:
    """Creates the API with the given settings."""
    with ExitStack() as opened:

        def open_it(settings: Settings) -> FlaskClient:
            app = create_app(settings)
            opened.callback(close, app)
            return app.test_client()

        yield open_it


@pytest.fixture
def http(open_http: OpenHttp, servers: Servers) -> FlaskClient:
    return open_http(servers.settings(coalescing_window_ms=0))


def _say(path: WritePath, name: str = "host-7", **state: Any) -> None:
    """Publish as a worker does."""
    document = {
        "name": name, "pid": 7, "host": "host", "started_at": 1.0, "state": "idle", "reason": "", "code": "",
        "for_ms": 0, "blocked_by": [], "settings": {}, **state,
    }  # fmt: skip
    path.buffer.heartbeat(name, json.dumps(document).encode())


def _health(http: FlaskClient) -> tuple[int, dict[str, Any]]:
    begun = time.monotonic()
    answer = http.get("/health")
    assert time.monotonic() - begun < PROMPTLY
    return answer.status_code, answer.get_json()


def test_a_lab_that_works(http: FlaskClient, path: WritePath) -> None:
    _say(path)
    assert _health(http) == (
        200,
        {
            "status": "ok",
            "writes": {"status": "taken"},
            "redis": {"status": "ok"},
            "postgres": {"status": "ok"},
            "worker": {"status": "ok"},
        },
    )


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        (
            {"state": "blocked", "for_ms": 3_400, "blocked_by": [BLOCKER]},
            "flush blocked for 3 s by pid 4711 (psql: LOCK TABLE products)",
        ),
        (
            {"state": "paused", "for_ms": 2_000, "reason": "PostgreSQL can't be reached"},
            "flushing paused for 2 s: PostgreSQL can't be reached",
        ),
        ({"state": "blocked", "for_ms": 1_000}, "flush blocked for 1 s"),
    ],
)
def test_a_stuck_worker_is_reported(
    http: FlaskClient, path: WritePath, state: dict[str, Any], trouble: str
) -> None:
    _say(path, **state)
    _say(path, "other-8")
    code, body = _health(http)
    assert (code, body["status"], body["detail"]) == (200, "degraded", trouble)
    assert body["writes"] == {"status": "taken"}
    assert body["worker"] == {"status": state["state"], "detail": trouble}
    queue = http.get("/admin/queue").get_json()
    assert queue["trouble"] == trouble
    assert [(worker["name"], worker["state"]) for worker in queue["workers"]] == [
        ("host-7", state["state"]),
        ("other-8", "idle"),
    ]
    assert "settings" not in queue["workers"][0]


def test_a_short_wait_for_a_lock_is_not_reported(http: FlaskClient, path: WritePath) -> None:
    _say(path, state="blocked", for_ms=600, blocked_by=[BLOCKER])
    assert _health(http)[1]["status"] == "ok"


def test_a_suspended_worker_is_trouble_once_something_is_due(http: FlaskClient, path: WritePath) -> None:
    _say(path, state="suspended", for_ms=5_000, reason="rq suspend")
    assert _health(http)[1]["status"] == "ok"
    path.writes.create(WIDGET)
    path.redis.set(keys.CLOCK, _clock_ahead(path, 4_000_000))
    _say(path, state="suspended", for_ms=5_000, reason="rq suspend")
    assert _health(http)[1]["detail"] == (
        "flushing suspended for 5 s: rq suspend; acknowledged writes have been due for 4 s"
    )
    # Another worker that is not suspended flushes.
    _say(path, "other-8", state="flushing")
    assert _health(http)[1]["status"] == "ok"


@pytest.mark.parametrize("workers", [(), ("idle",), ("idle", "stopping")])
def test_a_lab_with_overdue_work_is_never_healthy(
    http: FlaskClient, path: WritePath, workers: tuple[str, ...]
) -> None:
    path.writes.create(WIDGET)
    path.redis.set(keys.CLOCK, _clock_ahead(path, 5_000_000))
    for number, state in enumerate(workers):
        _say(path, f"host-{number}", state=state)
    code, body = _health(http)
    assert (code, body["status"]) == (200, "degraded")
    assert body["detail"] == "acknowledged writes have been due for 5 s, and no worker takes them"
    assert 5_000 <= http.get("/admin/queue").get_json()["oldest_due_ms"] < 6_000


def test_what_waits_for_its_window_is_not_due(open_path: OpenPath, open_http: OpenHttp) -> None:
    path = open_path(coalescing_window_ms=60_000)
    http = open_http(path.settings)
    path.writes.create(WIDGET)
    path.redis.set(keys.CLOCK, _clock_ahead(path, 30_000_000))
    assert http.get("/admin/queue").get_json()["oldest_due_ms"] == 0
    path.buffer.flush_now()
    path.redis.set(keys.CLOCK, _clock_ahead(path, 10_000_000))
    assert http.get("/admin/queue").get_json()["oldest_due_ms"] >= 10_000


def test_what_is_claimed_or_waits_for_a_retry_is_due_in_its_time(http: FlaskClient, path: WritePath) -> None:
    path.writes.create(WIDGET)
    claim = path.buffer.claim(path.settings)
    path.redis.set(keys.CLOCK, _clock_ahead(path, 2_000_000))
    assert http.get("/admin/queue").get_json()["oldest_due_ms"] >= 2_000
    path.buffer.retry(claim, [(claim.rows[0], 1, 60.0)])
    assert http.get("/admin/queue").get_json()["oldest_due_ms"] == 0
    path.redis.set(keys.CLOCK, _clock_ahead(path, 61_000_000))
    assert 0 < http.get("/admin/queue").get_json()["oldest_due_ms"] <= 2_000


JUNK = [
    b"",
    b"junk",
    b"[]",
    b"{}",
    b'{"at":1}',
    b"\xff\x00",
    b"9" * 400,
    b"[" * 5_000,
    b'{"at":1e400,"state":"idle"}',
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_neither_a_worker_nor_an_error(http: FlaskClient, path: WritePath, junk: bytes) -> None:
    _say(path, state="flushing")
    path.redis.hset(keys.WORKERS, mapping={"junk": junk, b"\xff": junk})
    assert [worker["name"] for worker in http.get("/admin/queue").get_json()["workers"]] == ["host-7"]
    assert _health(http)[1]["status"] == "ok"
    assert http.get("/admin/config").status_code == 200


@pytest.mark.parametrize(
    "key", [keys.QUEUE, keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.CLOCK, keys.WORKERS,
            keys.CONFIG, keys.FLUSH_NOW]
)  # fmt: skip
@pytest.mark.parametrize("wrong", ["string", "list", "zset"])
def test_keys_of_a_wrong_type_do_not_blind_health(
    http: FlaskClient, path: WritePath, key: str, wrong: str
) -> None:
    path.redis.delete(key)
    match wrong:
        case "string":
            path.redis.set(key, b"\xff9e999")
        case "list":
            path.redis.rpush(key, b"\xff")
        case _:
            path.redis.zadd(key, {b"\xff": float("inf")})
    code, body = _health(http)
    assert code == 200
    assert body["worker"]["status"] in ("absent", "overdue")


def test_a_setting_that_is_junk_counts_for_nothing(http: FlaskClient, path: WritePath) -> None:
    _say(path, settings={"batch_size": "many", "coalescing_window_ms": 70})
    path.redis.hset(keys.CONFIG, mapping={b"batch_size": b"\xff", b"max_retries": b"7"})
    config = http.get("/admin/config").get_json()
    assert (config["batch_size"], config["coalescing_window_ms"], config["max_retries"]) == (500, 70, 7)


@pytest.fixture
def thawed(servers: Servers) -> Iterator[Servers]:
    """Resumes the servers whatever becomes of the test."""
    yield servers
    for name in ("redis", "postgres"):
        servers.runtime.signal(name, "resume")


@pytest.mark.parametrize("frozen", ["postgres", "redis"])
def test_health_answers_while_a_server_is_frozen(http: FlaskClient, thawed: Servers, frozen: str) -> None:
    assert _health(http)[0] == 200
    thawed.runtime.signal(frozen, "pause")
    for _ in range(5):
        code, body = _health(http)
        assert (code, body["status"], body["detail"].split(";")[0]) == (503, "down", f"{frozen} down")
        assert body["writes"]["status"] == ("taken" if frozen == "postgres" else "refused")
    thawed.runtime.signal(frozen, "resume")
    wait_until(lambda: _health(http)[0] == 200, seconds=20, reason=f"{frozen} is healthy again", hint="")


def test_under_write_through_nothing_is_taken_without_postgres(
    servers: Servers, thawed: Servers, open_http: OpenHttp
) -> None:
    http = open_http(servers.settings(write_policy="write_through"))
    assert _health(http)[1]["writes"] == {"status": "taken"}
    thawed.runtime.signal("postgres", "pause")
    writes = _health(http)[1]["writes"]
    assert writes["status"] == "refused"
    assert "write-through" in writes["detail"]


def test_a_full_redis_is_called_full(http: FlaskClient, path: WritePath) -> None:
    path.redis.config_set("maxmemory", "1mb")
    try:
        code, body = _health(http)
        assert (code, body["status"]) == (200, "degraded")
        assert body["redis"]["status"] == "full"
        assert body["writes"]["status"] == "refused"
        assert body["detail"].startswith("Redis is full")
        answer = http.post("/products", json={"name": "W", "price": 1.0, "quantity": 1})
        assert (answer.status_code, "Redis is full" in answer.get_json()["detail"]) == (503, True)
    finally:
        path.redis.config_set("maxmemory", "512mb")
    wait_until(lambda: _health(http)[1]["status"] == "ok", seconds=20, reason="Redis has room", hint="")


def test_a_full_queue_is_reported(servers: Servers, path: WritePath, open_http: OpenHttp) -> None:
    settings: Settings = servers.settings(max_pending=1, coalescing_window_ms=60_000)
    http = open_http(settings)
    path.writes.create(WIDGET)
    assert _health(http)[1]["writes"] == {
        "status": "refused",
        "detail": "the queue is full: PostgreSQL does not keep up",
    }


def _clock_ahead(path: WritePath, micros: int) -> str:
    """The lab's clock as Redis holds it, moved ahead."""
    held = path.redis.get(keys.CLOCK)
    assert isinstance(held, bytes)
    clock = keys.parse_clock(held)
    assert clock is not None
    return f"{clock.moment + micros} {clock.wall} {clock.epoch}"
