"""Breaking single services of a running lab, and bringing them back."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import pytest
import redis

from stack.errors import NotRunning, UsageError
from stack.local.process import identify, is_alive
from stack.stack import Stack
from stack.wait import wait_until

SERVICES = ("redis", "postgres", "api", "worker")


@pytest.fixture(autouse=True)
def repaired(request: pytest.FixtureRequest) -> Iterator[None]:
    names = [name for name in ("stack", "local_stack") if name in request.fixturenames]
    broken = [request.getfixturevalue(name) for name in names]
    yield
    for lab in broken:
        list(lab.up())


def _pid(stack: Stack, service: str) -> int:
    pid = stack.status()[service].pid
    assert pid is not None
    return pid


def _kill_from_outside(pid: int) -> None:
    """As any other program would, without the stack's knowledge."""
    identity = identify(pid)
    assert identity is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(identity), seconds=20, reason=f"{pid} ends", hint="")


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_up_restarts_what_was_killed(stack: Stack, service: str) -> None:
    before = {name: _pid(stack, name) for name in SERVICES}
    _kill_from_outside(before[service])
    # An engine learns of it a moment later.
    wait_until(lambda: stack.status()[service].state == "died", seconds=20, reason="it is dead", hint="")
    list(stack.up())
    assert stack.running()
    changed = [name for name in SERVICES if _pid(stack, name) != before[name]]
    assert changed == [service]


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_kill_ends_every_process_and_start_brings_it_back(stack: Stack, service: str) -> None:
    family = psutil.Process(_pid(stack, service)).children(recursive=True)
    list(stack.kill(service))
    assert stack.status()[service].state == "died"
    assert not [process for process in family if process.is_running() and process.status() != "zombie"]
    list(stack.start(service))
    assert stack.status()[service].state == "healthy"


def test_children_of_a_killed_master_are_taken_along(local_stack: Stack) -> None:
    """They hold the port, and would answer in the name of a dead service."""
    master = _pid(local_stack, "api")
    orphans = psutil.Process(master).children()
    for orphan in orphans:
        orphan.suspend()
    _kill_from_outside(master)
    list(local_stack.up())
    assert local_stack.running()
    assert not [orphan for orphan in orphans if orphan.is_running() and orphan.status() != "zombie"]


def test_a_stale_pid_is_not_trusted(local_stack: Stack) -> None:
    """After a restart of the machine the recorded pid belongs to somebody else: here, to this test."""
    list(local_stack.kill("worker"))
    path = local_stack.directory / "worker.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "pid": os.getpid()}))
    assert local_stack.status()["worker"].state == "died"
    list(local_stack.up())
    assert local_stack.running()
    assert _pid(local_stack, "worker") != os.getpid()


def test_redis_comes_back_without_its_memory(stack: Stack) -> None:
    stack.exec("redis", ["redis-cli", "SET", "memory", "1"])
    list(stack.kill("redis"))
    list(stack.start("redis"))
    assert stack.exec("redis", ["redis-cli", "EXISTS", "memory"]).stdout == "0\n"


def test_a_killed_database_keeps_its_rows_and_a_strangers_pid_does_not_stop_it(local_stack: Stack) -> None:
    insert = "INSERT INTO products VALUES ('k', 'K', 1, 1) ON CONFLICT DO NOTHING"
    assert local_stack.exec("postgres", ["psql", "-c", insert]).exit_code == 0
    list(local_stack.kill("postgres"))
    lock = local_stack.directory / "data" / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    list(local_stack.start("postgres"))
    found = local_stack.exec(
        "postgres", ["psql", "-Atq", "-c", "DELETE FROM products WHERE id = 'k' RETURNING name"]
    )
    assert found.stdout == "K\n"


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_pause_freezes_and_resume_goes_on(stack: Stack, service: str) -> None:
    pid = _pid(stack, service)
    list(stack.pause(service))
    assert stack.status()[service].state == "paused"
    assert not stack.running()
    list(stack.resume(service))
    assert stack.status()[service].state == "healthy"
    assert _pid(stack, service) == pid


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_a_paused_service_can_be_stopped_and_up_starts_it(stack: Stack, service: str) -> None:
    list(stack.pause(service))
    list(stack.stop(service))
    assert stack.status()[service].state == "stopped"
    list(stack.up())
    assert stack.running()


def test_up_resumes_what_is_paused(stack: Stack) -> None:
    pid = _pid(stack, "redis")
    list(stack.pause("redis"))
    list(stack.up())
    assert stack.running()
    assert _pid(stack, "redis") == pid


def test_a_setting_reaches_the_service_that_it_was_given_to(stack: Stack) -> None:
    api = _pid(stack, "api")
    list(stack.restart("lab42-worker", {"BATCH_SIZE": "7"}))
    seen = stack.exec("worker", ["sh", "-c", "echo $BATCH_SIZE"]).stdout
    assert seen == "7\n"
    assert stack.exec("api", ["sh", "-c", "echo $BATCH_SIZE"]).stdout == "500\n"
    # It has it from now on, and `up` sees no reason to start anything anew.
    worker = _pid(stack, "worker")
    list(stack.up())
    assert (_pid(stack, "api"), _pid(stack, "worker")) == (api, worker)
    list(stack.restart("worker", {"BATCH_SIZE": "500"}))


def test_a_service_whose_database_is_away_starts_and_says_so(stack: Stack) -> None:
    list(stack.stop("postgres"))
    list(stack.stop("api"))
    events = list(stack.start("api"))
    assert "waits for postgres" in str(events[-1])
    with pytest.raises(NotRunning, match="postgres does not run"):
        list(stack.kill("postgres"))
    with pytest.raises(NotRunning, match="postgres does not run"):
        stack.exec("postgres", ["psql"])


def test_commands_reach_the_lab(stack: Stack) -> None:
    assert stack.exec("postgres", ["pg_isready", "-U", "labuser", "-d", "labdb"]).exit_code == 0
    assert stack.exec("redis", ["redis-cli", "PING"]).stdout == "PONG\n"
    assert stack.exec("redis", ["redis-cli", "LLEN", "write_behind:queue"]).stdout.strip().isdigit()
    failed = stack.exec("postgres", ["psql", "-c", "SELECT nothing"])
    assert failed.exit_code == 1
    assert "nothing" in failed.stderr
    with pytest.raises(UsageError, match="no program 'nonsense'"):
        stack.exec("redis", ["nonsense"])


def test_what_is_piped_in_reaches_the_command(stack: Stack) -> None:
    assert stack.exec("postgres", ["psql", "-At"], b"SELECT 6 * 7;").stdout == "42\n"
    much = b"x" * 3_000_000
    assert len(stack.exec("api", ["cat"], much).stdout) == len(much)
    failed = stack.exec("postgres", ["psql", "-v", "ON_ERROR_STOP=1"], b"SELECT nothing;")
    assert failed.exit_code == 3
    assert "nothing" in failed.stderr
    # One that does not listen.
    assert stack.exec("redis", ["true"], much).exit_code == 0


def test_no_output_of_a_command_is_lost(stack: Stack) -> None:
    """An answer that comes together with the head of the engine's was, on a busy machine."""
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: stack.exec("redis", ["redis-cli", "PING"]).stdout, range(48)))
    assert said == ["PONG\n"] * 48


def test_what_is_no_text_can_be_had_back(stack: Stack) -> None:
    every = bytes(range(256))
    said = stack.exec("api", ["cat"], every).stdout
    assert said.encode(errors="surrogateescape") == every


def test_pausing_twice_is_no_mistake(stack: Stack) -> None:
    for _ in range(2):
        list(stack.pause("worker"))
    list(stack.resume("worker"))
    assert stack.running()


def test_logs_and_usage_cover_every_service(stack: Stack) -> None:
    with closing(stack.logs((), tail=5, follow=False)) as lines:
        assert {line.service for line in lines} <= set(SERVICES)
    with closing(stack.logs(("postgres",), tail=1, follow=True)) as followed:
        assert next(followed).service == "postgres"
    usage = stack.usage()
    assert set(usage) == set(SERVICES)
    assert all(used.memory_bytes > 1_000_000 for used in usage.values())
    assert usage["postgres"].threads > 1
    assert (usage["postgres"].written_bytes or 0) > 0


def test_usage_tells_what_went_over_the_network(stack: Stack) -> None:
    before = stack.usage()["redis"]
    with redis.Redis.from_url(stack.urls()["redis"]) as client:
        client.echo(b"x" * 500_000)
        after = stack.usage()["redis"]
    for count in ("received_bytes", "sent_bytes"):
        assert getattr(after, count) - getattr(before, count) >= 500_000
