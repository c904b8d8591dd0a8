"""The metrics of a whole lab, on both runtimes."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import httpx
import redis
from prometheus_client import Metric
from prometheus_client.openmetrics import parser

from labctl.cli.reached import reached
from stack.lab import Lab
from stack.spec.services import WORKER_METRICS_PORT
from stack.wait import wait_until
from tests.documented_metrics import exported, rows
from tests.metrics import Scrape, parse, scrape
from tests.promtool import complaints

#: It checks more than the parser of the text format does.
_openmetrics: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families
_WIDGET = {"name": "Widget", "price": 29.99, "quantity": 100}


def _api(lab: Lab) -> Scrape:
    return scrape(int(lab.urls()["api"].rpartition(":")[2]))


def _worker(lab: Lab) -> Scrape:
    """The metrics of the lab's one worker. In a network of containers they are read from a neighbour."""
    if lab.kind == "local":
        return scrape(int(reached(lab)["worker-metrics"].rpartition(":")[2].removesuffix("/metrics")))
    url = f"http://worker:{WORKER_METRICS_PORT}/metrics"
    script = f"from urllib.request import urlopen; print(urlopen({url!r}, timeout=5).read().decode())"
    done = lab.exec("api", ["python", "-c", script])
    assert done.exit_code == 0, done.stderr
    return parse(done.stdout)


def _post(lab: Lab, number: int) -> None:
    with httpx.Client(base_url=lab.urls()["api"], timeout=60, trust_env=False) as client:
        for _ in range(number):
            assert client.post("/products", json=_WIDGET).status_code == 201


def _quiet(lab: Lab) -> Scrape:
    """The API's metrics once nothing is pending."""
    wait_until(
        lambda: _api(lab).value("write_behind_queue_size") + _api(lab).value("write_behind_inflight") == 0,
        seconds=60,
        reason="nothing is pending",
        hint="labctl logs worker",
    )
    return _api(lab)


def test_the_totals_outlive_redis_memory_the_worker_and_the_api(lab: Lab) -> None:
    told = [_quiet(lab)]
    _post(lab, 5)
    told.append(_quiet(lab))
    list(lab.kill("api"))
    list(lab.start("api"))
    told.append(_api(lab))
    with redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.flushall()
    told.append(_api(lab))
    list(lab.kill("worker"))
    list(lab.start("worker"))
    _post(lab, 3)
    told.append(_quiet(lab))
    for before, after in pairwise(told):
        known = after.counters()
        assert not {key for key, value in before.counters().items() if known.get(key, 0) < value}
    for name in ("accepted", "persisted", "rows_written"):
        total = f"write_behind_{name}_total"
        assert told[-1].value(total) - told[0].value(total) == 8


def test_what_a_worker_did_is_told_although_nobody_looked_before_redis_lost_it(own_lab: Lab) -> None:
    # On a lab whose workers have lost nothing yet: what is missing once stays missing from what they know.
    lab = own_lab
    list(lab.up(observability=False))
    before = _quiet(lab)
    _post(lab, 4)
    queue = f"{lab.urls()['api']}/admin/queue"
    wait_until(
        lambda: httpx.get(queue, timeout=60, trust_env=False).json()["exposed"]["writes"] == 0,
        seconds=60,
        reason="nothing is pending",
        hint="labctl logs worker",
    )
    with redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.flushall()
    # The worker says what it has done twice a second.
    for name in ("accepted", "persisted", "rows_written"):
        total = f"write_behind_{name}_total"
        wait_until(
            lambda total=total: _api(lab).value(total) - before.value(total) == 4,  # type: ignore[misc]
            seconds=60,
            reason=f"{total} has risen by 4",
            hint="",
        )


def test_a_worker_tells_what_it_does(lab: Lab) -> None:
    seen = _worker(lab)
    assert seen.value("write_behind_worker_state") == 1
    assert seen.value("write_behind_worker_trouble") == 0
    assert seen.value("write_behind_failure_simulation") == 0
    with httpx.Client(base_url=lab.urls()["api"], timeout=60, trust_env=False) as client:
        client.patch("/admin/config", json={"simulate_db_failure": True}).raise_for_status()
        try:
            wait_until(
                lambda: _worker(lab).value("write_behind_failure_simulation") == 1,
                seconds=60,
                reason="the worker says that it fails rows on purpose",
                hint="",
            )
        finally:
            client.patch("/admin/config", json={"simulate_db_failure": False}).raise_for_status()


def test_who_prefers_openmetrics_is_answered_in_it(lab: Lab) -> None:
    urls = {"write_behind_accepted": f"{lab.urls()['api']}/metrics"}
    if lab.kind == "local":
        urls["write_behind_batch_size"] = reached(lab)["worker-metrics"]
    # A part of what Prometheus 3 sends.
    accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3"
    for name, url in urls.items():
        answer = httpx.get(url, headers={"Accept": accept}, timeout=60, trust_env=False)
        assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert name in {family.name for family in _openmetrics(answer.text)}


def test_the_docs_list_what_is_exported_and_promtool_finds_nothing(lab: Lab) -> None:
    for origin, seen in (("API", _api(lab)), ("worker", _worker(lab))):
        assert exported(seen.text) == {row.metric for row in rows() if row.origin == origin}
        assert complaints(seen.text) == ""
