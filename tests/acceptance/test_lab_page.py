"""The lab's own page in a real browser, played to by a server that says what a lab might say."""

import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.wait import wait_until
from tests import page_story
from tests.browser import VIOLATIONS, Browser
from tests.page_server import Player, playing

pytestmark = pytest.mark.xdist_group("browser")

_CHARTS = 6
#: Taller than the page: what is out of sight is not drawn.
_TALL = 5_000
#: How many charts show lines: without them, a chart has two to five colours.
_LINED = """
    [...document.querySelectorAll('.chart canvas')].filter(canvas => {
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 255) colours.add(data.slice(at, at + 3).join());
      }
      return colours.size > 10;
    }).length
"""
HOSTILE = "</text><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


class Shown:
    """The page, opened by a browser, and what is played to it."""

    def __init__(self, browser: Browser, player: Player) -> None:
        self.browser = browser
        self.player = player
        self.begun = time.time()

    def __call__(self, expression: str) -> Any:
        return self.browser.evaluate(expression)

    def text(self, selector: str) -> Any:
        return self(f"document.querySelector({selector!r})?.textContent")

    def until(self, expression: str, *, seconds: float = 8) -> None:
        wait_until(
            lambda: self(expression) is True, seconds=seconds, reason=expression, hint="look at the page"
        )

    def sample(self, **changes: Any) -> None:
        at = time.time()
        self.player.send("sample", page_story.sample(at, 900 + at - self.begun, **changes))

    def open(self) -> None:
        """Open it, and wait until it shows something live."""
        self.browser.open(f"{self.player.url}/")
        # The greeting may still be on its way.
        lab = json.dumps(self.player.greeting["lab"])
        self.until(f"document.getElementById('lab').textContent === {lab}")
        self.live()

    def live(self, **changes: Any) -> None:
        self.sample(**changes)
        self.until("document.getElementById('connection').textContent === 'live'")

    def write(self, product_id: str, state: str, **changes: Any) -> None:
        write = {"id": product_id, "version": 1, "state": state, "since": time.time()}
        self.sample(products=[write], **changes)
        self.until(f"document.querySelector('.token')?.dataset.state === '{state}'")

    def press(self, *keys: str) -> None:
        for key in keys:
            for kind in ("keyDown", "keyUp"):
                self.browser.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key})


@pytest.fixture
def player() -> Iterator[Player]:
    with playing(page_story.greeting(time.time(), seconds=120)) as player:
        yield player


@pytest.fixture
def shown(browser: Browser, player: Player) -> Shown:
    browser.look(width=1100)
    return Shown(browser, player)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1100, "light"),
        (360, "dark"),
        pytest.param(1100, "dark", marks=pytest.mark.slow),
        pytest.param(360, "light", marks=pytest.mark.slow),
    ],
)
def test_it_draws_itself_and_asks_only_the_lab(shown: Shown, width: int, scheme: str) -> None:
    shown.browser.look(width=width, height=_TALL, scheme=scheme)
    shown.open()
    shown.sample(products=page_story.writes(time.time()))
    shown.until(f"document.querySelectorAll('.token').length === {len(page_story.STATES)}")
    shown.until(f"{_LINED} === {_CHARTS}")
    assert {
        address for address in shown.browser.requests if not address.startswith(shown.player.url)
    } == set()
    # Chromium has advice for whoever reads a canvas.
    assert [each for each in shown.browser.complaints if not each.startswith("Canvas2D")] == []
    # Nothing sticks out to the side.
    assert shown("document.documentElement.scrollWidth <= document.documentElement.clientWidth") is True


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1100, "light"),
        pytest.param(1100, "dark", marks=pytest.mark.slow),
        pytest.param(360, "light", marks=pytest.mark.slow),
        pytest.param(360, "dark", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_to_complain_about(shown: Shown, axe_core: str, width: int, scheme: str) -> None:
    shown.browser.look(width=width, height=_TALL, scheme=scheme, motion=False)
    shown.player.greeting["control"] = True
    now = time.time()
    shown.player.documents["/products/product-3/life"] = page_story.life("product-3", now)
    shown.open()
    shown.live(products=page_story.writes(now), trouble="nothing was flushed for 10 s")
    shown.until("document.querySelectorAll('.token').length > 0")
    shown("document.querySelector('.token[data-state=persisted]').click()")
    shown.until("document.querySelectorAll('.waterfall').length === 2")
    shown("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    shown.until("document.querySelectorAll('figure table').length === 6")
    shown("scrollTo(0, 0)")
    shown(f"{axe_core};0")
    assert json.loads(shown(VIOLATIONS)) == []
    shown.player.hang_up()
    shown.until("document.body.classList.contains('away')")
    assert json.loads(shown(VIOLATIONS)) == []


def test_what_is_at_stake_is_a_sentence(shown: Shown) -> None:
    shown.open()
    shown.sample(exposed={"writes": 31, "products": 12, "seconds": 0.8})
    sentence = "If Redis died now, 31 acknowledged writes of 12 products would be lost: the last 800 ms."
    shown.until(f"document.getElementById('stakes').textContent === {sentence!r}")
    shown.sample(exposed={"writes": 1, "products": 1, "seconds": 75})
    sentence = "If Redis died now, 1 acknowledged write of 1 product would be lost: the last 1 min 15 s."
    shown.until(f"document.getElementById('stakes').textContent === {sentence!r}")
    shown.sample(exposed={"writes": 0, "products": 0, "seconds": 0})
    sentence = "If Redis died now, nothing would be lost."
    shown.until(f"document.getElementById('stakes').textContent === {sentence!r}")


def test_a_lab_that_is_gone_is_not_shown_as_if_it_were_there(shown: Shown) -> None:
    shown.open()
    shown.write("product-1", "queued")
    shown.player.refuses = True
    shown.player.hang_up()
    shown.until("document.getElementById('connection').textContent.startsWith('not answering since ')")
    assert "is not known: the lab has not answered since" in shown.text("#stakes")
    assert shown("document.querySelectorAll('.token').length") == 0
    counts = shown("[...document.querySelectorAll('#workers, #way .count')].map(one => one.textContent)")
    assert set(counts) <= {"", "\u2013"}
    # It comes back by itself, and tells everything anew.
    shown.player.greeting = page_story.greeting(time.time(), seconds=30) | {"lab": "another"}
    shown.player.refuses = False
    shown.until("document.getElementById('lab').textContent === 'another'", seconds=15)
    shown.live()
    assert "If Redis died now" in shown.text("#stakes")


def test_a_lab_that_is_silent_is_not_answering(shown: Shown) -> None:
    shown.open()
    shown.until("document.getElementById('connection').textContent.startsWith('not answering since ')")
    shown.live()


def test_servers_that_are_down_are_named(shown: Shown) -> None:
    shown.open()
    unknown = dict.fromkeys(("queue", "inflight", "retrying", "dead_letters", "accepted", "exposed"))
    shown.sample(redis=False, postgres=False, workers=[], persist_lag_ms=None, **unknown)
    shown.until("!document.getElementById('trouble').hidden")
    assert shown.text("#trouble") == "Redis does not answer. PostgreSQL does not answer."
    assert shown.text("#stakes") == "What only Redis has is not known: Redis does not answer."
    assert shown.text("#dead") == "not known"
    assert shown.text("#workers") == "not known"
    shown.live(workers=[page_story.worker("paused", "PostgreSQL does not answer")])
    shown.until("document.getElementById('workers').textContent.includes('PostgreSQL does not answer')")


def test_a_write_moves_from_station_to_station(shown: Shown) -> None:
    shown.open()
    shown.write("product-1", "queued")
    shown("window.token = document.querySelector('.token'); 0")
    left = "Math.round(token.getBoundingClientRect().left)"
    seen = []
    for state in ("queued", "in flight", "persisted"):
        shown.write("product-1", state)
        assert shown("token.getAttribute('aria-label')") == f"product-1, {state}"
        shown("Promise.all(token.getAnimations().map(one => one.finished)).then(() => 0)")
        seen.append(shown(left))
    assert seen == sorted(set(seen)), "it went from the left to the right"
    assert shown("token.isConnected && document.querySelectorAll('.token').length === 1") is True
    shown.sample(products=[])
    shown.until("!token.isConnected")


def test_nothing_moves_where_the_system_asks_for_that(shown: Shown) -> None:
    shown.browser.look(width=1100, motion=False)
    shown.open()
    shown.write("product-1", "queued")
    shown.write("product-1", "persisted")
    assert shown("document.getAnimations().length") == 0


def test_the_life_of_a_write_can_be_opened_with_the_keyboard(shown: Shown) -> None:
    shown.open()
    shown.player.documents["/products/product-3/life"] = page_story.life("product-3", time.time())
    shown.player.documents["/traces/1af7651916cd43dd8448eb211c80319d"] = page_story.trace(time.time())
    shown.sample(products=page_story.writes(time.time()))
    shown.until("document.querySelectorAll('.token').length > 3")
    shown("document.querySelector('.token[tabindex=\"0\"]').focus()")
    shown.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert shown("document.activeElement.getAttribute('aria-label')") == "product-3, persisted"
    shown("document.activeElement.click()")
    shown.until("document.querySelectorAll('.waterfall').length === 2")
    assert shown.text("#life h3") == "product-3"
    rows = """
        [...document.querySelectorAll('.waterfall')].map(one => [...one.children].map(row => row.textContent))
    """
    assert shown(rows) == [
        ["request4 ms", "in Redis alone422 ms", "flush6 ms"],
        ["request3 ms", "in Redis, until replaced80 ms"],
    ]
    shown("document.querySelector('.written button').click()")
    shown.until("document.querySelectorAll('.waterfall').length === 3")
    assert "worker: upsert products5 ms" in shown("document.querySelectorAll('.waterfall')[1].textContent")
    shown.press("Escape")
    assert shown("document.getElementById('life').hidden") is True
    assert shown("document.activeElement.getAttribute('aria-label')") == "product-3, persisted"


def test_a_life_that_is_not_known_is_said_to_be_so(shown: Shown) -> None:
    shown.open()
    shown.write("product-1", "persisted")
    shown("document.querySelector('.token').click()")
    shown.until("document.getElementById('life').textContent.includes('The lab knows nothing of it')")
    shown.player.documents["/products/product-2/life"] = {"product_id": "product-2", "writes": [], "now": {}}
    shown.write("product-2", "coalesced")
    shown("document.querySelector('.token').click()")
    shown.until("document.getElementById('life').textContent.includes('None of its writes was traced')")


def test_a_chart_can_be_read_with_the_keyboard(shown: Shown) -> None:
    shown.browser.look(width=1100, height=_TALL)
    shown.open()
    shown.sample(queue=77, inflight=5, retrying=1_234)
    shown.until("document.querySelector('#charts .legend').textContent.includes('77')")
    shown("document.getElementById('chart-queue').focus()")
    shown.press("End")
    said = shown.text("#chart-queue-said")
    assert said.endswith(": queued 77, in flight 5, retrying 1,234 products")
    shown.press("ArrowLeft")
    assert shown.text("#chart-queue-said") != said
    # The other charts show the same moment.
    assert shown("getComputedStyle(document.querySelector('#chart-ack .u-cursor-x')).transform") != "none"
    shown("document.querySelector('figure details').open = true")
    shown.until("document.querySelector('figure table') !== null")
    first = shown(
        "[...document.querySelector('figure tbody tr').cells].slice(1).map(cell => cell.textContent)"
    )
    assert first == ["77", "5", "1,234"]


def test_steps_and_faults_are_bands(shown: Shown) -> None:
    shown.open()
    marks = [
        {"run": "a", "kind": "run", "at": 1, "label": "A"},
        {"run": "a", "kind": "step", "at": 2, "label": "one", "number": 1},
        {"run": "b", "kind": "step", "at": 3, "label": "other", "number": None},
        {"run": "a", "kind": "fault", "at": 4, "label": "kill"},
        {"run": "a", "kind": "step", "at": 5, "label": "two", "number": 2},
        {"run": "a", "kind": "end", "at": 9, "label": ""},
    ]
    bands = shown(f"""
        import('/page/bands.js').then(({{bandsOf}}) => bandsOf({json.dumps(marks)})
          .map(band => [band.kind, band.label, band.start, band.end === Infinity ? null : band.end]))
    """)
    assert bands == [
        ["step", "1 one", 2, 5],
        ["step", "other", 3, None],
        ["fault", "kill", 4, 4.75],
        ["step", "2 two", 5, 9],
    ]


def test_rates_know_gaps_and_totals_that_began_anew(shown: Shown) -> None:
    shown.open()
    totals = [(0, 0), (0.5, 10), (1, 30), (1.5, 40), (2, 5), (9, 100), (9.5, 101)]
    rates = shown(f"""
        const modules = [import('/page/history.js'), import('/page/specs.js')];
        Promise.all(modules).then(([{{History}}, {{SPECS}}]) => {{
          const history = new History(SPECS);
          for (const [at, accepted] of {json.dumps(totals)}) history.add({{at: 100 + at, accepted}});
          return history.of('rates').slice(0, 2);
        }})
    """)
    assert rates[0] == [100, 100.5, 101, 101.5, 102, 102.001, 109, 109.5]
    assert rates[1] == [None, 20, 30, 30, None, None, None, 2]


def test_a_run_is_followed_to_its_verdict(shown: Shown) -> None:
    shown.player.greeting |= {"runs": [], "marks": []}
    shown.open()
    now = time.time()
    *earlier, end = page_story.marks(now)
    for mark in earlier:
        shown.player.send("mark", mark)
    shown.until("!document.getElementById('running').hidden")
    assert shown.text("#running") == "Under way: Data loss"
    shown.until("document.querySelectorAll('#steps li').length === 5")
    assert "No run has ended" in shown.text("#verdict")
    shown.player.send("mark", end)
    shown.until("document.getElementById('running').hidden")
    assert shown("document.getElementById('verdict').className") == "expected"
    assert "Exactly the 31 queued writes are lost" in shown.text("#verdict")
    row = shown("[...document.querySelector('#runs tbody tr').cells].map(cell => cell.textContent)")
    assert [row[0], *row[2:]] == ["data-loss", "30.0 s", "As expected", "140", "31"]


def test_the_page_can_only_be_looked_at(shown: Shown) -> None:
    shown.open()
    assert shown("document.getElementById('control').hidden") is True


def test_with_control_it_changes_settings_and_injects_faults(shown: Shown) -> None:
    shown.player.greeting["control"] = True
    shown.open()
    assert shown("document.getElementById('control').hidden") is False
    buttons = "[...document.querySelectorAll('#control button')]"
    press = buttons + ".find(one => one.textContent.startsWith('{}')).click()"
    shown(press.format("Suspend flushing"))
    shown.until("document.getElementById('control-said').textContent === 'Suspend flushing: done.'")
    # What can't be undone is asked for twice.
    shown(press.format("Empty Redis"))
    shown(press.format("Empty Redis: really?"))
    shown.until("document.getElementById('control-said').textContent === 'Empty Redis: done.'")
    shown("document.getElementById('set-batch_size').value = '50'")
    shown("document.getElementById('set-simulate_db_failure').checked = true")
    shown(press.format("Change"))
    shown.until("document.getElementById('control-said').textContent === 'Changed: done.'")
    assert shown.player.posted == [
        ("/live/control/faults", {"fault": "worker:suspend"}),
        ("/live/control/faults", {"fault": "redis:flushall"}),
        ("/live/control/settings", {"batch_size": 50, "simulate_db_failure": True}),
    ]


def test_names_are_not_markup(shown: Shown) -> None:
    run = page_story.ended_run(time.time()) | {"label": HOSTILE, "scenario": HOSTILE, "detail": HOSTILE}
    shown.player.greeting |= {"lab": HOSTILE, "runs": [run]}
    shown.open()
    shown.sample(trouble=HOSTILE, products=[{"id": HOSTILE, "version": 1, "state": "lost", "since": 1}])
    shown.until("document.querySelector('.token') !== null")
    shown("document.querySelector('.token').click()")
    assert shown.text("#life h3") == HOSTILE
    assert shown("document.title") == f"{HOSTILE}: write-behind lab"
    assert shown("document.querySelectorAll('img, script:not([src])').length") == 0
    assert shown("document.documentElement.scrollWidth <= document.documentElement.clientWidth") is True


#: LABCTL_TAKE_SCREENSHOTS=1 python -m pytest tests/acceptance/test_lab_page.py -k screenshots -n 0
_TAKES = bool(os.environ.get("LABCTL_TAKE_SCREENSHOTS"))
_IMAGES = Path(__file__).parents[2] / "docs" / "images"


@pytest.mark.parametrize(
    ("name", "width", "height", "scheme"),
    [
        ("page-light", 1120, 1316, "light"),
        pytest.param("page-dark", 1120, 1316, "dark", marks=pytest.mark.slow),
        pytest.param("page-phone", 390, 844, "light", marks=pytest.mark.slow),
    ],
)
def test_the_screenshots_of_the_docs_show_this_page(
    shown: Shown, name: str, width: int, height: int, scheme: str
) -> None:
    """They are as large as they say. Taking them anew is asked for: no two look alike."""
    image = _IMAGES / f"{name}.png"
    if _TAKES:
        shown.browser.look(width=width, height=height, scheme=scheme, motion=False)
        shown.player.greeting = page_story.greeting(time.time(), seconds=300)
        shown.open()
        shown.live(products=page_story.many_writes(time.time()))
        shown.until("document.querySelectorAll('.token').length > 10")
        shown.until(f"{_LINED} >= {2 if width > 600 else 0}")
        image.write_bytes(shown.browser.screenshot(whole=False))
    content = image.read_bytes()
    assert struct.unpack(">II", content[16:24]) == (width, height)
    assert len(content) < 250_000
