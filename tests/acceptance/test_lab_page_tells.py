"""What the lab's own page tells, and what it does not know; played to by a server."""

import time

import pytest

from tests import page_story
from tests.acceptance.shown import Shown

pytestmark = pytest.mark.xdist_group("browser")


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
    assert shown("document.getElementById('settings').childElementCount") == 0
    known = "#workers, #way .count, .legend b"
    others = f"[...document.querySelectorAll('{known}')].filter(one => !'\\u2013'.includes(one.textContent))"
    shown.until(f"{others}.length === 0")
    # It comes back by itself, and tells everything anew.
    shown.player.greeting = page_story.greeting(time.time(), seconds=30) | {"lab": "another"}
    shown.player.refuses = False
    shown.until("document.getElementById('lab').textContent === 'another'")
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


def test_the_keyboard_stays_among_the_writes_when_one_leaves(shown: Shown) -> None:
    shown.open()
    first, second = ({"id": f"product-{n}", "version": n, "state": "queued", "since": n} for n in (1, 2))
    shown.sample(products=[first, second])
    shown.until("document.querySelectorAll('.token').length === 2")
    shown("document.querySelector('.token').focus()")
    assert shown("document.activeElement.getAttribute('aria-label')") == "product-1, queued"
    shown.sample(products=[second])
    shown.until("document.querySelectorAll('.token').length === 1")
    assert shown("document.activeElement.getAttribute('aria-label')") == "product-2, queued"


def test_a_life_that_is_not_known_is_said_to_be_so(shown: Shown) -> None:
    shown.open()
    shown.write("product-1", "persisted")
    shown("document.querySelector('.token').click()")
    shown.until("document.getElementById('life').textContent.includes('The lab knows nothing of it')")
    shown.player.documents["/products/product-2/life"] = {"product_id": "product-2", "writes": [], "now": {}}
    shown.write("product-2", "coalesced")
    shown("document.querySelector('.token').click()")
    shown.until("document.getElementById('life').textContent.includes('None of its writes was traced')")


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


def test_a_run_that_takes_long_is_under_way_as_long_as_it_tells_of_itself(shown: Shown) -> None:
    now = time.time()
    begun = {"scenario": "load", "started_at": now - 3_600, "ended_at": None}
    told = {"run": "long", "scenario": "load", "kind": "step", "at": now - 60, "label": "Go on", "detail": ""}
    runs = [{"run": "long", **begun}, {"run": "gone", **begun}]
    shown.player.greeting |= {"runs": runs, "marks": [told]}
    shown.open()
    # What it took, and its outcome.
    cells = "row => [...row.cells].slice(2, 4).map(cell => cell.textContent)"
    rows = shown(f"[...document.querySelectorAll('#runs tbody tr')].map({cells})")
    assert rows == [["\N{EN DASH}", "under way"], ["\N{EN DASH}", "no end was told"]]
