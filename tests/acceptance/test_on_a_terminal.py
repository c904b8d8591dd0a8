"""What users see, from `up` to `down`."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import NAME
from tests.acceptance.terminal import LABCTL, PATIENCE, Terminal, environment, pipe

pytestmark = pytest.mark.xdist_group("acceptance")


def _states(home: Path, name: str) -> set[str]:
    services = json.loads(pipe(home, "status", "--json", "--name", name).stdout)["services"]
    return {service["state"] for service in services.values()}


@pytest.mark.slow
def test_the_first_five_commands(tmp_path: Path) -> None:
    home = tmp_path / "home"

    def run(*words: str) -> str:
        terminal = Terminal(home, "--name", "first", *words)
        code = terminal.end()
        text = terminal.transcript()
        assert code == 0, text
        assert terminal.cursor_is_shown()
        return text

    up = run("up")
    for service in ("redis", "postgres", "api", "worker"):
        assert re.search(rf"✓ {service} +healthy", up)
    assert "http://127.0.0.1:" in up
    assert len(re.findall(r"\d+ +healthy|healthy +\d+", run("status"))) == 4
    coalescing = run("demo", "coalescing")
    assert "✓ AS EXPECTED" in coalescing
    assert re.search(r"20 +acknowledged", coalescing)
    loss = run("demo", "data-loss")
    assert "✓ AS EXPECTED" in loss
    assert re.search(r"✗ +5 +LOST", loss)
    assert "✓ AS EXPECTED" in run("load", "quick")
    assert "data-loss" in run("report", "data-loss")
    run("down")
    # The journals outlive the lab.
    assert [path.name for path in home.iterdir()] == ["runs"]
    assert "data-loss" in run("runs")
    assert _states(home, "first") == {"missing"}


def test_ctrl_c_in_mid_demo_leaves_the_lab_in_order(home: Path) -> None:
    terminal = Terminal(home, "demo", "data-loss", "--step", "--name", NAME)
    terminal.wait_for("1 of 6")
    terminal.wait_for("any key")
    terminal.press(" ")
    terminal.wait_for("2 of 6")
    terminal.press(" ")
    terminal.wait_for("3 of 6")
    # The worker is stopped now.
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "interrupted" in terminal.text()
    assert terminal.cursor_is_shown()
    assert _states(home, NAME) == {"running"}


def test_ctrl_c_ends_a_load_early_and_it_is_judged(home: Path) -> None:
    terminal = Terminal(home, "load", "basic", "--duration", "60", "--rate", "50", "--name", NAME)
    terminal.wait_for("requests/s")
    terminal.press("\x03")
    assert terminal.end() == 0
    text = terminal.transcript()
    assert "✓ AS EXPECTED" in text
    assert re.search(r"Ended early after \d+ s by Ctrl-C", text)
    assert terminal.cursor_is_shown()


def test_ctrl_c_ends_a_load_early_in_a_pipe_too(home: Path) -> None:
    with subprocess.Popen(
        [LABCTL, "load", "basic", "--duration", "60", "--rate", "50", "--name", NAME],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as labctl:
        assert labctl.stderr is not None
        assert any("requests/s" in line for line in labctl.stderr)
        labctl.send_signal(signal.SIGINT)
        results, narration = labctl.communicate(timeout=PATIENCE)
    assert labctl.returncode == 0, narration
    assert "ending early, with a verdict; once more ends labctl at once" in narration
    assert re.search(r"AS EXPECTED. Ended early after \d+ s by Ctrl-C", results)


def test_a_second_ctrl_c_ends_a_load_at_once(home: Path) -> None:
    terminal = Terminal(home, "load", "basic", "--duration", "60", "--rate", "50", "--name", NAME)
    terminal.wait_for("requests/s")
    terminal.press("\x03")
    terminal.wait_for("Ended early")
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "interrupted" in terminal.text()
    assert terminal.cursor_is_shown()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_load_gives_the_terminal_back(home: Path, number: signal.Signals) -> None:
    terminal = Terminal(home, "load", "basic", "--duration", "30", "--rate", "50", "--name", NAME)
    terminal.wait_for("requests/s")
    terminal.kill(number)
    assert terminal.end() == 130
    assert terminal.cursor_is_shown()
    assert "Traceback" not in terminal.transcript()


@pytest.mark.slow
def test_the_live_panel_follows_the_size_of_the_terminal(home: Path) -> None:
    terminal = Terminal(home, "load", "basic", "--duration", "4", "--rate", "50", "--name", NAME)
    terminal.wait_for("latency p50")
    terminal.resize(60, 12)
    terminal.wait_for("of 4.0 s")
    terminal.resize(120, 40)
    assert terminal.end() == 0
    text = terminal.transcript()
    assert "✓ AS EXPECTED" in text
    # Nothing of the live panel stays behind.
    assert "latency p50   " not in terminal.text().split("Verdict")[-1]
    assert terminal.cursor_is_shown()


def test_a_terminal_that_is_closed_in_mid_demo(home: Path) -> None:
    """The presenter's window is closed; the worker must be running all the same."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [LABCTL, "demo", "data-loss", "--name", NAME],
        env=environment(home),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ) as labctl:
        os.close(slave)
        seen = b""
        while b"2 of 6" not in seen:
            seen += os.read(master, 4096)
        os.close(master)
        assert labctl.wait(PATIENCE) == 141
    assert _states(home, NAME) == {"running"}


def test_ctrl_c_in_mid_up_leaves_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home", "up", "--name", "brief")
    terminal.wait_for("postgres")
    terminal.press("\x03")
    assert terminal.end() == 130
    assert terminal.cursor_is_shown()
    assert not list((tmp_path / "home").iterdir())


def test_no_colour_where_none_is_wanted(home: Path) -> None:
    terminal = Terminal(home, "demo", "coalescing", "--name", NAME, NO_COLOR="1")
    assert terminal.end() == 0
    styles = "".join(re.findall(r"\x1b\[([0-9;]*)m", terminal.raw)).split(";")
    assert not any(re.fullmatch(r"3[0-8]|9[0-7]|4[0-8]", style) for style in styles)
    assert "✓ passed" in terminal.transcript()


def test_a_dumb_terminal_gets_lines(home: Path) -> None:
    terminal = Terminal(home, "demo", "coalescing", "--name", NAME, TERM="dumb")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.raw
    assert "step 1/" in terminal.transcript()


def test_top_is_live_until_q(home: Path) -> None:
    terminal = Terminal(home, "top", "--name", NAME)
    terminal.wait_for("together")
    terminal.wait_for("At stake if Redis died now: ")
    terminal.press("q")
    assert terminal.end() == 0
    assert terminal.cursor_is_shown()


def test_logs_follow_until_ctrl_c(home: Path) -> None:
    terminal = Terminal(home, "logs", "api", "-f", "--name", NAME)
    terminal.wait_for("api        |")
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "Traceback" not in terminal.transcript()
