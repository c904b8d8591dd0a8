"""The scripts and the functions that call them agree on every key and argument."""

import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, NoReturn, get_args

import pytest

from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.scripts import caching, flushing, following, observing, writing
from service.writebehind.scripts.caching import Begun, Marked
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.scripts.script import Script, load
from service.writebehind.settings import Settings

PRODUCT = "p1"
ROWS = (Claimed("p1", 7, b"{}"), Claimed("p2", 8, b"{}"))
CLAIM = Claim(5, ROWS, None)
LETTER = DeadLetter.of("p1", 7, b"{}", error="e", attempts=1)
FOLDER = files("service.writebehind") / "lua"
NAMES: tuple[Script, ...] = get_args(Script)
#: Comments, then the lines that give names.
_NAMING = re.compile(r"#!lua[^\n]*\n(?:--[^\n]*\n)*\n?((?:local [^\n]*\n)*)")
_NAMED = re.compile(r"\b(KEYS|ARGV)\[(\d+)\]")


class Called(Exception):
    """What a script is called with."""

    def __init__(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> None:
        super().__init__(script)
        self.script, self.keys, self.values = script, list(keys), list(args)


class Recorder:
    """Runs no script: the call itself is what the tests look at."""

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> NoReturn:
        raise Called(script, keys, args)


#: One call of each script but `repair`, which takes any keys.
CALLS: dict[Script, Callable[[Recorder], Any]] = {
    "abandon": lambda r: caching.abandon(r, PRODUCT, Begun(7, "T", b""), ttl=1),
    "ack": lambda r: flushing.ack(r, CLAIM, rows_written=2),
    "ack_rows": lambda r: flushing.ack_rows(r, CLAIM, ROWS, rows_written=2),
    "begin": lambda r: caching.begin(r, "update", PRODUCT, now="T", known=writing.NOT_LOOKED),
    "claim": lambda r: flushing.claim(r, limit=1, delay_us=2, lease_us=3, longest_retry_us=4),
    "condition": observing.condition,
    "config": observing.live_settings,
    "dead_letter": lambda r: flushing.dead_letter(r, CLAIM, [LETTER]),
    "fill": lambda r: caching.fill(r, PRODUCT, "token", b"{}", ttl=1),
    "flush_now": flushing.flush_now,
    "follow": lambda r: following.places(r, [("p1", 7), ("p2", 8)]),
    "has_work": lambda r: flushing.has_work(r, lease_us=1, longest_retry_us=2),
    "heartbeat": lambda r: observing.heartbeat(r, "w", b"{}"),
    "inspect": lambda r: observing.inspect(r, items=20),
    "read": lambda r: caching.read(r, PRODUCT),
    "release": lambda r: flushing.release(r, CLAIM, ROWS),
    "requeue": lambda r: writing.requeue(r, b"{}", product_id=PRODUCT, version=7, document=b"{}", writes=1),
    "resolve": lambda r: caching.resolve(
        r, PRODUCT, Marked(b"", b"writing:7:1:0:begun", 1), version=7, document=b"{}", ttl=1
    ),
    "restore": lambda r: flushing.restore(r, cursor=b"0", limit=1),
    "retry": lambda r: flushing.retry(r, CLAIM, [(row, 1, 0.5) for row in ROWS]),
    "room": observing.check_room,
    "settle": lambda r: caching.settle(r, PRODUCT, 7, b"{}", changed=1, ttl=1),
    "write": lambda r: writing.write(
        r, "update", PRODUCT, b"{", now="T", known=writing.NOT_LOOKED, policy="", settings=Settings()
    ),
}


def named(script: Script) -> dict[str, list[str]]:
    """The names that the first lines give to KEYS and to ARGV, in order."""
    match = _NAMING.match((FOLDER / f"{script}.lua").read_text())
    assert match
    names: dict[str, dict[int, str]] = {"KEYS": {}, "ARGV": {}}
    for line in match[1].splitlines():
        left, _, right = line.removeprefix("local ").partition(" = ")
        for name, value in zip(left.split(", "), right.split(", "), strict=False):
            if place := _NAMED.search(value):
                names[place[1]][int(place[2])] = name
    for places in names.values():
        assert sorted(places) == list(range(1, len(places) + 1)), (script, names)
    return {table: [places[n] for n in sorted(places)] for table, places in names.items()}


def key(name: str) -> str:
    """The key that a name such as `pending_key` stands for."""
    short = name.removesuffix("_key")
    per_product = {"cache": keys.cache(PRODUCT), "fill": keys.fill(PRODUCT)}
    return per_product.get(short) or str(getattr(keys, short.upper()))


def test_every_script_has_a_function() -> None:
    assert set(CALLS) | {"repair"} == set(NAMES)
    shared = {"entry", "mark"}
    assert {each.name for each in FOLDER.iterdir()} == {f"{name}.lua" for name in {*NAMES, *shared}}


@pytest.mark.parametrize("script", sorted(CALLS))
def test_keys_come_in_the_order_in_which_the_script_names_them(script: Script) -> None:
    with pytest.raises(Called) as called:
        CALLS[script](Recorder())
    assert called.value.script == script
    names = named(script)["KEYS"]
    given = called.value.keys
    assert given[: len(names)] == [key(name) for name in names]
    rest = [keys.cache(LETTER.id), keys.fill(LETTER.id)] if script == "dead_letter" else []
    assert given[len(names) :] == rest


#: Scripts with a list behind their named arguments, and how many arguments an item of it has.
LISTS: dict[Script, int] = {"ack": 1, "ack_rows": 2, "release": 2, "retry": 4, "dead_letter": 3, "follow": 2}


@pytest.mark.parametrize("script", sorted(CALLS))
def test_every_argument_has_a_name(script: Script) -> None:
    with pytest.raises(Called) as called:
        CALLS[script](Recorder())
    names, given = named(script)["ARGV"], called.value.values
    items = 1 if script == "dead_letter" else len(ROWS)
    assert len(given) == len(names) + LISTS.get(script, 0) * items


@pytest.mark.parametrize("script", NAMES)
def test_keys_and_arguments_are_named_once_in_the_first_lines(script: Script) -> None:
    text = (FOLDER / f"{script}.lua").read_text()
    match = _NAMING.match(text)
    assert match
    assert not _NAMED.search(text[match.end() :])


@pytest.mark.parametrize("name", ["entry", "mark"])
def test_shared_functions_know_no_keys(name: str) -> None:
    assert not re.search(r"KEYS|ARGV", (FOLDER / f"{name}.lua").read_text())


def test_a_script_is_loaded_with_the_functions_that_it_uses() -> None:
    body = load("flush_now").decode()
    assert body.startswith("#!lua\n")
    assert body.index("local function digits") < body.index("local function tick") < body.index("KEYS[1]")
    assert "local function in_hand" not in body


def test_a_function_that_only_a_comment_names_is_not_loaded() -> None:
    assert "numbers as text" in load("condition").decode()
    assert "local function" not in load("condition").decode().partition("local queue_key")[0]
