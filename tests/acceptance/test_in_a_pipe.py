"""labctl in scripts, and with bad input."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import NAME
from tests.acceptance.terminal import LABCTL, PATIENCE, environment, pipe

pytestmark = pytest.mark.xdist_group("acceptance")


def test_results_and_narration_go_separate_ways(home: Path) -> None:
    done = pipe(home, "demo", "coalescing", "--name", NAME)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("coalescing: AS EXPECTED.")
    assert "step 1/" in done.stderr
    assert "step 1/" not in done.stdout


def test_json_is_one_document(home: Path) -> None:
    done = pipe(home, "demo", "data-loss", "--crash", "kill", "--json", "--name", NAME)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["schema"], document["scenario"], document["outcome"]) == (2, "data-loss", "expected")
    verdict = document["verdict"]
    assert verdict["acknowledged"] == sum(verdict["fates"].values()) == 15
    assert verdict["fates"]["lost"] == 5
    recorded = json.loads(pipe(home, "report", "--json", "--name", NAME).stdout)
    # It also says what the run was made on.
    assert recorded["environment"]["lab"] == NAME
    assert {key: recorded[key] for key in document} == document


def test_quiet_prints_only_the_verdict(home: Path) -> None:
    done = pipe(home, "load", "quick", "--quiet", "--name", NAME)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("verdict: VALID")


def test_the_reader_of_a_pipe_may_leave(home: Path) -> None:
    with subprocess.Popen(
        [LABCTL, "logs", "-f", "--name", NAME],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as labctl:
        assert labctl.stdout is not None
        assert labctl.stderr is not None
        try:
            assert "|" in labctl.stdout.readline()
            labctl.stdout.close()
            # An idle lab logs nothing. A starting worker does, and so meets the closed pipe.
            assert pipe(home, "worker", "restart", "--name", NAME).returncode == 0
            assert labctl.wait(PATIENCE) == 141
            assert labctl.stderr.read() == ""
        finally:
            labctl.kill()


def test_down_goes_on_when_its_reader_is_gone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert pipe(home, "up", "--name", "brief").returncode == 0
    done = subprocess.run(
        ["bash", "-c", f"{LABCTL} down --name brief 2>&1 | head -n 1; exit ${{PIPESTATUS[0]}}"],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 141
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("demo", "coalesing"), "did you mean coalescing?"),
        (("load", "basic", "--rate", "-5"), "--rate can't be -5"),
        (("load", "basic", "--duration", "1e9"), "--duration"),
        (("demo", "coalescing", "--step"), "--step"),
        (("product", "create", "--title", "x", "--price", "1e9"), "price"),
        (("product", "update", "nowhere-at-all"), "does not exist"),
        (("config", "set", "BATCH_SIZE=-1"), "batch_size"),
        (("config", "set", "NO_SUCH=1"), "no_such"),
        (("worker", "restart", "--set", "BATCH_SIZE=many"), "BATCH_SIZE"),
        (("fault", "kill", "mongodb"), "mongodb"),
        (("logs", "mongodb"), "mongodb"),
        (("db", "query", "SELECT bogus"), "bogus"),
        (("urls", "--name", "No Such Name"), "No Such Name"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(home: Path, words: tuple[str, ...], says: str) -> None:
    done = pipe(home, "--name", NAME, *words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "what to do:" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words",
    [("queue", "show"), ("fault", "flushall"), ("worker", "stop"), ("logs",), ("top",), ("db", "count")],
)
def test_a_lab_that_does_not_run_is_reported_as_such(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = pipe(tmp_path, *words, "--name", "absent")
    assert done.returncode == 4
    assert "`labctl --name absent up`" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_held_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = pipe(tmp_path / "home", "up", "--name", "held", "--port", f"api={port}")
    assert done.returncode == 4
    assert str(port) in done.stderr
    assert "pid" in done.stderr
    assert pipe(tmp_path / "home", "down", "--name", "held").returncode == 0


def test_a_home_that_is_not_a_directory_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = pipe(tmp_path / "file" / "home", "up", "--name", "nowhere")
    assert done.returncode == 4
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr
