"""A waterfall on screens of several widths."""

import pytest
from rich.cells import cell_len

from labctl.render.text.marks import ASCII, UNICODE
from labctl.render.text.waterfall import draw_waterfall
from scenarios.life.waterfall import waterfall
from tests.unit.scenarios.life.spans import FLUSHED, REQUEST, TRACE, WRITE, event, span

SHOWN = waterfall(TRACE, REQUEST, FLUSHED)


def test_on_a_usual_screen() -> None:
    assert draw_waterfall(SHOWN, 80, UNICODE) == [
        "                              at       took",
        "labctl: POST /products      0 ms    2.40 ms ███████",
        "  api: POST /products    0.40 ms    1.80 ms  █████",
        "    EVALSHA write        0.90 ms    0.40 ms   ██",
        "waits in the queue       1.30 ms     502 ms    ░░░░//░░░░░",
        "worker: rq.job flush    -90.0 ms     690 ms ███████//███████████████████████████",
        "  flush                   502 ms    9.00 ms           ██████████████████████████",
        "    claim                 502 ms    1.00 ms           ████",
        "    upsert products       503 ms    5.00 ms              ███████████████",
        "    ack                   508 ms    3.00 ms                            █████████",
        "",
        "To scale, but for 500 ms that are left out at //.",
    ]


@pytest.mark.parametrize("width", [60, 52, 44, 30, 24])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    lines = draw_waterfall(SHOWN, width, UNICODE)
    chart = lines[: len(SHOWN.rows) + 1]
    assert max(map(cell_len, chart)) <= width
    assert any("█" in line for line in lines) == (width >= 52)
    assert ("left out" in lines[-1]) == (width >= 52)


def test_without_a_screen_as_on_a_usual_one() -> None:
    assert draw_waterfall(SHOWN, None, UNICODE) == draw_waterfall(SHOWN, 80, UNICODE)


def test_a_stream_that_only_takes_ascii() -> None:
    assert "\n".join(draw_waterfall(SHOWN, 80, ASCII)).isascii()


def test_a_version_that_is_too_long_keeps_the_digits_that_differ() -> None:
    version = 1_795_688_178_661_398
    write = {**WRITE, "lab.superseded.version": version}
    shown = waterfall(TRACE, [span("POST /products", 1, None, (0, 9), "write-behind-api", "server",
        attributes=WRITE, events=[event("superseded", 1, **write)])], [])  # fmt: skip
    for width, told in (
        (60, "replaces 1795688178661398"),
        (38, "  replaces…661398"),
        (40, "  replaces …8661398"),
    ):
        assert any(told in line for line in draw_waterfall(shown, width, UNICODE))
    assert any("~661398" in line for line in draw_waterfall(shown, 38, ASCII))
