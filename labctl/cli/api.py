"""The lab's HTTP API as the commands use it: one request, one answer, and errors in words."""

import json
import logging
import shlex
from collections.abc import Mapping
from typing import Any, Final

import httpx

from labctl.cli.session import Session
from stack.errors import EnvironmentFault, NotRunning, UsageError
from stack.spec.hints import labctl

_log = logging.getLogger(__name__)

#: How long any answer may take, in s.
_TIMEOUT: Final = 15.0
#: How the API begins to say that Redis has no room.
_FULL: Final = "Redis is full"


def request(
    session: Session, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
) -> Any:
    """The answer of the lab's API, after showing the equivalent `curl`.

    Raises:
        NotRunning: this lab's API does not run; another program on its port is not asked.
        LabError: whatever else `Api.call` raises.
    """
    return announce(session, method, path, body, headers or {}).call(method, path, body, headers or {})


def announce(session: Session, method: str, path: str, body: object, headers: Mapping[str, str]) -> "Api":
    """The lab's API, after showing the `curl` that asks the same of it.

    Raises:
        NotRunning: this lab's API does not run; another program on its port is not asked.
    """
    _require_api(session)
    url = session.lab.urls()["api"]
    session.command(curl(method, url + path, body, headers))
    return Api(url)


def _require_api(session: Session) -> None:

    session.require_started()
    seen = session.lab.services().get("api")
    if seen is None or seen.pid is None:
        raise NotRunning(
            f"the API of the lab {session.lab.name} does not run",
            hint=f"{session.hint('up')} repairs the lab",
        )
    if seen.state == "paused":
        raise NotRunning(
            f"the API of the lab {session.lab.name} is frozen",
            hint=f"{session.hint('fault resume api')} lets it go on",
        )


class Api:
    """Sends requests to one lab's API."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def call(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> Any:
        """The decoded answer.

        Raises:
            UsageError: the API refuses the request (4xx), in its own words.
            NotRunning: nothing answers.
            EnvironmentFault: the API can't do it just now (5xx), or did not answer in time.
        """

        try:
            # The lab is on this machine: no proxy leads to it.
            with httpx.Client(base_url=self._url, timeout=self._timeout_s, trust_env=False) as client:
                answer = client.request(method, path, json=body, headers=dict(headers))
                took_ms = 1000 * answer.elapsed.total_seconds()
                _log.debug("%s %s%s: %d, %.0f ms", method, self._url, path, answer.status_code, took_ms)
        except httpx.ConnectError as error:
            raise NotRunning(
                f"nothing answers at {self._url}", hint=f"start the lab with {labctl('up')}"
            ) from error
        except httpx.TimeoutException as error:
            raise EnvironmentFault(
                f"{method} {self._url}{path} got no answer within {self._timeout_s:g} s",
                hint=f"look at {labctl('status')} and {labctl('logs api')}",
            ) from error
        except httpx.HTTPError as error:
            raise EnvironmentFault(
                f"{method} {self._url}{path} failed: {error}", hint=f"look at {labctl('logs api')}"
            ) from error
        return _decode(answer)


def curl(method: str, url: str, body: object, headers: Mapping[str, str]) -> str:
    """The command that makes the same request from a shell."""
    words = ["curl", "-s"]
    if method != "GET":
        words += ["-X", method]
    words.append(url)
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join(words)


def _decode(answer: "httpx.Response") -> Any:
    try:
        body = answer.json()
    except ValueError as error:
        raise EnvironmentFault(
            f"{answer.request.url} answered {answer.status_code} without JSON",
            hint=f"does another program hold the API's port? {labctl('doctor')} knows",
        ) from error
    if answer.is_success:
        return body
    detail = body.get("detail") or body.get("title") if isinstance(body, dict) else str(body)
    message = f"the API answered {answer.status_code}: {detail}"
    if answer.is_client_error:
        raise UsageError(message, hint=_HINTS.get(answer.status_code, "correct the request"))
    if _FULL in message:
        raise EnvironmentFault(
            message,
            hint="the worker makes room by flushing; or give Redis more memory while it runs: "
            f"{labctl('up --set REDIS_MAXMEMORY=1gb')}",
        )
    raise EnvironmentFault(message, hint=f"look at {labctl('status')}; repair the lab with {labctl('up')}")


_HINTS: Final = {
    404: f"{labctl('product list')} shows the newest products",
    422: "correct the value and try again",
}
