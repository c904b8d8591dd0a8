"""Connecting to the Docker engine, and translating its errors."""

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from stack.docker.endpoint import endpoint
from stack.errors import EnvironmentFault
from stack.settings import StackSettings
from stack.spec.hints import labctl

if TYPE_CHECKING:
    from docker import APIClient

#: Seconds for one answer of a working engine.
_ANSWER_SECONDS: Final = 60
#: Seconds for the first answer: an engine that has just started, or one in a virtual machine, is slow.
_PROBE_SECONDS: Final = 10
_LISTEN_SECONDS: Final = 3
_LOCAL: Final = ("unix://", "http+unix://", "npipe://")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class NoEngine(EnvironmentFault):
    """Nothing listens at the engine's address."""


def connect(settings: StackSettings, *, patient: bool = False) -> "APIClient":
    """A client of the engine that the environment or the Docker context names.

    Args:
        settings: `DOCKER_HOST`, `DOCKER_CONTEXT`.
        patient: Whether to wait for an answer without limit, as when following logs or running long commands.

    Raises:
        EnvironmentFault: no engine answers there, or it is on another machine.
    """
    from stack.docker.client import EngineClient

    url, tls = endpoint(settings)
    _require_this_machine(url)
    _require_listener(url)
    with map_docker_errors(f"the Docker engine at {url} does not answer"), _speaking(url):
        client = EngineClient(url, tls=cast(Any, tls), timeout=_PROBE_SECONDS, version="auto")
        try:
            _require_docker(client, url)
        except BaseException:
            client.close()
            raise
        # None: no limit. The library's types do not know of it.
        client.timeout = cast(int, None) if patient else _ANSWER_SECONDS
    return client


def answers(settings: StackSettings) -> str:
    """The version of the engine; '' if no engine answers that the lab can run on."""
    with suppress(EnvironmentFault):
        return version(settings)
    return ""


def version(settings: StackSettings) -> str:
    """The version of the engine.

    Raises:
        NoEngine: nothing listens at its address.
        EnvironmentFault: it does not answer, or is not an engine that the lab can run on.
    """
    with (
        closing(connect(settings)) as client,
        map_docker_errors("the Docker engine does not report its version"),
    ):
        return str(client.version()["Version"])


@contextmanager
def map_docker_errors(
    what: str, *, hint: str = f"{labctl('doctor')} checks the machine; then try again"
) -> Iterator[None]:
    """Turn errors of the engine, and of the connection to it, into ours.

    Args:
        what: What failed: "k6 could not be stopped".
        hint: What to do if the engine refuses.

    Raises:
        EnvironmentFault: `what`, and the engine's reason.
    """
    import requests
    from docker.errors import APIError, DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise EnvironmentFault(f"{what}: {error.explanation or error}", hint=hint) from error
    except (DockerException, requests.RequestException, HTTPError, OSError) as error:
        raise EnvironmentFault(
            f"{what}: the Docker engine can't be reached ({_reason(error)})",
            hint="start Docker (`docker info` must answer), or use --runtime local, which needs none",
        ) from error


def _reason(error: Exception) -> str:
    """The innermost reason: the client library wraps it several times."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return "it took too long" if isinstance(inner, TimeoutError) else str(inner) or type(inner).__name__


@contextmanager
def _speaking(url: str) -> Iterator[None]:
    """Raises EnvironmentFault where the answers are not those of an engine."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFault(
            f"what answers at {url} is not a Docker engine ({type(error).__name__}: {error})",
            hint="correct DOCKER_HOST or the Docker context, or use --runtime local, which needs no engine",
        ) from error


def _require_docker(client: "APIClient", url: str) -> None:
    """Raises EnvironmentFault for Podman: it speaks the same protocol, but image names, networks and health
    mean something else."""
    version: Any = client.version()
    str(version["Version"])
    for component in version.get("Components") or ():
        if "podman" in str(component.get("Name", "")).lower():
            raise EnvironmentFault(
                f"Podman {component.get('Version', '')} answers at {url} instead of Docker, and the lab "
                "does not run on it",
                hint="start Docker and name it in DOCKER_HOST, or use --runtime local, which needs no engine",
            )


def _require_this_machine(url: str) -> None:
    if url.startswith(_LOCAL):
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EnvironmentFault(
            f"there can be no Docker engine at {url}: {error}",
            hint="correct DOCKER_HOST, or unset it; `docker context ls` shows the contexts",
        ) from error
    if host not in _LOOPBACK:
        raise EnvironmentFault(
            f"the Docker engine at {url} is on another machine, where the lab's ports would be out of reach",
            hint="unset DOCKER_HOST or choose a local context (`docker context use default`), "
            "or use --runtime local",
        )


def _require_listener(url: str) -> None:
    """Raises NoEngine where nothing listens: the client library would leak a socket."""
    scheme, _, path = url.partition("://")
    if "unix" not in scheme:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_LISTEN_SECONDS)
        try:
            probe.connect(path)
        except OSError as error:
            raise NoEngine(
                f"no Docker engine answers at {url}: {error.strerror or error}", hint=_hint(error)
            ) from error


def _hint(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "let this user use Docker (the group docker), or use --runtime local, which needs none"
    return "start Docker (`docker info` must answer), or use --runtime local, which needs none"
