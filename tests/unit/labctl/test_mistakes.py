"""Mistakes on the command line: each is named, with a hint what to type instead."""

import json

import pytest

from labctl.cli.assignments import parse_ports
from stack.errors import UsageError
from stack.spec.validate import check_ports
from tests.unit.labctl.conftest import Cli


@pytest.mark.parametrize("option", ["--name", "--json"])
def test_an_option_before_the_command_of_a_group_gets_a_hint(cli: Cli, option: str) -> None:
    code, _, err = cli("queue", option, "other")
    assert code == 2
    assert f"`labctl queue show {option}`" in err


def test_an_option_that_no_command_has_gets_the_help(cli: Cli) -> None:
    code, _, err = cli("queue", "--nonsense")
    assert code == 2
    assert "see `labctl queue --help`" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("produkt",), "Did you mean 'product'?"),
        (("demo", "coalesing"), "did you mean coalescing?"),
        (("demo", "coalescing", "--step"), "--step"),
        (("demo", "data-loss", "--crash", "hammer"), "hammer"),
        (("load", "basik"), "basik"),
        (("load", "quick", "--engine", "k6"), "k6 has no load quick"),
        (("load", "basic", "--engine", "k6", "--rate", "5"), "--rate"),
        (("load", "basic", "--engine", "wrk"), "--engine"),
        (("load", "basic", "--rate", "-1"), "--rate"),
        (("load", "basic", "--rate", "nan"), "--rate"),
        (("load", "basic", "--duration", "0"), "--duration"),
        (("load", "basic", "--duration", "abc"), "--duration"),
        (("load", "quick", "--clients", "100000"), "--clients"),
        (("load", "quick", "--clients", "1.5"), "--clients"),
        (("load", "basic", "--mix", "creat=30"), "'creat' is not one of create, read, update, delete"),
        (("load", "basic", "--keys", "0"), "from 1 to 100,000 products"),
        (("load", "basic", "--keys", "3", "--clients", "4"), "3 products are too few for 4 clients"),
        (("load", "basic", "--policy", "write_around"), "--policy"),
        (("load", "basic", "--rate", "5", "--writes-per-second", "5"), "contradict each other"),
        (("load", "basic", "--writes-per-second", "5", "--mix", "read=1"), "needs a mix that writes"),
        (("load", "coalescing", "--mix", "read=1"), "has no --mix: it only updates"),
        (("load", "quick", "--keys", "5"), "has no --keys: it uses no product twice"),
        (("load", "basic", "--engine", "k6", "--policy", "write_through"), "labctl config set"),
        (("up", "--set", "BATCH_SIZE"), "KEY=VALUE"),
        (("up", "--set", "A=1", "--set", "a=2"), "twice"),
        (("up", "--port", "api=http"), "not a port"),
        (("up", "--runtime", "podman"), "podman"),
        (("dlq", "drop"), "--yes"),
        (("report", "latency"), "no recorded run"),
        (("product", "list", "--limit", "0"), "--limit"),
        (("status", "--bogus"), "--bogus"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(cli: Cli, words: tuple[str, ...], says: str) -> None:
    code, out, err = cli(*words)
    assert code == 2
    assert out == ""
    assert says in err
    assert "what to do" in err
    assert "Traceback" not in err


def test_a_mistake_starts_no_lab(cli: Cli) -> None:
    cli.lab.is_up = False
    for words in (("demo", "nonsense"), ("load", "quick", "--rate", "0"), ("demo", "coalescing", "--step")):
        assert cli(*words)[0] == 2
    assert not any(asked[0] == "up" for asked in cli.lab.asked)


def test_a_mistake_in_json_is_a_document_too(cli: Cli) -> None:
    code, out, _ = cli("demo", "nonsense", "--json")
    error = json.loads(out)["error"]
    assert (code, error["exit_code"]) == (2, 2)
    assert "coalescing" in error["hint"]


def test_options_behind_the_service_are_refused(cli: Cli) -> None:
    code, _, err = cli("exec", "redis", "--name", "other", "--", "redis-cli", "ping")
    assert code == 2
    assert "before it" in err


def test_a_word_that_is_not_an_assignment_is_told_how_to_write_one(cli: Cli) -> None:
    code, _, err = cli("config", "set", "batch_size")
    assert code == 2
    assert "'batch_size' is not KEY=VALUE" in err
    assert "BATCH_SIZE=100" in err
    code, _, err = cli("up", "--port", "8001")
    assert code == 2
    assert "api=8001" in err


def test_bytes_that_are_no_text_are_told(cli: Cli) -> None:
    code, _, err = cli("product", "create", "--title", "caf\udce9")
    assert code == 2
    assert "UTF-8" in err


@pytest.mark.parametrize("price", ["nan", "inf", "-inf", "1e999"])
def test_a_price_that_json_does_not_know(cli: Cli, price: str) -> None:
    for words in (("create",), ("update", "seed-001")):
        code, _, err = cli("product", *words, "--price", price)
        assert code == 2
        assert "--price" in err


def test_a_port_that_can_not_be_chosen_is_called_as_it_was_typed() -> None:
    with pytest.raises(UsageError, match="'worker-metrics' has no port that can be chosen"):
        check_ports(parse_ports(["worker-metrics=9301"]), ("api", "redis"))
