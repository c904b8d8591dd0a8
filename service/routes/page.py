"""/ and /page: the files of the lab's page."""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

#: The media type of each kind of file that is served.
MEDIA: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
}
#: Nothing but the lab's own files and data; no script or style inside a document; in no frame.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Ask each time whether it has changed: another version of the lab may have the same address.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}
_INDEX: Final = "index.html"
#: Images are compressed already.
_AS_IT_IS: Final = frozenset({".png"})


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, ready to be sent."""

    media: str
    plain: bytes
    #: None if that would not be smaller.
    zipped: bytes | None
    #: A digest of the content.
    digest: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "PageFile":
        """The file of this name; its ending is one of `MEDIA`."""
        suffix = PurePosixPath(name).suffix
        zipped = None if suffix in _AS_IT_IS else gzip.compress(content, mtime=0)
        smaller = zipped if zipped is not None and len(zipped) < len(content) else None
        return cls(MEDIA[suffix], content, smaller, hashlib.sha256(content).hexdigest()[:20])

    def answer(self) -> Response:
        """The answer to the current request: the content, or that it has not changed."""
        zips = self.zipped is not None and request.accept_encodings.quality("gzip") > 0
        body = self.zipped if zips and self.zipped is not None else self.plain
        response = Response(body, 200, content_type=self.media)
        response.headers.update(_HEADERS)
        response.set_etag(f"{self.digest}-gzip" if zips else self.digest)
        if zips:
            response.headers["Content-Encoding"] = "gzip"
        response.make_conditional(request.environ)
        # The server adds the date itself.
        del response.headers["Date"]
        return response


def page() -> Blueprint:
    """The routes / and /page/<file>."""
    routes = Blueprint("page", __name__)
    served = {name: PageFile.of(name, content) for name, content in _files(files("service") / "page", "")}

    @routes.get("/")
    def index() -> Response:
        return served[_INDEX].answer()

    @routes.get("/page/<path:file>")
    def asset(file: str) -> Response:
        if file not in served:
            raise NotFound(f"the page has no file {file!r}")
        return served[file].answer()

    return routes


def _files(directory: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that may be served; what is not of a known kind is not."""
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif PurePosixPath(entry.name).suffix in MEDIA:
            yield prefix + entry.name, entry.read_bytes()
