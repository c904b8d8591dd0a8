"""The language of faults: what it takes, and what it says to the rest."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.faults.action import Action, Fault
from scenarios.faults.language import VERBS, parse_action, parse_fault
from scenarios.options import FAULTS, duration, parse_options
from stack.errors import UsageError


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("redis:flushall@5s", [("redis", "flushall", 5.0, None)]),
        ("redis:kill@5s:start@7s", [("redis", "kill", 5.0, None), ("redis", "start", 7.0, None)]),
        ("worker:pause@500ms:resume@1.5s", [("worker", "pause", 0.5, None), ("worker", "resume", 1.5, None)]),
        ("failures:on=30%@5s:off@10s", [("failures", "on", 5.0, 0.3), ("failures", "off", 10.0, None)]),
        ("failures:on=0.3@1s", [("failures", "on", 1.0, 0.3)]),
        ("failures:on@1s", [("failures", "on", 1.0, None)]),
        ("redis:flushall@1s:flushall@2s", [("redis", "flushall", n, None) for n in (1.0, 2.0)]),
    ],
)
def test_what_it_takes(text: str, actions: list[tuple[str, str, float, float | None]]) -> None:
    fault = parse_fault(text)
    assert [(a.target, a.verb, a.at, a.share) for a in fault.actions] == actions
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("", "there is no target ''", "choose redis, postgres"),
        ("redsi:kill@5s", "there is no target 'redsi'", "did you mean redis?"),
        ("redis", "does not say what happens", "redis:kill@5s"),
        ("redis:", "does not say what happens", "redis:kill@5s"),
        ("redis:kil@5s", "'kil' is not an action of redis", "did you mean redis:kill?"),
        ("redis:unpause@5s", "'unpause'", "did you mean redis:resume?"),
        ("redis:restart@5s", "'restart'", "redis:kill@5s:start@7s"),
        ("postgres:flushall@5s", "'flushall' is not an action of postgres", "choose kill, stop"),
        ("redis:cut@5s", "the network of a lab can't be cut", "redis:pause is the nearest"),
        ("redis:@5s", "'' is not an action of redis", "choose kill"),
        ("redis:kill@5s:", "'' is not an action of redis", "choose kill"),
        ("redis:kill", "kill has no time", "say when: redis:kill@5s"),
        ("redis:kill@5", "'5' is not a time", "@5s"),
        ("redis:kill@5m", "'5m' is not a time", "seconds or milliseconds"),
        ("redis:kill@-5s", "'-5s' is not a time", "@5s"),
        ("redis:kill@1e3s", "is not a time", "@5s"),
        ("redis:kill@nans", "is not a time", "@5s"),
        ("redis:kill@0s", "not after the beginning", "above 0"),
        ("redis:kill@\u0665s", "is not a time", "@5s"),
        ("redis:kill=3@5s", "kill takes no value", "leave =3 out"),
        ("redis:kill@5s@6s", "'5s@6s' is not a time", "@5s"),
        ("redis:kill@7s:start@5s", "start@5s does not come after kill@7s", "in their order"),
        ("redis:kill@5s:start@5s", "does not come after", "in their order"),
        ("redis:start@5s", "redis runs at that time", "kill, stop, pause or flushall"),
        ("redis:kill@5s:resume@6s", "redis is down at that time", "what can follow is start"),
        ("redis:pause@5s:start@6s", "redis is paused at that time", "kill, stop or resume"),
        ("redis:kill@1s:kill@2s", "redis is down", "start"),
        ("redis:kill@1s:flushall@2s", "redis is down", "start"),
        ("failures:off@1s", "failures are off at that time", "what can follow is on"),
        ("failures:on@1s:on@2s", "failures are on", "off"),
        ("failures:on=0@1s", "'0' is not a share", "30% or 0.3"),
        ("failures:on=1.5@1s", "'1.5' is not a share", "30% or 0.3"),
        ("failures:on=x@1s", "'x' is not a share", "30% or 0.3"),
        ("failures:kill@1s", "'kill' is not an action of failures", "choose on or off"),
    ],
)
def test_what_it_says_to_the_rest(text: str, why: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_fault(text)
    assert why in refused.value.message
    assert hint in refused.value.hint


def test_an_action_at_once_has_no_time() -> None:
    assert parse_action("worker:kill") == Action(target="worker", verb="kill")
    for text, why in (("worker:kill@5s", "has no time"), ("worker:kill:start", "several actions")):
        with pytest.raises(UsageError, match=why):
            parse_action(text)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("redis:kill", "fault kill redis"),
        ("redis:flushall", "fault flushall"),
        ("worker:resume", "fault resume worker"),
        ("failures:on=30%", "config set SIMULATE_DB_FAILURE=true FAILURE_RATE=0.3"),
        ("failures:on", "config set SIMULATE_DB_FAILURE=true"),
        ("failures:off", "config set SIMULATE_DB_FAILURE=false"),
    ],
)
def test_each_action_is_a_command_of_labctl(text: str, command: str) -> None:
    assert parse_action(text).command == command


def test_several_faults_of_one_target_are_one_history() -> None:
    with pytest.raises(UsageError, match="redis is down at that time"):
        FAULTS.parse(["redis:kill@2s", "redis:pause@3s:resume@4s"])
    with pytest.raises(UsageError, match="at the same time"):
        FAULTS.parse(["redis:flushall@2s", "redis:kill@2s"])
    texts = ["redis:kill@2s:start@3s", "worker:kill@2s", "redis:flushall@4s"]
    assert [str(fault) for fault in FAULTS.parse(texts)] == texts


def test_a_fault_comes_before_the_end_of_the_load() -> None:
    def parse(seconds: float) -> tuple[Fault, ...]:
        values = {"fault": ["redis:kill@2s:start@3s"], "duration": seconds}
        return parse_options([FAULTS, duration(30.0)], values, command="load basic", lacking={}).fault

    assert len(parse(3.5)) == 1
    with pytest.raises(UsageError, match=r"start@3s comes after the end of a load of 3 s"):
        parse(3.0)


_PIECES = [*VERBS, ":", "@", "5s", "=", "kill", "on", "."]


@given(st.text(max_size=40) | st.lists(st.sampled_from(_PIECES)).map("".join))
def test_any_text_is_a_fault_or_a_sentence(text: str) -> None:
    with suppress(UsageError):
        fault = parse_fault(text)
        assert parse_fault(str(fault)) == fault
