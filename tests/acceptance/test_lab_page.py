"""How the lab's own page looks, and who can use it; played to by a server that says what a lab might say."""

import json
import os
import struct
import time
from pathlib import Path

import pytest

from tests import page_story
from tests.acceptance.shown import Shown
from tests.browser import VIOLATIONS

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


def test_nothing_moves_where_the_system_asks_for_that(shown: Shown) -> None:
    shown.browser.look(width=1100, motion=False)
    shown.open()
    shown.write("product-1", "queued")
    shown.write("product-1", "persisted")
    assert shown("document.getAnimations().length") == 0


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


def test_charts_begin_anew_when_the_clock_of_the_lab_was_set_back(shown: Shown) -> None:
    shown.open()
    times = shown("""
        const modules = [import('/page/history.js'), import('/page/specs.js')];
        Promise.all(modules).then(([{History}, {SPECS}]) => {
          const history = new History(SPECS);
          for (const at of [1000, 1000.5, 1000.3, 400, 400.5]) history.add({at, accepted: 1});
          return history.of('rates')[0];
        })
    """)
    assert times == [400, 400.5]


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
