"""The lab's page: how much it weighs, and whether it draws 60 frames a second with 15 minutes of history."""

import gzip
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from bench.figures import Figure
from service.percentiles import percentile
from tests import page_story
from tests.browser import Browser, chromium
from tests.page_server import Player, playing

_SENT: Final = (".html", ".js", ".css", ".svg")
_SECONDS: Final = 10.0
_SAMPLES_PER_S: Final = 2
#: A frame that takes longer than this was late, at 60 frames a second, in ms.
_LATE_MS: Final = 1_000 / 60 * 1.5
#: All charts are in sight, so that all of them are drawn.
_HEIGHT: Final = 2_600

#: In ms: from frame to frame, and the page's own work in frames that draw. The library draws in a microtask.
_WATCH: Final = """
    window.frames = [];
    window.worked = [];
    const ask = requestAnimationFrame;
    window.requestAnimationFrame = callback => ask(now => {
      const began = performance.now();
      callback(now);
      queueMicrotask(() => worked.push(performance.now() - began));
    });
    let last = performance.now();
    ask(function each(now) {
      frames.push(now - last);
      last = now;
      ask(each);
    });
    0
"""


def page_figures() -> Iterator[Figure]:
    """Weight, and frames if there is a Chromium."""
    sent = [file.read_bytes() for file in files("service.page").iterdir() if file.name.endswith(_SENT)]
    weight = sum(len(gzip.compress(content)) for content in sent) / 1_000
    yield Figure("page: all its files, gzipped", weight, "kB", "≤", 120, f"{len(sent)} files")
    program = chromium()
    if program is None:
        print("      no Chromium is installed: frames are not measured")
        return
    now = time.time()
    with (
        tempfile.TemporaryDirectory(prefix="labctl-bench-") as profile,
        playing(page_story.greeting(now)) as player,
        Browser(program, Path(profile)) as browser,
    ):
        browser.look(width=1_280, height=_HEIGHT)
        yield from _frames(browser, player)


def _frames(browser: Browser, player: Player) -> Iterator[Figure]:
    browser.open(f"{player.url}/")
    browser.evaluate("document.querySelector('input[name=span][value=\"900\"]').click(); 0")
    browser.evaluate(_WATCH)
    began = time.time()
    for number in range(int(_SECONDS * _SAMPLES_PER_S)):
        at = time.time()
        writes = [
            # Every write moves on with every sample.
            {"id": f"p{each}", "version": each, "state": page_story.STATES[(each + number) % 8], "since": at}
            for each in range(20)
        ]
        player.send("sample", page_story.sample(at, 900 + at - began, products=writes))
        browser.evaluate(f"new Promise(done => setTimeout(done, {1_000 / _SAMPLES_PER_S}))")
    frames = sorted(browser.evaluate("frames"))
    worked = sorted(browser.evaluate("worked"))
    late = sum(frame > _LATE_MS for frame in frames) / len(frames)
    yield Figure(
        "page: frames a second, 15 min of history",
        1_000 * len(frames) / sum(frames),
        "",
        "≥",
        58,
        f"frame p99 {percentile(frames, 0.99):.1f} ms, {late:.1%} late; software rendering",
    )
    yield Figure(
        "page: its own work in a frame that draws, p95",
        percentile(worked, 0.95),
        "ms",
        "≤",
        1_000 / 60,
        f"p50 {percentile(worked, 0.5):.2f} ms, p99 {percentile(worked, 0.99):.1f} ms",
    )
