"""Breaks single services of a running lab and brings them back."""

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
from stack.lab import Lab
from stack.local.process import identify, is_alive
from stack.wait import wait_until

SERVICES = ("redis", "postgres", "api", "worker")


@pytest.fixture(autouse=True)
def repaired(request: pytest.FixtureRequest) -> Iterator[None]:
    names = [name for name in ("lab", "shared_local_lab") if name in request.fixturenames]
    broken = [request.getfixturevalue(name) for name in names]
    yield
    for lab in broken:
        list(lab.up())


def _pid(lab: Lab, service: str) -> int:
    pid = lab.status()[service].pid
    assert pid is not None
    return pid


def _kill_from_outside(pid: int) -> None:
    """Kill it as any other program would, without the stack's knowledge."""
    identity = identify(pid)
    assert identity is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(identity), seconds=20, reason=f"{pid} ends", hint="")


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_up_restarts_what_was_killed(lab: Lab, service: str) -> None:
    before = {name: _pid(lab, name) for name in SERVICES}
    _kill_from_outside(before[service])
    # The engine notices a moment later.
    wait_until(lambda: lab.status()[service].state == "died", seconds=20, reason="it is dead", hint="")
    list(lab.up())
    assert lab.running()
    changed = [name for name in SERVICES if _pid(lab, name) != before[name]]
    assert changed == [service]


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_kill_ends_every_process_and_start_brings_it_back(lab: Lab, service: str) -> None:
    family = psutil.Process(_pid(lab, service)).children(recursive=True)
    list(lab.kill(service))
    assert lab.status()[service].state == "died"
    assert not [process for process in family if process.is_running() and process.status() != "zombie"]
    list(lab.start(service))
    assert lab.status()[service].state == "healthy"


def test_children_of_a_killed_master_are_taken_along(shared_local_lab: Lab) -> None:
    """Orphans hold the port, and would answer in the name of a dead service."""
    master = _pid(shared_local_lab, "api")
    orphans = psutil.Process(master).children()
    for orphan in orphans:
        orphan.suspend()
    _kill_from_outside(master)
    list(shared_local_lab.up())
    assert shared_local_lab.running()
    assert not [orphan for orphan in orphans if orphan.is_running() and orphan.status() != "zombie"]


def test_a_stale_pid_is_not_trusted(shared_local_lab: Lab) -> None:
    """After a reboot the recorded pid belongs to another process: here, to this test."""
    list(shared_local_lab.kill("worker"))
    path = shared_local_lab.directory / "worker.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "pid": os.getpid()}))
    assert shared_local_lab.status()["worker"].state == "died"
    list(shared_local_lab.up())
    assert shared_local_lab.running()
    assert _pid(shared_local_lab, "worker") != os.getpid()


def test_redis_comes_back_without_its_memory(lab: Lab) -> None:
    lab.exec("redis", ["redis-cli", "SET", "memory", "1"])
    list(lab.kill("redis"))
    list(lab.start("redis"))
    assert lab.exec("redis", ["redis-cli", "EXISTS", "memory"]).stdout == "0\n"


def test_a_killed_database_keeps_its_rows_and_a_strangers_pid_does_not_stop_it(shared_local_lab: Lab) -> None:
    insert = "INSERT INTO products VALUES ('k', 'K', 1, 1) ON CONFLICT DO NOTHING"
    assert shared_local_lab.exec("postgres", ["psql", "-c", insert]).exit_code == 0
    list(shared_local_lab.kill("postgres"))
    lock = shared_local_lab.directory / "data" / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    list(shared_local_lab.start("postgres"))
    found = shared_local_lab.exec(
        "postgres", ["psql", "-Atq", "-c", "DELETE FROM products WHERE id = 'k' RETURNING name"]
    )
    assert found.stdout == "K\n"


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_pause_freezes_and_resume_goes_on(lab: Lab, service: str) -> None:
    pid = _pid(lab, service)
    list(lab.pause(service))
    assert lab.status()[service].state == "paused"
    assert not lab.running()
    list(lab.resume(service))
    assert lab.status()[service].state == "healthy"
    assert _pid(lab, service) == pid


@pytest.mark.sweep
@pytest.mark.parametrize("service", SERVICES)
def test_a_paused_service_can_be_stopped_and_up_starts_it(lab: Lab, service: str) -> None:
    list(lab.pause(service))
    list(lab.stop(service))
    assert lab.status()[service].state == "stopped"
    list(lab.up())
    assert lab.running()


def test_up_resumes_what_is_paused(lab: Lab) -> None:
    pid = _pid(lab, "redis")
    list(lab.pause("redis"))
    list(lab.up())
    assert lab.running()
    assert _pid(lab, "redis") == pid


def test_a_setting_reaches_the_service_that_it_was_given_to(lab: Lab) -> None:
    api = _pid(lab, "api")
    list(lab.restart("lab42-worker", {"BATCH_SIZE": "7"}))
    seen = lab.exec("worker", ["sh", "-c", "echo $BATCH_SIZE"]).stdout
    assert seen == "7\n"
    assert lab.exec("api", ["sh", "-c", "echo $BATCH_SIZE"]).stdout == "500\n"
    # It keeps the setting, and `up` sees no reason to restart anything.
    worker = _pid(lab, "worker")
    list(lab.up())
    assert (_pid(lab, "api"), _pid(lab, "worker")) == (api, worker)
    list(lab.restart("worker", {"BATCH_SIZE": "500"}))


def test_a_service_whose_database_is_away_starts_and_says_so(lab: Lab) -> None:
    list(lab.stop("postgres"))
    list(lab.stop("api"))
    events = list(lab.start("api"))
    assert "waits for postgres" in str(events[-1])
    with pytest.raises(NotRunning, match="postgres does not run"):
        list(lab.kill("postgres"))
    with pytest.raises(NotRunning, match="postgres does not run"):
        lab.exec("postgres", ["psql"])


def test_commands_reach_the_lab(lab: Lab) -> None:
    assert lab.exec("postgres", ["pg_isready", "-U", "labuser", "-d", "labdb"]).exit_code == 0
    assert lab.exec("redis", ["redis-cli", "PING"]).stdout == "PONG\n"
    assert lab.exec("redis", ["redis-cli", "LLEN", "write_behind:queue"]).stdout.strip().isdigit()
    failed = lab.exec("postgres", ["psql", "-c", "SELECT nothing"])
    assert failed.exit_code == 1
    assert "nothing" in failed.stderr
    with pytest.raises(UsageError, match="no program 'nonsense'"):
        lab.exec("redis", ["nonsense"])


@pytest.mark.slow_in_docker
def test_what_is_piped_in_reaches_the_command(lab: Lab) -> None:
    assert lab.exec("postgres", ["psql", "-At"], b"SELECT 6 * 7;").stdout == "42\n"
    much = b"x" * 3_000_000
    assert len(lab.exec("api", ["cat"], much).stdout) == len(much)
    failed = lab.exec("postgres", ["psql", "-v", "ON_ERROR_STOP=1"], b"SELECT nothing;")
    assert failed.exit_code == 3
    assert "nothing" in failed.stderr
    # One that does not listen.
    assert lab.exec("redis", ["true"], much).exit_code == 0


@pytest.mark.slow_in_docker
def test_no_output_of_a_command_is_lost(lab: Lab) -> None:
    """On a busy machine, output was lost that came together with the head of the engine's answer."""
    # Each local command is a process of Python, and there is no engine that could lose its output.
    number = 48 if lab.kind == "docker" else 8
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: lab.exec("redis", ["redis-cli", "PING"]).stdout, range(number)))
    assert said == ["PONG\n"] * number


def test_output_that_is_not_utf8_can_be_recovered(lab: Lab) -> None:
    every = bytes(range(256))
    said = lab.exec("api", ["cat"], every).stdout
    assert said.encode(errors="surrogateescape") == every


def test_pausing_twice_is_fine(lab: Lab) -> None:
    for _ in range(2):
        list(lab.pause("worker"))
    list(lab.resume("worker"))
    assert lab.running()


def test_logs_and_usage_cover_every_service(lab: Lab) -> None:
    with closing(lab.logs((), tail=5, follow=False)) as lines:
        records = list(lines)
    assert {record.service for record in records} <= set(SERVICES)
    # Each service writes in a format that is understood, and they are interleaved.
    moments = [record.at for record in records if record.at is not None]
    assert len(moments) == len(records) > 4
    assert moments == sorted(moments)
    assert not [record for record in records if record.message == record.text]
    with closing(lab.logs(("postgres",), tail=1, follow=True)) as followed:
        assert next(followed).service == "postgres"
    usage = lab.usage()
    assert set(usage) == set(SERVICES)
    assert all(used.memory_bytes > 1_000_000 for used in usage.values())
    assert usage["postgres"].threads > 1
    assert (usage["postgres"].written_bytes or 0) > 0


def test_usage_counts_the_network_where_the_system_does(lab: Lab) -> None:
    before = lab.usage()["redis"]
    if lab.kind == "local":
        assert before.received_bytes is before.sent_bytes is None
        return
    with redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.echo(b"x" * 500_000)
        after = lab.usage()["redis"]
    for count in ("received_bytes", "sent_bytes"):
        assert getattr(after, count) - getattr(before, count) >= 500_000
