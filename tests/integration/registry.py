"""A registry with one image, on loopback, so the engine really pulls it.

The protocol: https://distribution.github.io/distribution/spec/api/ ; the documents:
https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_TYPE: Final = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
#: Bytes of each layer: random, so they neither compress nor exist in the engine already.
_LAYERS: Final = (3_000_000, 1_000_000)


class Registry:
    """Serves the image `repository:1`; `spoilt`: one of its layers is not what its digest promises."""

    def __init__(self, *, spoilt: bool) -> None:
        self._blobs: dict[str, bytes] = {}
        archives = [_archive(size) for size in _LAYERS]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(archive) for archive in archives]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _TYPE,
            "config": self._add(_CONFIG, json.dumps(config).encode()),
            "layers": [self._add(_LAYER, gzip.compress(archive, 1)) for archive in archives],
        }
        if spoilt:
            last = next(reversed(self._blobs))
            self._blobs[last] = bytes(len(self._blobs[last]))
        self._manifest = json.dumps(manifest).encode()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Content type and content; None for what is not there."""
        last = path.rpartition("/")[2]
        if path == "/v2/":
            return "application/json", b"{}"
        if "/manifests/" in path:
            return _TYPE, self._manifest
        return ("application/octet-stream", self._blobs[last]) if last in self._blobs else None

    def _add(self, media: str, content: bytes) -> dict[str, object]:
        self._blobs[_digest(content)] = content
        return {"mediaType": media, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _archive(size: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(f"file-{size}")
        entry.size = size
        tar.addfile(entry, io.BytesIO(os.urandom(size)))
    return out.getvalue()


@contextmanager
def serving(*, spoilt: bool = False) -> Iterator[str]:
    """A running registry; yields the name of its image."""
    registry = Registry(spoilt=spoilt)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = registry.answer(self.path)
            kind, body = content or ("application/json", b"{}")
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", _digest(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}/lab/random:1"
        finally:
            server.shutdown()
            thread.join()
