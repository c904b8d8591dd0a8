"""What the lab's own page can change, where it may; played to by a server."""

import pytest

from tests import page_story
from tests.acceptance.shown import Shown

pytestmark = pytest.mark.xdist_group("browser")

_SUSPENDED = page_story.worker("suspended", "`rq suspend` was called; `rq resume` lets it go on")
_TROUBLE = f"flushing suspended for 3 s: {_SUSPENDED['reason']}"
_LABELS = "[...document.querySelectorAll('#control-faults button')].map(one => one.textContent)"


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
    # What can't be undone is asked for twice, and not by a double click.
    shown(press.format("Empty Redis"))
    double = buttons + ".find(one => one.textContent.startsWith('Empty Redis')).dispatchEvent({})"
    shown(double.format("new MouseEvent('click', {detail: 2})"))
    shown(press.format("Empty Redis: really?"))
    shown.until("document.getElementById('control-said').textContent === 'Empty Redis: done.'")
    # Who types is not disturbed by what others change, and does not undo it.
    shown("document.getElementById('set-batch_size').focus()")
    changed = shown.player.greeting["settings"] | {"coalescing_window_ms": 900}
    shown.player.send("settings", changed)
    shown.until("document.getElementById('settings').textContent.includes('COALESCING_WINDOW_MS900')")
    assert shown("document.getElementById('set-write_policy').selectedOptions[0].value") == "write_behind"
    shown("document.getElementById('set-overflow_policy').value = 'write_through'")
    shown("document.getElementById('set-batch_size').value = '50'")
    shown("document.getElementById('set-simulate_db_failure').checked = true")
    shown(press.format("Change"))
    shown.until("document.getElementById('control-said').textContent === 'Changed.'")
    assert shown.player.posted == [
        ("/live/control/faults", {"fault": "worker:suspend"}),
        ("/live/control/faults", {"fault": "redis:flushall"}),
        (
            "/live/control/settings",
            {"overflow_policy": "write_through", "batch_size": 50, "simulate_db_failure": True},
        ),
    ]


def test_buttons_say_what_they_would_do_now(shown: Shown) -> None:
    shown.player.greeting["control"] = True
    shown.open()
    assert shown(_LABELS) == ["Empty Redis", "Suspend flushing", "Let rows fail (30 %)", "Flush now"]
    shown.sample(workers=[_SUSPENDED], trouble=_TROUBLE)
    shown.player.send("settings", shown.player.greeting["settings"] | {"simulate_db_failure": True})
    shown.until(f"{_LABELS}.join() === 'Empty Redis,Resume flushing,Mend rows,Flush now'")
    told = "`rq suspend` was called; the button Resume flushing lets it go on".replace("`", "")
    assert shown.text("#trouble") == f"flushing suspended for 3 s: {told}"
    assert told in shown.text("#workers")
    shown("document.querySelectorAll('#control-faults button')[1].click()")
    shown.until("document.getElementById('control-said').textContent === 'Resume flushing: done.'")
    shown("document.querySelectorAll('#control-faults button')[2].click()")
    shown.until("document.getElementById('control-said').textContent === 'Mend rows: done.'")
    assert [body["fault"] for _, body in shown.player.posted] == ["worker:resume", "rows:mend"]


def test_without_buttons_a_terminal_is_named(shown: Shown) -> None:
    shown.open()
    shown.sample(workers=[_SUSPENDED], trouble=_TROUBLE)
    shown.until("!document.getElementById('trouble').hidden")
    assert shown.text("#trouble") == _TROUBLE.replace("`", "")


def test_without_a_worker_the_button_knows_what_it_has_done(shown: Shown) -> None:
    shown.player.greeting["control"] = True
    shown.open()
    shown.sample(workers=[])
    shown.until("document.getElementById('workers').textContent === 'none is running'")
    shown("document.querySelectorAll('#control-faults button')[1].click()")
    shown.until(f"{_LABELS}[1] === 'Resume flushing'")
