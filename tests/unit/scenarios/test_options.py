"""Declared options, and what is made of the values that a user chose."""

import math
from typing import Any

import pytest

from scenarios.catalogue import DEMOS, LOADS, find, load_name
from scenarios.faults.language import parse_fault
from scenarios.options import (
    CLIENTS,
    CRASH,
    KEYS,
    MIX,
    POLICY,
    RATE,
    WRITES_PER_SECOND,
    Option,
    Options,
    duration,
    parse_options,
)
from scenarios.shares import Shares
from stack.errors import UsageError

ALL: tuple[Option, ...] = (CRASH, duration(30.0), RATE, CLIENTS)
LOAD: tuple[Option, ...] = (duration(30.0), RATE, WRITES_PER_SECOND, CLIENTS, MIX, KEYS, POLICY)


def parse(values: dict[str, Any], *declared: Option, lacking: dict[str, str] | None = None) -> Options:
    return parse_options(declared or ALL, values, command="load x", lacking=lacking or {})


def test_what_is_missing_or_none_stays_at_its_default() -> None:
    assert parse({}) == parse({"duration": None, "crash": None}) == Options(duration=30.0)
    assert parse({}).crash == "flushall"


def test_what_is_chosen_is_taken() -> None:
    values = {"crash": "kill", "duration": 2.5, "rate": 100.0, "clients": 4}
    assert parse(values) == Options(crash="kill", duration=2.5, rate=100.0, clients=4)


@pytest.mark.parametrize(
    "values",
    [
        {"duration": 3600, "rate": 100_000, "clients": 256},
        {"duration": 0.01, "rate": 0.01, "clients": 1},
    ],
)
def test_the_limits_themselves_are_possible(values: dict[str, Any]) -> None:
    assert parse(values) == Options(**values)


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"duration": 0}, "--duration can't be 0", "give more than 0 and at most 3,600 seconds"),
        ({"duration": -1.5}, "--duration can't be -1.5", "3,600"),
        ({"duration": 3601}, "--duration can't be 3601", "3,600"),
        ({"duration": math.nan}, "--duration can't be nan", "3,600"),
        ({"rate": math.inf}, "--rate can't be inf", "at most 100,000 requests a second"),
        ({"rate": 0.0}, "--rate can't be 0", "more than 0"),
        ({"rate": 1e6}, "--rate can't be 1e+06", "100,000"),
        ({"clients": 0}, "--clients can't be 0", "give from 1 to 256 clients"),
        ({"clients": 257}, "--clients can't be 257", "1 to 256"),
        ({"crash": "hammer"}, "--crash can't be hammer", "give flushall or kill"),
        ({"speed": 9}, "`load x` has no --speed", "it takes --crash and --duration and --rate"),
    ],
)
def test_what_makes_no_sense_is_named_with_what_would(
    values: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        parse(values)
    assert error.value.message == message
    assert hint in error.value.hint


def test_a_scenario_may_have_limits_of_its_own() -> None:
    longer = duration(30.0, least=1.0)
    assert parse({"duration": 1.0}, longer).duration == 1
    with pytest.raises(UsageError) as error:
        parse({"duration": 0.5}, longer)
    assert error.value.hint == "give from 1 to 3,600 seconds"


def test_why_a_scenario_lacks_an_option_is_said() -> None:
    with pytest.raises(UsageError, match="`load x` has no --rate: each user waits") as error:
        parse({"rate": 5.0}, CLIENTS, lacking={"rate": "each user waits"})
    assert error.value.hint == "leave --rate out; it takes --clients"


def test_the_options_of_a_load() -> None:
    values = {"writes_per_second": 500, "mix": "read=1,update=3", "keys": 100, "policy": "write_through"}
    assert parse(values, *LOAD) == Options(
        duration=30.0,
        writes_per_second=500,
        mix=Shares(read=1, update=3),
        keys=100,
        policy="write_through",
    )


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"writes_per_second": 0}, "--writes-per-second can't be 0", "100,000 writes a second"),
        ({"writes_per_second": math.nan}, "--writes-per-second can't be nan", "more than 0"),
        ({"keys": 0}, "--keys can't be 0", "from 1 to 100,000 products"),
        ({"keys": 2.5}, "--keys can't be 2.5", "give a whole number"),
        ({"clients": 2.5}, "--clients can't be 2.5", "give a whole number"),
        ({"policy": "write_around"}, "--policy can't be write_around", "write_behind or write_through"),
        ({"rate": 5, "writes_per_second": 5}, "--rate and --writes-per-second contradict", "give one of"),
        ({"keys": 3, "clients": 4}, "3 products are too few for 4 clients", "as many as --clients"),
        ({"mix": "read=1", "writes_per_second": 5}, "--writes-per-second needs a mix that writes", "--rate"),
        (
            {"mix": "read=99,update=1", "writes_per_second": 5000},
            "with --mix read=99,update=1, 5,000 writes a second are 500,000 requests a second",
            "at most 100,000",
        ),
    ],
)
def test_what_a_load_can_not_do_is_refused_before_it_begins(
    values: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        parse(values, *LOAD)
    assert message in error.value.message
    assert hint in error.value.hint


def test_options_are_recorded_as_a_user_types_them() -> None:
    fault, mix = parse_fault("redis:kill@5s:start@7s"), Shares(read=1, update=3)
    options = Options(crash="kill", duration=1_000_000.5, writes_per_second=500, mix=mix, fault=(fault,))
    assert options.chosen() == {
        "crash": "kill",
        "duration": 1_000_000.5,
        "writes_per_second": 500,
        "mix": "read=1,update=3",
        "fault": ["redis:kill@5s:start@7s"],
    }
    assert " ".join(options.words()) == (
        "--crash kill --duration 1000000.5 --writes-per-second 500 --mix read=1,update=3 "
        "--fault redis:kill@5s:start@7s"
    )
    assert Options().chosen() == {}


@pytest.mark.parametrize("name", [*DEMOS, *map(load_name, LOADS["labctl"]), "k6-basic"])
def test_recorded_options_are_read_back(name: str) -> None:
    scenario = find(name)
    values = {
        "crash": "kill",
        "duration": 7.5,
        "rate": 20.0,
        "clients": 4,
        "mix": "create=1,read=2.5",
        "keys": 40,
        "policy": "write_through",
        "fault": ["redis:kill@5s:start@7s", "failures:on=0.3@1s"],
    }
    taken = {option.name for option in scenario.options}
    options = scenario.parse({option: value for option, value in values.items() if option in taken})
    assert scenario.parse(options.chosen()) == options


def test_every_scenario_takes_expectations_which_a_journal_keeps_as_they_were_typed() -> None:
    expected = ["p99<20ms", "lost == 0"]
    for scenario in (*map(find, DEMOS), *(find(load_name(kind)) for kind in LOADS["labctl"])):
        options = scenario.parse({"expect": expected})
        assert options.expect == tuple(expected)
        assert options.chosen()["expect"] == expected
        assert scenario.parse(options.chosen()) == options
    with pytest.raises(UsageError, match="there is no figure 'p98'"):
        find("basics").parse({"expect": ["p98<20ms"]})
