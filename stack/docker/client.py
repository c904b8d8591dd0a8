"""The Docker client, made to close everything that it opened.

The library leaves open whatever is not read to its end: streams of logs, pulls and builds that are dropped
half-way, connections that a command in a container took over, sockets whose other end is gone. The garbage
collector closes those some time later.
"""

import logging
import socket
import time
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import urlsplit
from weakref import WeakSet

import docker
import requests
from docker.errors import APIError
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool
from requests.adapters import BaseAdapter

_log = logging.getLogger(__name__)

#: Calls that are answered with a list of objects; all others return an object, or a list of them.
_LISTS: Final = ("/containers/json", "/images/json", "/networks")
_NONSENSE: Final = "what answers is not a healthy Docker engine: its answer has the wrong shape"


class EngineClient(docker.APIClient):
    """Closes each connection with its answer, and each answer with the client at the latest."""

    def __init__(self, base_url: str, **options: Any) -> None:
        self._answers: WeakSet[requests.Response] = WeakSet()
        self._told_version: Any = None
        try:
            super().__init__(base_url=base_url, **options)
        except BaseException:
            self.close()
            raise

    def version(self, api_version: bool = True) -> Any:
        """What the engine says of itself. The library asks first, to find out how to speak to it."""
        if self._told_version is None:
            self._told_version = super().version(api_version)
        return self._told_version

    def mount(self, prefix: str | bytes, adapter: BaseAdapter) -> None:
        if isinstance(adapter, UnixHTTPAdapter):
            adapter = _UnixAdapter(adapter.socket_path, adapter.timeout)
        super().mount(prefix, adapter)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        # Nothing closes a connection that is kept for the next request. The library hardly reuses one: it
        # keeps them by the whole URL.
        if request.headers.get("Connection") == "keep-alive":
            request.headers["Connection"] = "close"
        asked = time.monotonic()
        answer = super().send(request, **options)
        _log.debug(
            "%s %s: %d, %.0f ms",
            request.method,
            request.path_url,
            answer.status_code,
            1000 * (time.monotonic() - asked),
        )
        self._answers.add(answer)
        return answer

    def _raise_for_status(self, response: requests.Response) -> None:
        library: Any = super()  # without types in the stubs
        try:
            library._raise_for_status(response)
        except (KeyError, TypeError, ValueError) as error:
            raise APIError(str(error), response=response, explanation=_NONSENSE) from error

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        library: Any = super()
        value = library._result(response, json, binary)
        if json and not _has_shape(value, urlsplit(response.url or "").path):
            raise APIError(_NONSENSE, response=response, explanation=_NONSENSE)
        return value

    def close(self) -> None:
        for answer in list(self._answers):
            # The engine, or another thread, may be closing it at the same time.
            with suppress(OSError, AttributeError, ValueError):
                answer.close()
        super().close()


def _has_shape(value: object, path: str) -> bool:
    is_list = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return is_list or (isinstance(value, dict) and not path.endswith(_LISTS))


class _UnixAdapter(UnixHTTPAdapter):
    def get_connection(self, url: Any, proxies: Any = None) -> UnixHTTPConnectionPool:
        return _UnixPool(url, self.socket_path, self.timeout)


class _UnixPool(UnixHTTPConnectionPool):
    def _new_conn(self) -> Any:
        return _UnixConnection(self.base_url, self.socket_path, cast(Any, self.timeout))


class _UnixConnection(UnixHTTPConnection):
    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self.unix_socket)
        except BaseException:
            connection.close()
            raise
        self.sock = connection
