"""What the lab's own page tells of losses, and of what Redis forgets; played to by a server."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.shown import Shown

pytestmark = pytest.mark.xdist_group("browser")

#: Notes what is written on charts.
_NOTE = """
    window.drawn = [];
    const fill = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
      drawn.push(String(text));
      fill.call(this, text, ...where);
    };
"""
_TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"


@pytest.fixture
def noted(shown: Shown) -> Iterator[Shown]:
    """The page, which notes what is written on charts."""
    script = shown.browser.call("Page.addScriptToEvaluateOnNewDocument", {"source": _NOTE})
    yield shown
    shown.browser.call("Page.removeScriptToEvaluateOnNewDocument", script)


def _count(place: str) -> str:
    groups = "[...document.querySelectorAll('#way g')]"
    return f"{groups}.find(one => one.textContent.startsWith('{place}')).querySelector('.count').textContent"


def _run(name: str, at: float, lost: int | None) -> list[dict[str, Any]]:
    common = {"run": name, "scenario": "data-loss", "label": "Data loss"}
    begun = {**common, "kind": "run", "at": at}
    return (
        [begun]
        if lost is None
        else [begun, {**common, "kind": "end", "at": at + 1, "figures": {"lost": lost}}]
    )


def _told(shown: Shown, marks: list[dict[str, Any]]) -> None:
    for mark in marks:
        shown.player.send("mark", mark)


def test_a_loss_is_told_until_the_next_run_begins(shown: Shown) -> None:
    shown.player.greeting |= {"runs": [], "marks": []}
    shown.open()
    shown.live(exposed={"writes": 0, "products": 0, "seconds": 0})
    assert shown("document.getElementById('losses').hidden") is True
    now = time.time()
    _told(shown, _run("a", now, 5))
    shown.until("!document.getElementById('losses').hidden")
    at = shown(f"import('/page/words.js').then(words => words.clock({now + 1}))")
    assert shown.text("#losses") == f"5 acknowledged writes were lost in data-loss, at {at}."
    _told(shown, _run("b", now + 2, None))
    shown.until("document.getElementById('losses').hidden")
    _told(shown, _run("c", now + 3, 1))
    shown.until("document.getElementById('losses').textContent.startsWith('1 acknowledged write was lost')")
    _told(shown, _run("d", now + 5, 0))
    shown.until("document.getElementById('losses').hidden")


def test_what_was_persisted_is_not_forgotten_with_redis(shown: Shown) -> None:
    shown.open()
    note = "[...document.querySelectorAll('#way .note')].at(-1).textContent"
    before = shown(note), shown(_count("Coalesced"))
    assert before[0].endswith("K persisted")
    # Redis begins anew.
    shown.sample(queue=3, persisted=0, coalesced=0)
    shown.until(f"{_count('queue')} === '3'")
    assert (shown(note), shown(_count("Coalesced"))) == before
    shown.sample(redis=False, persisted=None, coalesced=None)
    shown.until(f"{note} === ''")


def test_totals_go_on_where_redis_began_anew(shown: Shown) -> None:
    shown.open()
    before = [(1, 500), (2, 520)]
    # Its history is told again after a break, and its clock may be set back.
    after = [(3, None), (4, 0), (5, 7), (2, 5)]
    sums = shown(f"""
        import('/page/totals.js').then(({{Totals}}) => {{
          const totals = new Totals();
          const sample = ([at, persisted]) => ({{at, persisted, coalesced: null}});
          totals.begin({json.dumps(before)}.map(sample));
          totals.begin({json.dumps(before)}.map(sample));
          return [totals.all.persisted, ...{json.dumps(after)}.map(told => {{
            totals.add(sample(told));
            return totals.all.persisted;
          }})];
        }})
    """)
    assert sums == [520, 520, 520, 527, 532]


def test_losses_that_were_seen_stay_counted(shown: Shown) -> None:
    shown.player.greeting |= {"runs": [], "marks": []}
    shown.open()
    lost = [{"id": f"product-{n}", "version": n, "state": "lost", "since": 1} for n in range(3)]
    shown.sample(products=lost)
    shown.until(f"{_count('Lost')} === '3'")
    shown.sample(products=lost[2:])
    shown.until("document.querySelectorAll('.token').length === 1")
    assert shown(_count("Lost")) == "3"
    # A verdict counts those as well that were never followed.
    _told(shown, _run("a", time.time(), 40))
    shown.until(f"{_count('Lost')} === '40'")


def test_the_chosen_write_is_the_first_of_its_products_life(shown: Shown) -> None:
    shown.open()
    writes = [
        {"version": version, "received_at_us": received, "outcome": "persisted"}
        for version, received in ((10, 50), (30, 20), (20, 40), (None, 25))
    ]
    order = f"""
        import('/page/life.js').then(({{inOrder}}) => [10, 99].map(chosen =>
          inOrder({json.dumps(writes)}, chosen).map(write => write.version)))
    """
    assert shown(order) == [[10, 30, None, 20], [30, None, 20, 10]]


def test_no_time_is_shown_before_there_is_one(noted: Shown) -> None:
    noted.player.greeting["history"] = []
    noted.browser.look(width=1100, height=5_000)
    noted.browser.open(f"{noted.player.url}/")
    noted.until("document.querySelectorAll('.chart canvas').length === 6")
    noted(_TWO_FRAMES)
    epoch = """
        import('/page/words.js').then(({clock}) => drawn.filter(text => text <= clock(1) && text >= clock(0)))
    """
    assert noted(epoch) == []
    noted.live()
    noted.until("drawn.some(text => /^\\d\\d:\\d\\d:\\d\\d$/.test(text))")


def test_faults_that_follow_each_other_quickly_are_all_named(noted: Shown) -> None:
    noted.player.greeting |= {"runs": [], "marks": []}
    noted.browser.look(width=1100, height=5_000)
    noted.open()
    now = time.time()
    names = ["worker:stop", "redis:flushall", "worker:start"]
    for after, label in enumerate(names):
        mark = {
            "run": "a",
            "scenario": "data-loss",
            "kind": "fault",
            "at": now - 2 + after / 10,
            "label": label,
        }
        noted.player.send("mark", mark)
    noted.sample()
    for label in names:
        noted.until(f"drawn.some(text => text === '▼ {label}' || text === '{label} ▼')")


def test_labels_of_faults_do_not_cover_each_other(shown: Shown) -> None:
    shown.open()
    labels = [{"at": at, "width": 80} for at in (0, 5, 10, 200, 290, 295)]
    places = shown(f"import('/page/bands.js').then(bands => bands.staggered({json.dumps(labels)}, 300))")
    assert [(each["row"], each["from"], each["before"]) for each in places] == [
        (0, 0, False),
        (1, 5, False),
        (2, 10, False),
        (0, 200, False),
        (1, 210, True),
        (2, 215, True),
    ]
