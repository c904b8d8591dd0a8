"""How the commands show an unhealthy lab."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from labctl.__main__ import run as run_labctl
from labctl.cli.context import Invocation
from scenarios.lab.context import Run
from service.writebehind import keys
from stack.lab import Lab
from stack.wait import wait_until

pytestmark = pytest.mark.slow_in_docker

WIDGET = {"name": "Widget", "price": 1.0, "quantity": 1}
#: s within which a lab that does not flush reports it.
TOLD_WITHIN = 3.0

#: Runs a command on the lab; returns exit code, stdout and stderr.
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(lab: Lab, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    list(lab.up())

    def on_the_lab(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_labctl(list(words), Invocation(open_lab=lambda name, runtime, *, ports: lab))
        return (code, *capsys.readouterr())

    yield on_the_lab
    list(lab.up())
    lab.exec("redis", ["redis-cli", "DEL", "rq:suspended", keys.CONFIG])
    list(lab.up({"REDIS_MAXMEMORY": "512mb"}))


@pytest.fixture
def run(lab: Lab, command: Command) -> Iterator[Run]:
    with Run(lab) as run:
        yield run


def _create(run: Run) -> str:
    write = run.client.create(WIDGET)
    assert write.product, write.detail
    return write.product


def _ask_health(run: Run) -> httpx.Response:
    """The answer of /health: prompt, whatever is frozen, though a busy machine may be late now and then."""
    with httpx.Client(base_url=run.api_url, trust_env=False) as client:
        answers = [client.get("/health") for _ in range(3)]
    assert min(answer.elapsed.total_seconds() for answer in answers) < 0.3
    return answers[-1]


def _arrives(run: Run, product: str) -> None:
    wait_until(lambda: bool(run.probe.rows([product])), seconds=20, reason="the row is written", hint="")


@contextmanager
def _locked(lab: Lab) -> Iterator[int]:
    """Another session holds the table; its pid."""
    with psycopg.connect(lab.urls()["postgres"], application_name="psql") as session:
        session.execute("LOCK TABLE products")
        yield session.info.backend_pid
        session.rollback()


def _told(lab: Lab, what: str) -> None:
    def is_told() -> bool:
        return what in lab.status()["worker"].detail

    wait_until(is_told, seconds=TOLD_WITHIN + 1.5, reason=f"the status says {what!r}", hint="", poll=0.1)


def test_a_held_lock_is_reported_with_its_holder(lab: Lab, command: Command, run: Run) -> None:
    with _locked(lab) as pid:
        product = _create(run)
        # The window, the statement, and a second that may pass by itself.
        _told(lab, "flush blocked for ")
        code, said, advice = command("status")
        assert code == 0
        assert f"by pid {pid} (psql: LOCK TABLE products)" in said
        assert "1 in Redis alone" in advice
        assert "once that session commits, rolls back or ends" in advice
        assert " up`" not in advice
        document = json.loads(command("status", "--json")[1])
        assert document["services"]["worker"]["healthy"] is False
        assert document["flushing"]["workers"][0]["state"] == "blocked"
        assert document["flushing"]["workers"][0]["blocked_by"][0]["pid"] == pid
        health = httpx.get(f"{run.api_url}/health", trust_env=False)
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert f"pid {pid}" in health.json()["detail"]
        shown = command("queue", "show")[1]
        assert "blocked" in shown
        assert f"pid {pid}" in shown
        assert "exposed.writes" in shown
        at_stake = "At stake if Redis died now: 1 acknowledged write of 1 product, "
        assert at_stake in command("top", "--once")[1]
        assert json.loads(command("top", "--json")[1])["exposed"]["writes"] == 1
        begun = time.monotonic()
        code, said, _ = command("demo", "basics")
        assert (code, time.monotonic() - begun < 8) == (3, True)
        assert "flush blocked for " in said
    _arrives(run, product)
    wait_until(lambda: lab.status()["worker"].state == "healthy", seconds=20, reason="all is well", hint="")


def test_a_frozen_database_holds_up_only_who_needs_it(lab: Lab, command: Command, run: Run) -> None:
    list(lab.pause("postgres"))
    for words in (("product", "create"), ("queue", "show"), ("config", "show"), ("urls",)):
        begun = time.monotonic()
        assert command(*words)[0] == 0
        # Half of what a wait for the database would take.
        assert time.monotonic() - begun < 4, words
    product = _create(run)
    begun = time.monotonic()
    assert command("product", "update", product, "--price", "2")[0] == 0
    assert time.monotonic() - begun < 4
    health = _ask_health(run)
    assert (health.status_code, health.json()["writes"]) == (503, {"status": "taken"})
    assert health.json()["detail"].startswith("postgres down")
    begun = time.monotonic()
    services = json.loads(command("status", "--json")[1])["services"]
    assert time.monotonic() - begun < 4.5
    assert services["api"] == {
        **services["api"],
        "healthy": True,
        "detail": "takes writes, with postgres down",
    }
    assert services["postgres"]["state"] == "paused"
    _told(lab, "flushing paused")
    list(lab.resume("postgres"))
    _arrives(run, product)


def test_a_frozen_redis_is_named_promptly(lab: Lab, command: Command, run: Run) -> None:
    list(lab.pause("redis"))
    health = _ask_health(run)
    assert (health.status_code, health.json()["detail"]) == (503, "redis down")
    assert health.json()["writes"]["status"] == "refused"
    begun = time.monotonic()
    services = json.loads(command("status", "--json")[1])["services"]
    assert time.monotonic() - begun < 4.5
    assert services["api"]["healthy"] is services["worker"]["healthy"] is False
    list(lab.pause("api"))
    code, _, said = command("product", "list")
    assert (code, "is frozen" in said, "fault resume api`" in said) == (4, True, True)


def test_a_suspended_worker_is_reported_as_such(lab: Lab, command: Command, run: Run) -> None:
    lab.exec("redis", ["redis-cli", "SET", "rq:suspended", "1"])
    _told(lab, "flushing suspended")
    assert lab.status()["worker"].state == "healthy", "nothing is due yet"
    product = _create(run)

    def is_told() -> bool:
        nonlocal product
        # RQ may take one more job before it looks whether it was suspended.
        product = _create(run) if run.probe.rows([product]) else product
        return lab.status()["worker"].state == "unhealthy"

    wait_until(is_told, seconds=20, reason="the status says so", hint="", poll=0.1)
    code, said, advice = command("status")
    assert (code, "rq suspend" in said) == (0, True)
    assert "redis-cli DEL rq:suspended`" in advice
    assert "suspended" in command("queue", "show")[1]
    assert command("demo", "basics")[0] == 3
    lab.exec("redis", ["redis-cli", "DEL", "rq:suspended"])
    _arrives(run, product)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("words", "back"),
    [
        (("fault", "kill", "redis"), True),
        (("fault", "stop", "redis"), True),
        (("fault", "flushall"), False),
    ],
)
def test_what_goes_with_redis_is_reported_beforehand(
    lab: Lab, command: Command, run: Run, words: tuple[str, ...], back: bool
) -> None:
    code, _, said = command("worker", "stop")
    assert (code, "in Redis alone" in said) == (0, False)
    for _ in range(2):
        _create(run)
    code, _, said = command(*words)
    assert code == 0
    lines = [line for line in said.splitlines() if line.strip()]
    told = lines.index("2 acknowledged writes are in Redis alone, and go with it.")
    done = next(n for n, line in enumerate(lines) if any(w in line for w in ("died", "stopping", "FLUSHALL")))
    assert told < done
    if back:
        assert command("fault", "start", "redis")[0] == 0
    assert "in Redis alone" not in command(*words)[2]


def test_what_waits_for_a_worker_is_reported(lab: Lab, command: Command, run: Run) -> None:
    run.client.change_config({"coalescing_window_ms": 60_000})
    product = _create(run)
    assert "1 acknowledged write is in Redis alone, and waits for a worker." in command("worker", "kill")[2]
    run.client.change_config({"coalescing_window_ms": 50})
    assert command("worker", "start")[0] == 0
    _arrives(run, product)


def test_more_memory_needs_no_restart(lab: Lab, command: Command, run: Run) -> None:
    list(lab.stop("worker"))
    _create(run)
    before = lab.status()["redis"].pid
    for size, held in (("300mb", 300 << 20), ("400mb", 400 << 20)):
        code, _, said = command("up", "--set", f"REDIS_MAXMEMORY={size}")
        assert (code, f"maxmemory is {size} now" in said) == (0, True), said
        assert lab.status()["redis"].pid == before
        told = lab.exec("redis", ["redis-cli", "CONFIG", "GET", "maxmemory"]).stdout
        assert told.split() == ["maxmemory", str(held)]
    assert "maxmemory" not in command("up")[2]
    # It is remembered for the next start.
    list(lab.kill("redis"))
    list(lab.start("redis"))
    assert str(400 << 20) in lab.exec("redis", ["redis-cli", "CONFIG", "GET", "maxmemory"]).stdout


def test_a_full_redis_is_called_full_with_the_way_out(lab: Lab, command: Command, run: Run) -> None:
    assert command("up", "--set", "REDIS_MAXMEMORY=1mb")[0] == 0
    code, said, advice = command("status")
    assert (code, "is full" in said, "refuses writes" in said) == (0, True, True)
    (way,) = [line for line in advice.splitlines() if "Redis is full" in line]
    assert "up --set REDIS_MAXMEMORY=1gb`" in way
    assert "repairs the lab" not in advice
    code, _, said = command("product", "create")
    assert (code, "Redis is full" in said, "REDIS_MAXMEMORY=1gb" in said) == (4, True, True)
    assert command("up", "--set", "REDIS_MAXMEMORY=1gb")[0] == 0
    _arrives(run, _create(run))
    assert lab.running()


def test_live_settings_outlive_the_memory_of_redis(lab: Lab, command: Command, run: Run) -> None:
    assert command("config", "set", "COALESCING_WINDOW_MS=60", "BATCH_SIZE=77")[0] == 0
    # Changed with curl, say: remembered once any command has seen it.
    run.client.change_config({"max_retries": 9})
    command("status")
    command("fault", "kill", "redis")
    code, _, said = command("fault", "start", "redis")
    assert code == 0
    code, shown, later = command("config", "show", "--json")
    assert "batch_size=77, coalescing_window_ms=60, max_retries=9" in said + later
    config = json.loads(shown)
    assert [config[n] for n in ("coalescing_window_ms", "batch_size", "max_retries")] == [60, 77, 9]
    assert "They are set again" in command("fault", "flushall")[2]
    assert run.client.config()["batch_size"] == 77
    # What is set for good counts from then on.
    command("worker", "restart", "--set", "BATCH_SIZE=60")
    lab.exec("redis", ["redis-cli", "FLUSHALL"])
    assert "coalescing_window_ms=60" in command("status")[2]
    # The worker says what it works with, twice a second.
    wait_until(
        lambda: run.client.config()["batch_size"] == 60, seconds=20, reason="the worker says so", hint=""
    )
    command("worker", "restart", "--set", "BATCH_SIZE=500")


@pytest.mark.sweep
@pytest.mark.parametrize("crash", ["flushall", "kill"])
def test_a_run_notices_that_settings_are_gone(command: Command, run: Run, crash: str) -> None:
    assert command("config", "set", "COALESCING_WINDOW_MS=150")[0] == 0
    code, said, narrated = command("demo", "data-loss", "--crash", crash)
    assert code == 0, said + narrated
    assert "They are set again: coalescing_window_ms=150." in said + narrated
    assert run.client.config()["coalescing_window_ms"] == 150
    assert run.probe.live_settings() == {"coalescing_window_ms": "150"}
