"""The page of a run in a real browser: it draws itself, asks nobody, keeps out what others wrote, and can be
used by everybody."""

import json
from pathlib import Path

import pytest

from labctl.reports.page import html
from tests.browser import VIOLATIONS, Browser
from tests.unit.labctl.reports.stories import fault, report_of

pytestmark = pytest.mark.xdist_group("browser")

_CHARTS = 5
_INKED = """
    [...document.querySelectorAll('.chart canvas')].map(canvas => {
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, index) => index % 4 === 3 && value > 0);
    })
"""
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with a fault, and with lost writes that fill several pages of the list."""
    folder = tmp_path_factory.mktemp("page")
    return _written(folder, lost=120)


def _written(folder: Path, *names: str, lost: int = 2, title: str = "Data loss") -> Path:
    page = folder / "report.html"
    page.write_text(html(report_of(folder, *names, lost=lost, title=title, lines=[fault()])), "utf-8")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360])
def test_it_draws_itself_and_asks_nobody(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.look(width=width, scheme=scheme)
    browser.open(page)
    assert browser.evaluate(_INKED) == [True] * _CHARTS
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []
    # Nothing sticks out to the side.
    assert browser.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1100, "light"),
        pytest.param(1100, "dark", marks=pytest.mark.slow),
        pytest.param(360, "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_to_complain_about(
    browser: Browser, page: Path, axe_core: str, width: int, scheme: str
) -> None:
    browser.look(width=width, scheme=scheme)
    browser.open(page)
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    browser.evaluate(f"{axe_core};0")
    assert json.loads(browser.evaluate(VIOLATIONS)) == []


def test_names_are_not_markup(browser: Browser, tmp_path: Path) -> None:
    browser.look(width=1100)
    browser.open(_written(tmp_path, HOSTILE, title=HOSTILE))
    assert browser.evaluate("document.title") == f"{HOSTILE}: NOT AS EXPECTED"
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    assert browser.evaluate("document.querySelector('#lost tbody td:nth-child(2)').textContent") == HOSTILE
    assert browser.complaints == []


def test_a_long_name_does_not_push_the_page_apart(browser: Browser, tmp_path: Path) -> None:
    browser.look(width=360)
    browser.open(_written(tmp_path, "x" * 255, title="y" * 255))
    assert browser.evaluate("document.documentElement.scrollWidth") == 360


def test_the_policy_keeps_out_any_other_script(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.evaluate("""
        const other = document.createElement('script');
        other.textContent = "document.title = 'owned'";
        document.body.append(other);
    """)
    assert browser.evaluate("document.title") == "Data loss: NOT AS EXPECTED"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)


def test_lost_writes_are_found(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.evaluate("document.getElementById('lost-said').textContent") == "1 to 50 of 120"
    browser.evaluate("document.getElementById('lost-forth').click()")
    assert browser.evaluate("document.getElementById('lost-said').textContent") == "51 to 100 of 120"
    browser.evaluate("""
        const search = document.getElementById('lost-search');
        search.value = 'willbelost-11 crash';
        search.dispatchEvent(new Event('input'));
    """)
    found = browser.evaluate(
        "[...document.querySelectorAll('#lost tbody tr')].map(row => row.cells[1].textContent)"
    )
    assert found == [f"WillBeLost-{number}" for number in (11, *range(110, 120))]


def test_a_chart_can_be_read_with_the_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.evaluate("document.getElementById('chart-queue').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        browser.call("Input.dispatchKeyEvent", {"type": "keyDown", "key": key})
        browser.call("Input.dispatchKeyEvent", {"type": "keyUp", "key": key})
    said = browser.evaluate("document.getElementById('chart-queue-said').textContent")
    assert said == "0.50 s: waiting 2 products"


def test_it_is_printed_on_white_from_a_dark_screen(browser: Browser, page: Path) -> None:
    browser.look(width=1100, scheme="dark")
    browser.open(page)
    browser.evaluate("""
        addEventListener('beforeprint', () => {
          window.paper = getComputedStyle(document.documentElement).backgroundColor;
          window.chart = document.querySelector('.uplot').clientWidth;
        });
    """)
    assert browser.pdf().startswith(b"%PDF-")
    assert browser.evaluate("[window.paper, window.chart]") == ["rgb(255, 255, 255)", 670]
    assert browser.evaluate("document.documentElement.className") == ""


def test_without_a_script_the_losses_are_there(browser: Browser, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(page)
        assert browser.evaluate("document.querySelectorAll('#lost tbody tr').length") == 50
        assert "takes JavaScript" in browser.evaluate("document.querySelector('noscript').textContent")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", {"value": False})
