"""Expectations are read as people mean them, or refused with what would be right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.figures.expect import parse_expectation, readable
from scenarios.figures.names import FIGURES
from stack.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name", "comparison", "limit", "typed"),
    [
        ("p99<20ms", "p99", "<", 20, "20 ms"),
        (" p99 <= 1.5 s ", "p99", "<=", 1500, "1.5 s"),
        ("read_p50<800us", "read_p50", "<", 0.8, "800 us"),
        ("p50>800µs", "p50", ">", 0.8, "800 µs"),
        ("persist_lag_max<1min", "persist_lag_max", "<", 60_000, "1 min"),
        ("lost==0", "lost", "==", 0, "0 writes"),
        ("acknowledged>=10k", "acknowledged", ">=", 10_000, "10k writes"),
        ("throughput>=1.5k", "throughput", ">=", 1500, "1.5k requests/s"),
        ("writes_per_second>=500/s", "writes_per_second", ">=", 500, "500 writes/s"),
        ("writes_per_second!=2k/s", "writes_per_second", "!=", 2000, "2k writes/s"),
    ],
)
def test_an_expectation_is_read(text: str, name: str, comparison: str, limit: float, typed: str) -> None:
    read = parse_expectation(text)
    assert (read.name, read.comparison, read.typed) == (name, comparison, typed)
    assert read.limit == pytest.approx(limit)
    assert not read.share


def test_a_share_is_of_what_the_figure_counts() -> None:
    read = parse_expectation("errors<0.5%")
    assert (read.share, read.limit, read.typed) == (True, 0.5, "0.5 % of requests")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_expected(name: str) -> None:
    unit = "ms" if FIGURES[name].kind == "time" else ""
    assert parse_expectation(f"{name}<7{unit}").holds(6.9)


@pytest.mark.parametrize(
    ("comparison", "holding"),
    [("<", {6}), ("<=", {6, 7}), (">", {8}), (">=", {7, 8}), ("==", {7}), ("!=", {6, 8})],
)
def test_comparisons_mean_what_they_say(comparison: str, holding: set[int]) -> None:
    read = parse_expectation(f"lost{comparison}7")
    assert {value for value in (6, 7, 8) if read.holds(value)} == holding


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("p99<20MB", "'MB' is not a unit of p99", "us, ms, s, min"),
        ("p99<20", "'p99<20' has no unit", "ms"),
        ("p99<20%", "'%' is not a unit of p99", "ms"),
        ("lost<3ms", "'ms' is not a unit of lost", "k, % or no unit"),
        ("queue_max<3%", "'%' is not a unit of queue_max", "k or no unit"),
        ("throughput<3%", "'%' is not a unit of throughput", "/s"),
        ("p98<20ms", "there is no figure 'p98'", "did you mean p9"),
        ("persist-lag-p99<1s", "can't read the expectation", "p99<20ms"),
        ("persist_lagp99<1s", "there is no figure", "persist_lag_p99"),
        ("lost=0", "'=' in 'lost=0' is not a comparison", "=="),
        ("lost=<0", "is not a comparison", "<="),
        ("lost<>0", "is not a comparison", "!="),
        ("lost", "can't read the expectation 'lost'", "lost==0"),
        ("", "can't read", ""),
        ("lost==", "can't read", ""),
        ("==0", "can't read", ""),
        ("p99<-5ms", "can't read", ""),
        ("p99<nanms", "can't read", ""),
        ("p99<1e3ms", "can't read", ""),
        ("p99<1,5s", "can't read", ""),
        ("p99<1.5.5s", "can't read", ""),
        ("p99<20ms lost==0", "can't read", ""),
        ("p99<\u0661ms", "can't read", ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint(text: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        readable(["lost==0", text])
    assert says in refused.value.message
    assert hint in refused.value.hint


_WORDS = ("p99", "lost", "P99", "<", "<=", "==", "=", "!", "7", "1.5", "ms", "%", "k", " ")


@given(st.lists(st.sampled_from(_WORDS) | st.text(max_size=3), max_size=6).map("".join))
def test_any_text_is_an_expectation_or_a_mistake(text: str) -> None:
    try:
        read = parse_expectation(text)
    except UsageError:
        return
    assert read.name in FIGURES
    assert read.limit >= 0
