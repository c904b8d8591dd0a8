"""`labctl --debug`: what was asked of whom, on stderr."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labctl.cli.debug_log import start_debug_log


@contextmanager
def debug_log() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    start_debug_log()
    yield
    root.handlers, root.level = handlers, level


def _labctl(home: Path, *words: str, debug: str = "") -> "subprocess.CompletedProcess[str]":
    env = {"LABCTL_HOME": str(home), "LABCTL_DEBUG": debug, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "labctl", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_the_cause_of_an_error_is_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "lab.json").write_text("{")
    words = ("up", "--name", "broken", "--runtime", "local")
    quiet, loud = _labctl(tmp_path, *words), _labctl(tmp_path, "--debug", *words)
    assert (quiet.returncode, loud.returncode) == (4, 4)
    assert "Traceback" not in quiet.stderr
    assert "StateUnusable" in loud.stderr
    assert "JSONDecodeError" in loud.stderr


@pytest.mark.parametrize(("value", "is_logged"), [("1", True), ("0", False), ("", False)])
def test_the_environment_switches_it_on_and_json_stays_one_document(
    tmp_path: Path, value: str, is_logged: bool
) -> None:
    done = _labctl(tmp_path, "urls", "--name", "none", "--runtime", "local", "--json", debug=value)
    assert json.loads(done.stdout)["error"]["exit_code"] == 4
    assert ("ends with NotRunning" in done.stderr) is is_logged


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://labuser:secret@127.0.0.1:5432/labdb", "postgresql://labuser:***@127.0.0.1:5432/labdb"),
        ("redis://:secret@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("postgresql://u:my@secret@host/db", "postgresql://u:***@host/db"),
    ],
)
def test_no_password_reaches_the_log(capsys: pytest.CaptureFixture[str], url: str, masked: str) -> None:
    with debug_log():
        logging.getLogger("stack").debug("psql %s", url)
    shown = capsys.readouterr().err
    assert masked in shown
    assert "secret" not in shown
