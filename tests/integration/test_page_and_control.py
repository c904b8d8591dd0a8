"""The page's files and headers, and what may be changed from it, on a real API."""

import gzip
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import redis
from rq.suspension import is_suspended, resume

from service.live.control import Control, Fault
from service.live.errors import HistoryUnavailable
from service.live.marks import Mark
from service.routes.page import MEDIA, POLICY
from service.writebehind import keys
from tests.api_process import Api, running_api
from tests.live_stream import LiveStream
from tests.raw_http import Answer, RawClient, post, request
from tests.servers import Servers
from tests.write_path import WIDGET, OpenPath

PAGE = files("service") / "page"
JSON = "Content-Type: application/json"
CONTROL = "X-Lab-Control: 1"
FLUSH = b'{"fault": "flush"}'


@pytest.fixture(scope="module")
def plain(_servers: Servers) -> Iterator[Api]:
    _servers.empty()
    with running_api(_servers) as api:
        yield api


@pytest.fixture(scope="module")
def controlled(_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    _servers.empty()
    telemetry = str(tmp_path_factory.mktemp("telemetry"))
    with running_api(_servers, allow_ui_control="true", telemetry_dir=telemetry) as api:
        yield api


def ask(api: Api, method: str, path: str, *headers: str, body: bytes = b"") -> Answer:
    data = request(method, path, *headers, body=body)
    if any(header.startswith("Host:") for header in headers):
        data = data.replace(b"Host: localhost\r\n", b"", 1)
    with RawClient(api.port) as client:
        client.send(data)
        return client.receive(head_only=method == "HEAD" or path.startswith("/page/304"))


def page_of(api: Api) -> tuple[str, ...]:
    """What a browser sends from the lab's own page."""
    return (
        f"Host: 127.0.0.1:{api.port}",
        f"Origin: http://127.0.0.1:{api.port}",
        "Sec-Fetch-Site: same-origin",
    )


# Files


def test_every_file_of_a_known_kind_is_served_as_it_is(plain: Api) -> None:
    names = [entry.name for entry in PAGE.iterdir() if entry.name.endswith(tuple(MEDIA))]
    assert "index.html" in names
    for name in names:
        path = "/" if name == "index.html" else f"/page/{name}"
        answer = ask(plain, "GET", path)
        assert (answer.status, answer.body) == (200, (PAGE / name).read_bytes())
        zipped = ask(plain, "GET", path, "Accept-Encoding: gzip, br")
        if zipped.headers.get("content-encoding") == "gzip":
            assert gzip.decompress(zipped.body) == answer.body
            assert zipped.headers["etag"] != answer.headers["etag"]


def test_the_page_runs_nothing_but_its_own_files_and_is_in_no_frame(plain: Api) -> None:
    for path in ("/", "/page/index.html"):
        headers = ask(plain, "GET", path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["vary"] == "Accept-Encoding"
        assert not [name for name in headers if name.startswith("access-control")]
    assert "unsafe" not in POLICY
    assert "frame-ancestors 'none'" in POLICY


def test_what_has_not_changed_is_not_sent_again(plain: Api) -> None:
    for accepted in ("identity", "gzip"):
        tag = ask(plain, "GET", "/", f"Accept-Encoding: {accepted}").headers["etag"]
        with RawClient(plain.port) as client:
            client.send(request("GET", "/", f"If-None-Match: {tag}", f"Accept-Encoding: {accepted}"))
            assert client.receive(head_only=True).status == 304
        assert ask(plain, "GET", "/", 'If-None-Match: "another"').status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/page/", "/page/nothing.js", "/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py"),
        *(
            "/page//index.html",
            "/page/__init__.py",
            "/page/types.d.ts",
            "/page/index.html%00",
            "/favicon.ico",
        ),
    ],
)
def test_nothing_else_is_served(plain: Api, path: str) -> None:
    answer = ask(plain, "GET", path)
    assert (answer.status, answer.is_problem()) == (404, True)


# Who may ask at all (the whole matrix is in tests/unit/service/test_browsers.py)


@pytest.mark.parametrize(
    "path", ["/", "/page/index.html", "/live/stream", "/live/runs", "/admin/queue", "/products"]
)
def test_no_name_but_the_labs_own_is_answered_for(plain: Api, path: str) -> None:
    answer = ask(plain, "GET", path, f"Host: evil.example:{plain.port}")
    assert (answer.status, answer.is_problem()) == (421, True)


@pytest.mark.parametrize("path", ["/live/stream", "/live/runs", "/admin/queue", "/products", "/metrics"])
def test_a_page_of_another_site_reads_nothing(plain: Api, path: str) -> None:
    for headers in (("Origin: http://evil.example",), ("Origin: null",), ("Sec-Fetch-Site: cross-site",)):
        answer = ask(plain, "GET", path, *headers)
        assert (answer.status, answer.is_problem()) == (403, True)
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("POST", "/admin/flush"),
            ("POST", "/admin/marks"),
            ("PATCH", "/admin/config"),
            ("DELETE", "/admin/dlq"),
        ),
        *(("POST", "/products"), ("DELETE", "/products/seed-001"), ("OPTIONS", "/products")),
        *(("POST", "/live/control/faults"), ("POST", "/live/control/settings")),
    ],
)
def test_a_page_of_another_site_changes_nothing_whatever_is_allowed(
    controlled: Api, method: str, path: str
) -> None:
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        answer = ask(controlled, method, path, f"Origin: {origin}", CONTROL, JSON, body=b"{}")
        assert (answer.status, answer.is_problem()) == (403, True)
    for site in ("cross-site", "same-site"):
        form = (f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate", "Content-Type: text/plain")
        assert ask(controlled, method, path, *form, body=b"{}").status == 403


def test_programs_go_on_working(plain: Api) -> None:
    assert ask(plain, "POST", "/admin/flush").status == 202
    assert ask(plain, "PATCH", "/admin/config", body=b"{}").status == 200
    with RawClient(plain.port) as client:
        assert client.ask(post()).status == 201


def test_the_labs_own_page_may_only_look(plain: Api) -> None:
    own = page_of(plain)
    assert ask(plain, "GET", "/live/runs", *own).status == 200
    for path in ("/admin/flush", "/products", "/live/control/faults", "/live/control/settings"):
        answer = ask(plain, "POST", path, *own, CONTROL, JSON, body=FLUSH)
        assert answer.status == 403
        assert "--allow-ui-control" in answer.json["detail"]
    # Nor may a program use what is meant for the page.
    answer = ask(plain, "POST", "/live/control/faults", CONTROL, JSON, body=FLUSH)
    assert answer.status == 403
    assert "--allow-ui-control" in answer.json["detail"]


# Control


def inject(api: Api, document: dict[str, Any]) -> Answer:
    body = json.dumps(document).encode()
    return ask(api, "POST", "/live/control/faults", *page_of(api), CONTROL, JSON, body=body)


def test_a_control_needs_its_header_and_json(controlled: Api) -> None:
    own = page_of(controlled)
    for headers, status in (
        ((CONTROL, JSON), 200),
        ((CONTROL, "Content-Type: application/json; charset=utf-8"), 200),
        ((JSON,), 403),
        ((CONTROL,), 415),
        ((CONTROL, "Content-Type: text/plain"), 415),
        ((CONTROL, "Content-Type: application/x-www-form-urlencoded"), 415),
    ):
        answer = ask(controlled, "POST", "/live/control/faults", *own, *headers, body=FLUSH)
        assert answer.status == status
        assert status == 200 or answer.is_problem()


@pytest.mark.parametrize(
    "document",
    [{}, {"fault": "reboot"}, {"fault": "rows:fail", "rate": 2}, {"fault": "flush", "more": 1}, []],
)
def test_what_is_not_a_fault_is_refused(controlled: Api, document: Any) -> None:
    answer = inject(controlled, document)
    assert (answer.status, answer.is_problem()) == (422, True)


def test_settings_are_changed_and_wrong_ones_refused(controlled: Api, servers: Servers) -> None:
    headers = (*page_of(controlled), CONTROL, JSON)
    changed = ask(
        controlled, "POST", "/live/control/settings", *headers, body=b'{"coalescing_window_ms": 900}'
    )
    assert (changed.status, changed.json["coalescing_window_ms"]) == (200, 900)
    for body, status in (
        (b'{"batch_size": 0}', 422),
        (b'{"redis_url": "x"}', 422),
        (b"[]", 400),
        (b"{", 400),
    ):
        answer = ask(controlled, "POST", "/live/control/settings", *headers, body=body)
        assert (answer.status, answer.is_problem()) == (status, True)


def test_a_fault_that_cannot_be_marked_was_injected_all_the_same(
    open_path: OpenPath, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Mark) -> None:
        raise HistoryUnavailable("the disk is full")

    path = open_path()
    path.writes.create(WIDGET)
    control = Control(path.redis, path.overview, path.buffer, lambda: None, fail)
    injected = control.inject(Fault("redis:flushall"))
    assert (injected.unwritten_before, injected.unwritten_after) == (1, 0)
    assert "the disk is full" in caplog.text


def test_faults_take_effect_and_are_marked(controlled: Api, servers: Servers) -> None:
    with redis.Redis.from_url(servers.redis_url) as client, LiveStream(controlled.port) as stream:
        stream.next("sample")
        with RawClient(controlled.port) as writer:
            assert writer.ask(post()).status == 201
        assert inject(controlled, {"fault": "rows:fail", "rate": 0.5}).status == 200
        config: Any = client.hgetall(keys.CONFIG)
        assert (config[b"simulate_db_failure"], config[b"failure_rate"]) == (b"true", b"0.5")
        assert inject(controlled, {"fault": "rows:mend"}).status == 200
        assert client.hget(keys.CONFIG, "simulate_db_failure") == b"false"
        assert inject(controlled, {"fault": "worker:suspend"}).status == 200
        assert is_suspended(client)
        assert inject(controlled, {"fault": "worker:resume"}).status == 200
        assert not is_suspended(client)
        emptied = inject(controlled, {"fault": "redis:flushall"}).json
        assert (emptied["unwritten_before"], emptied["unwritten_after"]) == (1, 0)
        assert client.llen(keys.QUEUE) == 0
        told = stream.next("mark", lambda mark: "FLUSHALL" in mark["label"])
        assert (told["kind"], told["at"]) == ("fault", emptied["at"])
        resume(client)
