"""Commands inside a running container."""

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from stack.docker_client import connect, translated
from stack.errors import UsageError
from stack.runtime import ExecResult
from stack.settings import StackSettings
from stack.topology import DATABASE, PASSWORD, USER

#: What a shell and the engine give back for a program that can't be run, or is not there.
_NOT_RUN: Final = frozenset({126, 127})
#: A bare `psql` reaches the lab's database.
_LIBPQ: Final = {"PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE}


def run(settings: StackSettings, container: str, service: str, argv: Sequence[str]) -> ExecResult:
    """Run it to its end.

    Raises:
        UsageError: there is no such program.
        EnvironmentFault: the engine refuses, or can't be reached.
    """
    with closing(connect(settings, patient=True)) as client, translated(f"no command could run in {service}"):
        made = client.exec_create(container, list(argv), environment=dict(_LIBPQ))
        stdout, stderr = client.exec_start(made["Id"], demux=True)
        code = int(client.exec_inspect(made["Id"])["ExitCode"])
    out, err = (part.decode(errors="replace") if part else "" for part in (stdout, stderr))
    if code in _NOT_RUN and "OCI runtime exec failed" in out + err:
        raise UsageError(
            f"there is no program {argv[0]!r} in {service}",
            hint="postgres has psql and pg_isready, redis has redis-cli, api and worker have python",
        )
    return ExecResult(code, out, err)
