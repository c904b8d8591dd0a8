import socket
from pathlib import Path

import pytest

from stack.doctor import Finding, examine
from stack.factory import open_lab
from stack.ports import choose_free


def _examine(home: Path, port: int) -> dict[str, Finding]:
    redis, postgres = choose_free(2, taken=[port])
    ports = {"api": port, "redis": redis, "postgres": postgres}
    return {found.check: found for found in examine(open_lab("doc", "local", home=home, ports=ports))}


def test_a_fit_machine(tmp_path: Path) -> None:
    (port,) = choose_free(1)
    found = _examine(tmp_path, port)
    assert [name for name, finding in found.items() if finding.outcome == "failed"] == []
    assert "PostgreSQL" in found["postgres"].detail
    assert found[f"port {port}"].detail == "free for api"
    assert list(tmp_path.iterdir()) == []


def test_a_held_port_is_told_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        finding = _examine(tmp_path, port)[f"port {port}"]
    assert finding.outcome == "failed"
    assert "pid" in finding.detail
    assert finding.hint


def test_a_state_directory_that_can_not_be_used() -> None:
    (port,) = choose_free(1)
    finding = _examine(Path("/proc/labctl"), port)["state directory"]
    assert finding.outcome == "failed"
    assert "LABCTL_HOME" in finding.hint


def test_an_engine_that_a_lab_needs_and_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    (port,) = choose_free(1)
    assert _examine(tmp_path, port)["docker"].outcome == "ok"
    found = {finding.check: finding for finding in examine(open_lab("doc", "docker", home=tmp_path))}
    assert found["docker"].outcome == "failed"
    assert found["docker"].hint
    assert "redis" not in found


def test_an_engine_that_was_meant_and_can_not_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    (port,) = choose_free(1)
    finding = _examine(tmp_path / "home", port)["docker"]
    assert finding.outcome == "warning"
    assert "ca.pem" in finding.detail
    assert finding.hint


def test_doctor_in_docker_does_not_speak_of_the_local_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    told = [finding.detail + finding.hint for finding in examine(open_lab("doc", "docker", home=tmp_path))]
    assert not [text for text in told if "PostgreSQL" in text]


def test_a_file_where_the_state_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (port,) = choose_free(1)
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        finding = _examine(home, port)["state directory"]
        assert finding.outcome == "failed"
        assert str(tmp_path / "file") in finding.detail


def test_a_server_that_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCTL_REDIS_SERVER", "/nowhere/redis-server")
    (port,) = choose_free(1)
    finding = _examine(tmp_path, port)["redis"]
    assert finding.outcome == "failed"
    assert "/nowhere/redis-server" in finding.detail
