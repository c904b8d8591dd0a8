"""Tables that fit the screen."""

import pytest
from rich.cells import cell_len

from labctl.render.text.printable import printable
from labctl.render.text.table import lay_out
from labctl.render.text.wrap import wrap

_USAGE = ("service", "CPU %", "memory", "received", "sent", "disk read", "written", "threads")


def test_wide_characters_keep_columns_straight() -> None:
    rows = (("日本語の商品", "1"), ("e\u0301te\u0301", "22"), ("🎉 party", "333"), ("plain", "4444"))
    lines = lay_out(("name", "quantity"), rows)
    assert {cell_len(line) for line in lines} == {cell_len(lines[0])}


def test_wide_text_is_broken_by_columns_and_not_by_characters() -> None:
    assert all(cell_len(line) <= 20 for line in wrap("商品 の " * 20, 20))
    lines = lay_out(("name", "about"), [("a", "日本語 の 商品 です " * 5)], 30)
    assert all(cell_len(line) <= 30 for line in lines)


@pytest.mark.parametrize("width", [77, 80])
def test_the_widest_table_of_figures_fits_a_terminal(width: int) -> None:
    row = ("prometheus", "1,234.5", *["999.9 MB"] * 5, "1,234")
    lines = lay_out(_USAGE, [row], width)
    assert max(map(len, lines)) <= width
    assert all(cell in "".join(lines) for cell in row)


def test_no_column_is_broken_within_a_word_and_none_gets_wider() -> None:
    lines = lay_out(("a", "what it is"), [("id-1", "some words of no great length")], 24)
    assert lines == ["a     what it is", "id-1  some words of no", "      great length"]
    assert max(map(len, lay_out(("a", "b"), [("x" * 12, "y" * 12)], 20))) <= 26


def test_a_screen_that_is_too_narrow_loses_no_word() -> None:
    columns = ("service", "state", "pid", "port", "up for", "")
    detail = "some detail that is long enough to be broken"
    lines = lay_out(columns, [("api", "healthy", "123", "8000", "3 min", detail)], 30)
    assert set(detail.split()) <= {word for line in lines for word in line.split()}


@pytest.mark.parametrize(
    "mark", [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x200F, 0xFEFF, 0x2028]
)
def test_marks_that_have_no_look_are_shown_as_escapes(mark: int) -> None:
    assert printable(f"a{chr(mark)}b") == f"a\\u{mark:04x}b"
    assert cell_len(lay_out(("x",), [(chr(mark),)])[1]) == 6


def test_what_people_write_stays_as_it_is() -> None:
    assert printable("Müller, 日本語, العربية, 🎉") == "Müller, 日本語, العربية, 🎉"
    assert printable("a\x1b[2Jb\nc\x9b") == "a?[2Jb?c?"


def test_the_list_of_runs_fits_a_terminal_whatever_was_typed() -> None:
    columns = (
        "run (UTC)",
        "command",
        "runtime",
        "policy",
        "window",
        "writes/s",
        "p99, ms",
        "lost",
        "verdict",
    )
    command = "experiment --set COALESCING_WINDOW_MS=500,50 --policy write_behind,write_through --trials 5"
    rows = [
        (
            "0131T180000",
            command,
            "docker",
            "both",
            "500 ms",
            "4,431.2",
            "104.5",
            "-",
            "none, inconclusive",
        ),
        ("0131T180000", "demo data-loss", "local", "behind", "500 ms", "-", "-", "5", "invalid, unexpected"),
    ]
    lines = lay_out(columns, rows, 76)
    # Beside an indent of three, on a screen of 80.
    assert max(map(len, lines)) <= 77
    # Only words that no narrow column holds are broken.
    assert all(any(word in line for line in lines) for word in ("0131T180000", "inconclusive", "unexpected"))
