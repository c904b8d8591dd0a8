"""The lab's own page, served by a real lab under load, and during a demo that loses writes."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack.wait import wait_until
from tests.acceptance.conftest import NAME
from tests.acceptance.terminal import LABCTL, environment, pipe
from tests.browser import Browser

pytestmark = pytest.mark.xdist_group("browser")

_SEEN = """
    window.seen = new Set();
    new MutationObserver(() => {
      for (const token of document.querySelectorAll('.token')) seen.add(token.dataset.state);
      const stakes = document.getElementById('stakes').className;
      seen.add(stakes);
      seen.add(document.getElementById('stakes-count').textContent);
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
    0
"""


@pytest.fixture
def page(browser: Browser, home: Path) -> Browser:
    """The browser, looking at the lab."""
    browser.look(width=1100, height=3_000)
    browser.open(_api(home))
    _until(browser, "document.getElementById('connection').textContent === 'live'")
    browser.evaluate(_SEEN)
    return browser


def _api(home: Path) -> str:
    url: str = json.loads(pipe(home, "urls", "--name", NAME, "--json").stdout)["urls"]["api"]
    return url


@pytest.fixture
def load(home: Path) -> Iterator[None]:
    words = ("load", "basic", "--duration", "6", "--rate", "150", "--name", NAME)
    with subprocess.Popen(
        [LABCTL, *words],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield
        assert process.wait(40) == 0


def _until(browser: Browser, expression: str, *, seconds: float = 20) -> None:
    wait_until(
        lambda: browser.evaluate(expression) is True,
        seconds=seconds,
        reason=expression,
        hint="look at the page",
    )


@pytest.mark.slow
@pytest.mark.usefixtures("load")
def test_it_shows_a_load(page: Browser) -> None:
    _until(page, "['queued', 'persisted', 'some'].every(each => seen.has(each))")
    for chart in ("queue", "rates", "ack", "exposed"):
        legend = f"document.querySelector('figure:has(#chart-{chart}) .legend b').textContent"
        _until(page, f"parseFloat({legend}) > 0")
    # A browser's own wish, which no page can help.
    assert [each for each in page.complaints if "Canvas2D" not in each] == []


def test_it_shows_the_life_of_a_traced_write(page: Browser, home: Path) -> None:
    made = httpx.post(
        f"{_api(home)}/products",
        json={"name": "traced", "price": 1, "quantity": 1},
        headers={"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"},
    )
    assert made.status_code == 201
    token = f"document.querySelector('.token[title^=\"{made.json()['id']}\"]')"
    _until(page, f"{token} !== null")
    page.evaluate(f"{token}.click()")
    # The worker's spans arrive a little later.
    _until(page, "document.querySelectorAll('.waterfall .flush').length === 1")
    stretches = page.evaluate(
        "[...document.querySelectorAll('.waterfall .what')].map(one => one.textContent)"
    )
    assert stretches == ["request", "in Redis alone", "flush"]
    page.evaluate("document.querySelector('.written button').click()")
    _until(page, "document.getElementById('life').textContent.includes('upsert products')")


def test_it_shows_a_demo_and_its_losses(page: Browser, home: Path) -> None:
    demo = pipe(home, "demo", "data-loss", "--name", NAME)
    assert demo.returncode == 0, demo.stderr
    # The verdict on the load before it is as expected as well.
    _until(page, "document.getElementById('verdict').textContent.includes('5 queued writes are lost')")
    assert page.evaluate("document.getElementById('verdict').className") == "expected"
    _until(page, "document.querySelectorAll('.token[data-state=lost]').length > 0")
    # It was shown what there was to lose, before it was lost.
    assert page.evaluate("seen.has('5 acknowledged writes')") is True
    losses = page.evaluate("document.getElementById('losses').textContent")
    assert losses.startswith("5 acknowledged writes were lost in data-loss, at ")
    steps = page.evaluate("[...document.querySelectorAll('#steps li')].map(step => step.textContent)")
    assert any("redis:flushall" in step for step in steps)
    assert page.evaluate("document.querySelector('#runs tbody th').textContent") == "data-loss"
