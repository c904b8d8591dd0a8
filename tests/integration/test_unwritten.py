"""Writes that only Redis holds survive whatever labctl does to Redis; and the latest setting counts."""

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from scenarios.lab.context import Run
from stack.errors import EnvironmentFault, UsageError
from stack.factory import open_lab
from stack.lab import Lab
from stack.ports import choose_free
from stack.spec.events import ServiceChanged, StackNoted
from stack.spec.hints import for_lab
from stack.wait import wait_until

pytestmark = pytest.mark.slow_in_docker


def _create(lab: Lab) -> str:
    (product,) = _create_many(lab, 1)
    return product


def _create_many(lab: Lab, number: int) -> list[str]:
    with Run(lab) as run:
        product = {"name": "alone", "price": 1.0, "quantity": 1}
        writes = [run.client.create(product) for _ in range(number)]
    products = [write.product for write in writes if write.product is not None]
    assert len(products) == number, writes
    return products


def _rows(lab: Lab) -> str:
    return lab.exec(
        "postgres", ["psql", "-At", "-c", "SELECT count(*) FROM products WHERE name = 'alone'"]
    ).stdout.strip()


def _core(lab: Lab, **settings: str) -> None:
    list(lab.up(settings, observability=False))


@pytest.fixture
def api(own_lab: Lab) -> Iterator[httpx.Client]:
    _core(own_lab)
    with httpx.Client(base_url=own_lab.urls()["api"], trust_env=False) as client:
        yield client


def test_redis_is_not_restarted_while_only_it_holds_writes(own_lab: Lab) -> None:
    _core(own_lab)
    list(own_lab.stop("worker"))
    _create(own_lab)
    (port,) = choose_free(1)
    moved = open_lab(own_lab.name, own_lab.kind, home=own_lab.directory.parent, ports={"redis": port})
    with pytest.raises(EnvironmentFault, match="redis has to be started anew, and would lose 1 ") as caught:
        _core(moved)
    assert "labctl worker start" in for_lab(caught.value.hint, "lab42")
    _core(own_lab)
    _core(moved)
    assert moved.running()
    assert _rows(own_lab) == "1"


def test_kept_data_holds_all_that_was_acknowledged(own_lab: Lab) -> None:
    _core(own_lab)
    _create_many(own_lab, 20)
    events = list(own_lab.down(keep_data=True))
    assert not any(isinstance(event, StackNoted) for event in events)
    kept = [event.service for event in events if isinstance(event, ServiceChanged) and event.detail]
    assert kept == ["postgres"]
    _core(own_lab)
    assert _rows(own_lab) == "20"


@pytest.mark.slow
def test_what_could_not_be_kept_is_reported(local_lab: Lab) -> None:
    _core(local_lab)
    list(local_lab.stop("worker"))
    _create(local_lab)
    events = list(local_lab.down(keep_data=True))
    assert StackNoted("1 acknowledged write is in Redis alone, and goes with it.") in events


@pytest.mark.slow
def test_a_paused_redis_is_drained_before_it_is_replaced(local_lab: Lab) -> None:
    """It does not answer, which does not mean that nothing waits in it."""
    _core(local_lab, COALESCING_WINDOW_MS="2000")
    _create(local_lab)
    list(local_lab.pause("redis"))
    (port,) = choose_free(1)
    moved = open_lab(local_lab.name, "local", home=local_lab.directory.parent, ports={"redis": port})
    list(moved.up())
    assert _rows(moved) == "1"


@pytest.mark.slow
def test_a_refused_change_leaves_a_lab_that_serves(local_lab: Lab) -> None:
    """Its API was stopped, so that nothing more waits in the Redis that is to be replaced."""
    _core(local_lab)
    list(local_lab.stop("worker"))
    _create(local_lab)
    (port,) = choose_free(1)
    moved = open_lab(local_lab.name, "local", home=local_lab.directory.parent, ports={"redis": port})
    with pytest.raises(EnvironmentFault, match="would lose 1 acknowledged write"):
        list(moved.up())
    wait_until(
        lambda: local_lab.status()["api"].state == "healthy", seconds=20, reason="the API serves", hint=""
    )
    list(local_lab.start("worker"))


@pytest.mark.slow
def test_the_setting_that_was_given_last_counts(own_lab: Lab, api: httpx.Client) -> None:
    api.patch("/admin/config", json={"batch_size": 400})
    list(own_lab.restart("worker", {"BATCH_SIZE": "60"}))
    assert own_lab.exec("worker", ["sh", "-c", "echo $BATCH_SIZE"]).stdout == "60\n"
    assert api.get("/admin/config").json()["batch_size"] == 60
    api.patch("/admin/config", json={"batch_size": 400})
    _core(own_lab, BATCH_SIZE="90")
    assert own_lab.exec("worker", ["sh", "-c", "echo $BATCH_SIZE"]).stdout == "90\n"
    assert httpx.get(f"{api.base_url}/admin/config", trust_env=False).json()["batch_size"] == 90


@pytest.mark.slow
def test_two_services_cannot_share_a_port(local_lab: Lab) -> None:
    own_lab = local_lab
    _core(own_lab)
    before = {name: seen.pid for name, seen in own_lab.status().items()}
    port = int(own_lab.urls()["postgres"].rpartition(":")[2].partition("/")[0])
    again = open_lab(own_lab.name, own_lab.kind, home=own_lab.directory.parent, ports={"api": port})
    with pytest.raises(UsageError, match=f"can't have port {port}: it is that of api"):
        list(again.up())
    assert {name: seen.pid for name, seen in own_lab.status().items()} == before


def test_who_follows_the_logs_of_a_lab_is_let_go_with_it(own_lab: Lab) -> None:
    _core(own_lab)
    with closing(own_lab.logs(("worker",), tail=1, follow=True)) as lines:
        next(lines)
        list(own_lab.down())
        # It ends by itself.
        for line in lines:
            assert line.service == "worker"
