"""A waterfall on screens of several widths."""

import pytest
from rich.cells import cell_len

from labctl.render.text.marks import ASCII, UNICODE
from labctl.render.text.waterfall import draw_waterfall
from scenarios.life.waterfall import waterfall
from tests.unit.scenarios.life.spans import FLUSHED, REQUEST, TRACE

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
