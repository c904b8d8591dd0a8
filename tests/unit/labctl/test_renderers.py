"""One scripted run, shown by the renderers for people."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from labctl.render.plain import PlainRenderer
from labctl.render.renderer import Renderer
from labctl.render.rich import RichRenderer
from labctl.render.text.sentences import remarks
from labctl.render.text.wrap import wrap
from scenarios.events import (
    Checked,
    Event,
    FaultInjected,
    LoadSampled,
    TableShown,
    VerdictReached,
)
from scenarios.judge.checks.crashes import Crash
from scenarios.judge.checks.result import Result, Validity
from scenarios.judge.final_read import Findings
from stack.spec.events import Advanced
from tests.unit.labctl.scripted import DATA_LOSS, KILLED, SAMPLE, VERDICT
from tests.unit.scenarios.histories import acknowledged, deleted, judged, row, value


class _Screen(io.StringIO):
    """A stream that can write every character."""

    encoding = "utf-8"


def _shown(renderer: Renderer, events: tuple[Event, ...]) -> None:
    for event in events:
        renderer.on(event)
    renderer.close()


def _plain(events: tuple[Event, ...], *, quiet: bool = False) -> tuple[str, str]:
    results, narration = _Screen(), _Screen()
    _shown(PlainRenderer(results, narration, quiet=quiet), events)
    return results.getvalue(), narration.getvalue()


def _rich(events: tuple[Event, ...], *, width: int = 80, height: int = 24, terminal: bool = True) -> str:
    screen = _Screen()
    console = Console(
        file=screen, width=width, height=height, force_terminal=terminal, no_color=True, legacy_windows=False
    )
    _shown(RichRenderer(console), events)
    return screen.getvalue()


def test_plain_tells_of_long_work_now_and_then() -> None:
    narration, now = _Screen(), iter([0.0, 5.0, 11.0, 12.0, 13.0])
    renderer = PlainRenderer(_Screen(), narration, clock=lambda: next(now))
    for done in (1, 5, 11, 12, 20):
        renderer.on(Advanced("MB pulled", done, 20))
    assert narration.getvalue().splitlines() == ["  MB pulled: 11 of 20", "  MB pulled: 20 of 20"]


def test_a_command_in_a_sentence_is_not_broken() -> None:
    assert wrap("take it down with `labctl down --name second`, or not", 30) == [
        "take it down with",
        "`labctl down --name second`,",
        "or not",
    ]
    assert wrap("`a command that is longer than a line`", 20) == ["`a command that is", "longer than a line`"]


def test_plain_puts_results_and_narration_apart() -> None:
    results, narration = _plain(DATA_LOSS)
    assert results.splitlines() == [
        "queue size: 5 writes",
        "The five products",
        "  product  fate",
        "  p-1      lost",
        "  p-2      lost",
        "check ✓ passed: exactly the queued writes are lost (measured 5, as predicted)",
        "check ✗ FAILED: none of the saved ones is lost (expected 0, measured 1)",
        "verdict: VALID measurement - every acknowledged write is accounted for",
        "  15 acknowledged = 9 persisted + 1 superseded + 0 dead-lettered + 0 pending + 5 LOST",
        "  5 acknowledged writes lost; 5 products lost their last value.",
        "  1 write refused: not acknowledged, so nothing was promised.",
        "  2 writes without an answer; 1 of them found saved.",
        "  Products that lost their last value: WillBeLost-1, p-2, p-3, p-4, p-5",
        "data-loss: NOT AS EXPECTED. One saved product is gone, too. (3.2 s)",
    ]
    assert narration.splitlines()[1:6] == [
        "step 1/2: Take five more, with the worker stopped",
        "  $ curl -s -X POST http://127.0.0.1:8000/products -H 'Content-Type: application/json' "
        '-d \'{"name": "WillBeLost-1", "price": 99.99, "quantity": 1}\'',
        "  $ psql -U labuser -d labdb -c \"SELECT id, name FROM products WHERE name LIKE 'WillBeLost-%';\"",
        "worker: stopping",
        "worker: stopped",
    ]


def test_a_product_that_was_deleted_last_keeps_its_name() -> None:
    writes = [acknowledged("p-1", 7, value("Mug")), deleted("p-1", 8), deleted("p-2", 9)]
    verdict = judged(writes, Findings(rows={"p-1": row(7, value("Mug")), "p-2": row(1)}, since=1))
    assert remarks(verdict)[-1] == "Products that lost their last value: Mug, p-2"


def test_quiet_leaves_the_verdict_and_what_failed() -> None:
    results, narration = _plain(DATA_LOSS, quiet=True)
    assert narration == ""
    assert "queue size" not in results
    assert "passed" not in results
    assert "check ✗ FAILED: none of the saved ones is lost" in results
    assert results.endswith("data-loss: NOT AS EXPECTED. One saved product is gone, too. (3.2 s)\n")


def test_plain_writes_a_running_load_every_two_seconds_only() -> None:
    samples = tuple(replace(SAMPLE, elapsed=number / 4) for number in range(20))
    _, narration = _plain(samples)
    assert [line.split()[0] for line in narration.splitlines()] == ["0", "2", "4"]


@pytest.mark.parametrize("width", [72, 80, 120])
def test_no_line_of_the_transcript_is_wider_than_the_screen(width: int) -> None:
    text = _rich(DATA_LOSS, width=width, terminal=False)
    for line in text.splitlines():
        # An option is never separated from its argument.
        assert len(line) <= width or line.endswith("\\")


def test_the_transcript_says_in_words_what_colour_says() -> None:
    text = _rich(DATA_LOSS, terminal=False)
    for words in ("✓ passed", "✗ FAILED", "VALID", "LOST", "✗ NOT AS EXPECTED", "→ Nothing but Redis"):
        assert words in text


def test_markup_in_data_is_data() -> None:
    text = _rich((Checked("a [bold]name[/bold] :smile:", "[red]", "[red]", True),), terminal=False)
    assert "a [bold]name[/bold] :smile:" in text


def test_a_stream_without_unicode_gets_ascii_marks() -> None:
    results = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    renderer = PlainRenderer(results, results)
    renderer.on(Checked("claim", "1", "1", True))
    results.seek(0)
    assert results.read() == "check + passed: claim (measured 1, as predicted)\n"


@pytest.mark.parametrize("height", [3, 8, 12, 14, 24, 60])
def test_the_load_panel_never_fills_the_screen(height: int) -> None:
    """A frame as tall as the screen would scroll, and leave parts of itself in the transcript."""
    text = _rich((SAMPLE,), height=height)
    first_frame = text.split("\x1b[2K")[0]
    assert 2 <= first_frame.count("\n") + 1 < max(height, 3)
    assert "1,234" in first_frame


def test_a_live_display_gives_the_cursor_back() -> None:
    text = _rich((SAMPLE,))
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


@pytest.mark.parametrize("validity", ["valid", "unknown", "invalid"])
def test_every_validity_gives_its_reasons(validity: Validity) -> None:
    checks = {"regressed": Result(validity="invalid", evidence=("p-7",))}
    verdict = replace(VERDICT, validity=validity, reasons=("because of this",), checks=checks)
    event = VerdictReached(verdict)
    for text in (_rich((event,), terminal=False), _plain((event,))[0]):
        assert validity.upper() in text
        assert "because of this" in text
        assert "Products that went back to an older value: p-7" in text


def test_what_a_crash_took_is_told_whatever_came_later() -> None:
    crash = Crash(exposed=12, products=3, overwritten_later=9, undetermined=2, old_epoch=1, new_epoch=2)
    event = VerdictReached(replace(VERDICT, crashes=(crash, replace(crash, exposed=0, undetermined=0))))
    for text in (_rich((event,), terminal=False), _plain((event,))[0]):
        told = " ".join(text.split())
        assert "Exposed at the crash 1: 12 acknowledged writes of 3 products" in told
        assert "; 9 of them were overwritten later; whether 2 more were in PostgreSQL" in told
        assert "Exposed at the crash 2: 0 acknowledged writes" in told


def test_what_could_not_be_established_is_neither_passed_nor_failed() -> None:
    check = Checked("nothing is lost", "0 lost", "0 lost, and 3 undetermined", None)
    verdict = replace(VERDICT, fates={**VERDICT.fates, "lost": 0, "undetermined": 3})
    for text in (
        _rich((check, VerdictReached(verdict)), terminal=False),
        _plain((check, VerdictReached(verdict)))[0],
    ):
        assert "? UNKNOWN" in text
        assert "passed" not in text
        assert "Whether 3 acknowledged writes got lost is unknown." in text
        assert "undetermined" in text


def test_impossible_samples_do_not_break_the_panel() -> None:
    """The first sample comes before anything was measured."""
    empty = LoadSampled(
        elapsed=0.0,
        duration=0.0,
        phase="",
        requests=0,
        requests_per_second=0.0,
        errors=0,
        p50_ms=float("nan"),
        p95_ms=0.0,
        p99_ms=0.0,
        queue_size=0,
        coalesced=0,
        flush_rate=0.0,
    )
    assert "nan" in _rich((empty,), height=24)


def test_data_does_not_steer_the_terminal() -> None:
    """A product may have any name."""
    name = "\x1b]0;owned\x07\x1b[2J\nlast"
    event = TableShown("t", "", ("name",), ((name,), ("b",)))
    for text in (_rich((event,), terminal=False), _plain((event,))[0]):
        assert "\x1b" not in text
        assert "?]0;owned??[2J?last" in text


def test_two_things_of_different_kinds_have_one_line_of_air_between_them() -> None:
    text = _rich(DATA_LOSS, terminal=False)
    assert "\n\n\n" not in text


def test_products_are_named_as_people_count() -> None:
    names = ("item-10", "item-9", "2", "item-1", "item")
    verdict = replace(VERDICT, judged=(), lost_products=names)
    assert "last value: 2, item, item-1, item-9, item-10\n" in _plain((VerdictReached(verdict),))[0]


def test_a_valid_measurement_of_a_loss_is_not_green() -> None:
    green = "\x1b[1;32m   VALID"
    for lost, calm in ((5, True), (0, False)):
        screen = _Screen()
        console = Console(file=screen, width=80, force_terminal=True, color_system="standard")
        verdict = replace(VERDICT, fates={**VERDICT.fates, "lost": lost})
        RichRenderer(console).on(VerdictReached(verdict))
        assert (green in screen.getvalue()) is not calm


_MISSED = FaultInjected("redis:flushall", 1.0, (), bit=False, why="Redis still has its memory")


def test_a_fault_is_shown_with_its_receipt() -> None:
    results, _ = _plain((KILLED, _MISSED))
    assert results.splitlines() == [
        "fault redis:kill@5s ✓ took effect (process: pid 12 before, gone after; "
        "entries in Redis alone: 212, as before)",
        "fault redis:flushall ✗ DID NOT TAKE EFFECT (Redis still has its memory)",
    ]
    assert _plain((KILLED, _MISSED), quiet=True)[0].startswith("fault redis:flushall ✗")
    shown = _rich((KILLED, _MISSED), terminal=False)
    assert "✓ redis:kill@5s  took effect\n      process: pid 12 before, gone after\n" in shown
    assert "✗ redis:flushall  DID NOT TAKE EFFECT\n      Redis still has its memory\n" in shown
