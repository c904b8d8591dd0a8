"""Which engine is used, and what is reported if there is none."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from stack.docker import engine as docker_client
from stack.docker.engine import answers, connect, map_docker_errors
from stack.errors import EnvironmentFault
from stack.factory import choose_runtime
from stack.settings import StackSettings
from stack.spec.services import DEFAULT_PORTS
from stack.state.lab import LabState, save


def _settings(home: Path, host: str = "", context: str = "") -> StackSettings:
    return StackSettings(home=home, docker_host=host, docker_context=context, docker_config=home)


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    """An engine's address where nothing listens."""
    host = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    return _settings(tmp_path, host)


def test_no_engine_is_said_with_its_address(nobody: StackSettings) -> None:
    with pytest.raises(EnvironmentFault, match=r"no Docker engine answers at .*docker\.sock") as caught:
        connect(nobody)
    assert "--runtime local" in caught.value.hint
    assert answers(nobody) == ""


def test_an_engine_on_another_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(EnvironmentFault, match="on another machine"):
        connect(_settings(tmp_path, "tcp://192.0.2.1:2375"))


def test_the_current_context_names_the_engine(tmp_path: Path) -> None:
    meta = {
        "Name": "mine",
        "Metadata": {},
        "Endpoints": {"docker": {"Host": f"unix://{tmp_path}/mine.sock", "SkipTLSVerify": False}},
    }
    from docker.context.config import get_context_id

    directory = tmp_path / "contexts" / "meta" / get_context_id("mine")
    directory.mkdir(parents=True)
    (directory / "meta.json").write_text(json.dumps(meta))
    # Without a config.json, a context can still be named.
    with pytest.raises(EnvironmentFault, match=r"mine\.sock"):
        connect(_settings(tmp_path, context="mine"))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    with pytest.raises(EnvironmentFault, match=r"mine\.sock"):
        connect(_settings(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"mine\.sock"):
        connect(_settings(tmp_path, context="mine"))
    with pytest.raises(EnvironmentFault, match="no Docker context 'other'"):
        connect(_settings(tmp_path, context="other"))
    (directory / "meta.json").write_text("[]")
    with pytest.raises(EnvironmentFault, match="damaged"):
        connect(_settings(tmp_path))


@pytest.mark.parametrize("content", ["", "[]", "{", "\xff"])
def test_a_damaged_docker_configuration_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(EnvironmentFault, match="damaged"):
        connect(_settings(tmp_path))
    kind, reason = choose_runtime("lab42", tmp_path, "auto", _settings(tmp_path))
    assert kind == "local"
    assert "damaged" in reason


def test_keys_that_are_gone_are_told_and_no_bug(tmp_path: Path) -> None:
    settings = replace(_settings(tmp_path, "tcp://127.0.0.1:2376"), docker_tls_verify=True)
    with pytest.raises(EnvironmentFault, match=r"there is no .*ca\.pem") as caught:
        connect(settings)
    assert "DOCKER_CERT_PATH" in caught.value.hint
    kind, reason = choose_runtime("lab42", tmp_path, "auto", settings)
    assert kind == "local"
    assert "ca.pem" in reason
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense")
    with pytest.raises(EnvironmentFault, match=r"keys|can't be reached"):
        connect(settings)


def test_an_engine_that_takes_its_time_is_not_taken_for_none(tmp_path: Path) -> None:
    """An engine that has just been started takes five seconds or more to answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("stack.docker.engine._PROBE_SECONDS", 0.2)
            kind, reason = choose_runtime("lab42", tmp_path, "auto", _settings(tmp_path, host))
    assert kind == "local"
    assert "took too long" in reason
    assert docker_client._PROBE_SECONDS >= 10


def test_without_an_engine_auto_is_local_and_says_why(nobody: StackSettings, tmp_path: Path) -> None:
    assert choose_runtime("lab42", tmp_path, "auto", nobody) == ("local", "no Docker engine answers")
    assert choose_runtime("lab42", tmp_path, "docker", nobody) == ("docker", "it was asked for")


def test_a_lab_keeps_its_runtime(nobody: StackSettings, tmp_path: Path) -> None:
    save(tmp_path, LabState(runtime="docker", ports=DEFAULT_PORTS))
    assert choose_runtime("lab42", tmp_path, "auto", nobody) == ("docker", "the lab runs on it")
    with pytest.raises(EnvironmentFault, match="the lab lab42 runs on the docker runtime, not on local"):
        choose_runtime("lab42", tmp_path, "local", nobody)


@pytest.mark.parametrize(
    "host",
    ["tcp://localhost.evil.example", "tcp://127.0.0.1:notaport", "tcp://[::1]:99999", "tcp://10.0.0.1:2375"],
)
def test_an_engine_that_can_not_be_this_machines_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        connect(StackSettings(home=tmp_path, docker_host=host))
    assert caught.value.hint


class _Engine(BaseHTTPRequestHandler):
    """Answers every request with the engine's version."""

    version: ClassVar[Mapping[str, object]] = {}
    #: Of everything but the version, where there is one: status and body.
    later: ClassVar[tuple[int, object] | None] = None

    def do_GET(self) -> None:
        is_later = self.later is not None and not self.path.endswith("/version")
        status, content = self.later if self.later and is_later else (200, self.version)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told: object) -> None:
        """Nothing reads it."""


@contextmanager
def _telling(version: Mapping[str, object], later: tuple[int, object] | None = None) -> Iterator[str]:
    """The address of an engine with this version document."""
    handler = type("Engine", (_Engine,), {"version": version, "later": later})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield f"tcp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("engine", "kind", "says"),
    [("Engine", "docker", "Docker engine 4.3.1 answers"), ("Podman Engine", "local", "Podman 4.3.1 answers")],
)
def test_podman_in_dockers_place_is_told(tmp_path: Path, engine: str, kind: str, says: str) -> None:
    component = {"Name": engine, "Version": "4.3.1"}
    with _telling({"ApiVersion": "1.41", "Version": "4.3.1", "Components": [component]}) as host:
        chosen, reason = choose_runtime("lab42", tmp_path, "auto", _settings(tmp_path, host))
    assert chosen == kind
    assert says in reason


@pytest.mark.parametrize("version", [{}, {"ApiVersion": "1.41"}, {"ApiVersion": None}, {"ApiVersion": "x"}])
def test_what_is_no_engine_at_all_is_told(tmp_path: Path, version: Mapping[str, object]) -> None:
    with _telling(version) as host:
        kind, reason = choose_runtime("lab42", tmp_path, "auto", _settings(tmp_path, host))
    assert kind == "local"
    assert host.removeprefix("tcp://") in reason or "version" in reason


@pytest.mark.parametrize(
    "later", [(404, {}), (500, None), (200, None), (200, {"a": "b"}), (200, ["x"]), (200, "text"), (200, 1)]
)
def test_an_engine_whose_later_answers_make_no_sense_is_told(
    tmp_path: Path, later: tuple[int, object]
) -> None:
    well = {"Version": "26.1", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "linux"}
    with (
        _telling(well, later) as host,
        closing(connect(_settings(tmp_path, host))) as client,
        pytest.raises(EnvironmentFault, match="asking") as caught,
        map_docker_errors("asking"),
    ):
        client.containers(all=True)
    assert caught.value.hint
