"""What is in Redis alone survives whatever labctl itself does to Redis; and what was said last counts."""

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from scenarios.lab.context import Lab
from stack.errors import EnvironmentFault, UsageError
from stack.factory import open_stack
from stack.ports import choose_free
from stack.spec.events import ServiceChanged, StackNoted
from stack.stack import Stack

pytestmark = pytest.mark.slow_in_docker


def _create(stack: Stack) -> str:
    with Lab(stack) as lab:
        write = lab.client.create({"name": "alone", "price": 1.0, "quantity": 1})
    assert write.product is not None, write.detail
    return write.product


def _rows(stack: Stack) -> str:
    return stack.exec(
        "postgres", ["psql", "-At", "-c", "SELECT count(*) FROM products WHERE name = 'alone'"]
    ).stdout.strip()


def _core(stack: Stack, **settings: str) -> None:
    list(stack.up(settings, observability=False))


@pytest.fixture
def api(lab: Stack) -> Iterator[httpx.Client]:
    _core(lab)
    with httpx.Client(base_url=lab.urls()["api"], trust_env=False) as client:
        yield client


def test_redis_is_not_started_anew_while_it_holds_what_nobody_else_has(lab: Stack) -> None:
    _core(lab)
    list(lab.stop("worker"))
    _create(lab)
    (port,) = choose_free(1)
    moved = open_stack(lab.name, lab.kind, home=lab.directory.parent, ports={"redis": port})
    with pytest.raises(EnvironmentFault, match="redis has to be started anew, and would lose 1 ") as caught:
        _core(moved)
    assert "labctl worker start" in caught.value.hint
    _core(lab)
    _core(moved)
    assert moved.running()
    assert _rows(lab) == "1"


def test_kept_data_holds_all_that_was_acknowledged(lab: Stack) -> None:
    _core(lab)
    for _ in range(20):
        _create(lab)
    events = list(lab.down(keep_data=True))
    assert not any(isinstance(event, StackNoted) for event in events)
    kept = [event.service for event in events if isinstance(event, ServiceChanged) and event.detail]
    assert kept == ["postgres"]
    _core(lab)
    assert _rows(lab) == "20"


def test_what_could_not_be_kept_is_told(local_lab: Stack) -> None:
    _core(local_lab)
    list(local_lab.stop("worker"))
    _create(local_lab)
    events = list(local_lab.down(keep_data=True))
    assert StackNoted("1 acknowledged write is in Redis alone, and goes with it.") in events


def test_the_setting_that_was_given_last_counts(lab: Stack, api: httpx.Client) -> None:
    api.patch("/admin/config", json={"batch_size": 400})
    list(lab.restart("worker", {"BATCH_SIZE": "60"}))
    assert lab.exec("worker", ["sh", "-c", "echo $BATCH_SIZE"]).stdout == "60\n"
    assert api.get("/admin/config").json()["batch_size"] == 60
    api.patch("/admin/config", json={"batch_size": 400})
    _core(lab, BATCH_SIZE="90")
    assert lab.exec("worker", ["sh", "-c", "echo $BATCH_SIZE"]).stdout == "90\n"
    assert httpx.get(f"{api.base_url}/admin/config", trust_env=False).json()["batch_size"] == 90


def test_two_services_cannot_share_a_port(local_lab: Stack) -> None:
    lab = local_lab
    _core(lab)
    before = {name: seen.pid for name, seen in lab.status().items()}
    port = int(lab.urls()["postgres"].rpartition(":")[2].partition("/")[0])
    again = open_stack(lab.name, lab.kind, home=lab.directory.parent, ports={"api": port})
    with pytest.raises(UsageError, match=f"can't have port {port}: it is that of api"):
        list(again.up())
    assert {name: seen.pid for name, seen in lab.status().items()} == before


def test_who_follows_the_logs_of_a_lab_is_let_go_with_it(lab: Stack) -> None:
    _core(lab)
    with closing(lab.logs(("worker",), tail=1, follow=True)) as lines:
        next(lines)
        list(lab.down())
        # It ends by itself.
        for line in lines:
            assert line.service == "worker"
