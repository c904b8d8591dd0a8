"""The port on which a worker offers its metrics."""

import logging
import sys
import threading
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

_log: Final = logging.getLogger(__name__)

#: An end is noticed within this time.
_POLL_S: Final = 0.1
_CLIENT_TIMEOUT_S: Final = 5.0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what is wrong here; a client that goes away, or sends nothing, is nothing to log."""
        error = sys.exception()
        if not isinstance(error, OSError):
            _log.error("metrics could not be given", exc_info=error)

    def server_bind(self) -> None:
        # HTTPServer would ask for the name of this host, which takes seconds where DNS does not answer.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    #: For each step of an exchange, so that clients that only connect don't pile up.
    timeout = _CLIENT_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name for it
        """A request for metrics is nothing to log."""


class MetricsServer:
    """Answers every GET with the metrics, in threads of its own, until it is closed."""

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        """
        Args:
            port: 0 for any that is free. If it is taken, by another worker for example, any other will do.
        """
        self._server: WSGIServer | None = None
        for each in (port, 0):
            try:
                self._server = make_server(host, each, make_wsgi_app(registry), _Server, _Handler)
            except OSError as error:
                _log.warning("metrics can't be offered on port %d: %s", each, error.strerror or error)
                continue
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=(_POLL_S,), name="metrics", daemon=True
            )
            self._thread.start()
            return

    @property
    def port(self) -> int:
        """Where it listens; 0 if it can't."""
        return self._server.server_port if self._server else 0

    def close(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
