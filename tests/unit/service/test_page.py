"""The files of the lab's own page: what is in the folder, and how much it weighs."""

import gzip
import hashlib
from importlib.resources import files

from service.page import UPLOT

_PAGE = files("service.page")


def test_the_library_is_the_release_that_the_page_names() -> None:
    # As in the npm package uplot.
    assets = _PAGE
    assert f"(v{UPLOT})" in (assets / "uPlot.iife.min.js").read_text()
    digests = {
        name: hashlib.sha256((assets / name).read_bytes()).hexdigest()[:16]
        for name in ("uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE")
    }
    assert digests == {
        "uPlot.iife.min.js": "19c8d4c6ad88929a",
        "uPlot.min.css": "df630c6a8d6f8eea",
        "uPlot.LICENSE": "8f989229699b4fe2",
    }


def test_it_weighs_little() -> None:
    """In bytes, as browsers that take gzip get it. The licence and the types are not sent."""
    sent = [file for file in _PAGE.iterdir() if file.name.endswith((".html", ".js", ".css", ".svg"))]
    assert len(sent) > 10
    assert sum(len(gzip.compress(file.read_bytes())) for file in sent) < 60_000
