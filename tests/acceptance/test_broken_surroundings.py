"""The main commands with something around labctl broken: never a crash report, always a hint."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.terminal import LABCTL, PATIENCE, environment

#: A user missing from the user database; outside the namespace it is still the caller.
_AS_UNKNOWN_USER: Final = ("unshare", "--user", "--map-user=4242424", "--map-group=4242424")
_COMMANDS: Final = (
    ("up",),
    ("status",),
    ("doctor",),
    ("urls",),
    ("report", "--list"),
    ("demo", "coalescing"),
    ("load", "quick"),
    ("product", "create"),
    ("down",),
)


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """How labctl is called. A test breaks one part of it."""

    place: Path
    #: Environment variables beside the usual ones; None: unset.
    env: dict[str, str | None] = field(default_factory=dict)
    #: The program, with arguments, that starts labctl.
    through: tuple[str, ...] = ()
    #: Called in the new process before labctl starts.
    before: Callable[[], None] | None = None
    directory: Path | None = None
    #: Whether `up` is expected to work nevertheless.
    bearable: bool = False

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = environment(self.place / "home")
        for name, value in self.env.items():
            env.pop(name, None)
            if value is not None:
                env[name] = value
        return subprocess.run(
            [*self.through, LABCTL, "--name", "broken", "--runtime", "local", *words],
            env=env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
            preexec_fn=self.before,
        )


def _file_for_home(broken: Surroundings) -> None:
    (broken.place / "home").write_text("")


def _file_above_home(broken: Surroundings) -> None:
    (broken.place / "file").write_text("")
    broken.env["LABCTL_HOME"] = str(broken.place / "file/home")


def _loop(broken: Surroundings) -> None:
    (broken.place / "home").symlink_to(broken.place / "home")


def _long_name(broken: Surroundings) -> None:
    broken.env["LABCTL_HOME"] = str(broken.place / ("x" * 300))


def _unknown_user(broken: Surroundings) -> None:
    broken.env["LABCTL_HOME"] = "~no-such-user-anywhere/x"


def _no_home(broken: Surroundings) -> None:
    """The home of a user who does not exist."""
    broken.env.update(LABCTL_HOME=None, HOME=None, XDG_STATE_HOME=None)
    broken.through = _AS_UNKNOWN_USER
    broken.directory = broken.place


def _unknown_to_the_machine(broken: Surroundings) -> None:
    broken.through = _AS_UNKNOWN_USER


def _no_space(broken: Surroundings) -> None:
    broken.before = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _full_disk(broken: Surroundings) -> None:
    _mounted(broken, "size=1m")


def _read_only_disk(broken: Surroundings) -> None:
    _mounted(broken, "ro")


def _mounted(broken: Surroundings, options: str) -> None:
    """A file system of its own, which only this labctl sees."""
    (broken.place / "home").mkdir()
    script = f'mount -t tmpfs -o {options} none {broken.place}/home && exec "$@"'
    broken.through = ("unshare", "--mount", "sh", "-c", script, "sh")


def _system_directory(broken: Surroundings) -> None:
    broken.env["LABCTL_HOME"] = "/proc/labctl"


def _few_files(broken: Surroundings) -> None:
    broken.before = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _lonely_root(broken: Surroundings) -> None:
    broken.through = ("unshare", "-r")


def _powerless_root(broken: Surroundings) -> None:
    broken.through = ("setpriv", "--bounding-set=-setuid,-setgid,-chown", "--inh-caps=-all")


def _no_shared_memory(broken: Surroundings) -> None:
    """In a user namespace of its own, so the limit affects no other process."""
    script = 'echo 0 > /proc/sys/kernel/shmmni && exec "$@"'
    broken.through = ("unshare", "--ipc", "sh", "-c", script, "sh")


def _old_redis(broken: Surroundings) -> None:
    _named_redis(broken, "echo 'Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64'")


def _no_redis(broken: Surroundings) -> None:
    _named_redis(broken, "echo 'I am something else'")


def _dead_redis(broken: Surroundings) -> None:
    program = broken.place / "redis-server"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    broken.env["LABCTL_REDIS_SERVER"] = str(program)


def _named_redis(broken: Surroundings, script: str) -> None:
    program = broken.place / "redis-server"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    broken.env["LABCTL_REDIS_SERVER"] = str(program)


def _lost_directory(broken: Surroundings) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    broken.through, broken.directory, broken.bearable = ("sh", "-c", script, "sh"), broken.place, True


def _no_temporary_directory(broken: Surroundings) -> None:
    broken.env["TMPDIR"], broken.bearable = "/nonexistent/tmp", True


def _closed_streams(broken: Surroundings) -> None:
    broken.bearable = True
    broken.before = lambda: os.closerange(0, 3)


def _no_path(broken: Surroundings) -> None:
    broken.env["PATH"], broken.bearable = None, True


def _no_locale(broken: Surroundings) -> None:
    broken.env.update(LANG=None, LC_ALL="xx_YY.nonsense", TERM=None, COLUMNS="1", LINES="0")
    broken.bearable = True


def _odd_place(broken: Surroundings) -> None:
    broken.env["LABCTL_HOME"] = str(broken.place / "a b\nc 'é\" $HOME")
    broken.bearable = True


def _deep_place(broken: Surroundings) -> None:
    """Longer than the name of a Unix socket may be."""
    broken.env["LABCTL_HOME"] = str(broken.place / "/".join(["x" * 60] * 6))
    broken.bearable = True


def _closed_umask(broken: Surroundings) -> None:
    mask = "777" if os.geteuid() == 0 else "077"
    broken.through, broken.bearable = ("sh", "-c", f'umask {mask} && exec "$@"', "sh"), True


_NEEDS_ROOT: Final = frozenset({_powerless_root, _no_shared_memory, _full_disk, _read_only_disk})
#: Faults that make labctl give up, with a hint.
_FAULTS: Final = (
    *(_file_for_home, _file_above_home, _loop, _long_name, _unknown_user, _no_home, _no_space, _few_files),
    *(_system_directory, _unknown_to_the_machine, _lonely_root, _powerless_root, _no_shared_memory),
    *(_full_disk, _read_only_disk, _old_redis, _no_redis, _dead_redis),
)
#: Oddities that labctl must cope with.
_BEARABLE: Final = (
    *(_lost_directory, _no_temporary_directory, _closed_streams, _no_path, _no_locale, _odd_place),
    *(_deep_place, _closed_umask),
)


def _all_at_once(broken: Surroundings) -> None:
    """All of them together."""
    for breaks in (
        _closed_streams,
        _no_temporary_directory,
        _no_path,
        _no_locale,
        _odd_place,
        _lost_directory,
    ):
        breaks(broken)


def _name(breaks: Callable[[Surroundings], None]) -> str:
    return breaks.__name__.strip("_")


@pytest.fixture(params=(*_FAULTS, *_BEARABLE, _all_at_once), ids=_name)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """One row of the table. Whatever is running at the end is taken down."""
    breaks = request.param
    if breaks in _NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip("only root can make it so")
    if os.geteuid() == 0:
        # PostgreSQL runs as the user `nobody`, who must be able to enter.
        tmp_path.chmod(0o755)
    surroundings = Surroundings(place=tmp_path)
    breaks(surroundings)
    if surroundings.through and not _can_be_made(surroundings.through, tmp_path):
        pytest.skip(f"{surroundings.through[0]} does not work here")
    yield surroundings
    if surroundings.bearable:
        assert surroundings.call("down").returncode == 0


def _can_be_made(through: tuple[str, ...], place: Path) -> bool:
    if shutil.which(through[0]) is None:
        return False
    return subprocess.run([*through, "true"], cwd=place, capture_output=True, check=False).returncode == 0


def _judge(broken: Surroundings, done: subprocess.CompletedProcess[str], *, works: bool = False) -> None:
    assert done.returncode in ({0} if works else {0, 4}), done.stderr
    assert "Traceback" not in done.stderr
    assert "bug in labctl" not in done.stderr
    if done.returncode:
        assert "labctl: " in done.stderr
        assert "what to do: " in done.stderr
    # A home directory that could not be found is not invented.
    assert not list(broken.place.rglob("~*"))


_fast = pytest.mark.parametrize("broken", [*_FAULTS, _all_at_once], indirect=True, ids=_name)


@_fast
def test_up_works_or_says_why_not(broken: Surroundings) -> None:
    done = broken.call("up")
    _judge(broken, done, works=broken.bearable)
    assert (done.returncode == 0) == broken.bearable


@pytest.mark.slow
def test_every_command_works_or_says_why_not(broken: Surroundings) -> None:
    for words in _COMMANDS:
        _judge(broken, broken.call(*words), works=broken.bearable)
