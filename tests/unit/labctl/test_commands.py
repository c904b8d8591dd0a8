"""The commands on a fake lab: what they ask of it, what they print, and their exit codes."""

import json

import pytest

from labctl.commands.top import at_stake
from stack.spec.runtime import ExecResult
from tests.unit.labctl.conftest import Cli


def test_options_before_the_command_count_and_those_after_it_win(cli: Cli) -> None:
    cli("--name", "one", "--runtime", "local", "urls")
    cli("--name", "one", "urls", "--name", "two")
    assert cli.lab.asked == [("open", "one", "local", None), ("open", "two", "auto", None)]


def test_quiet_says_nothing_when_all_is_well(cli: Cli) -> None:
    for words in (("down", "-q"), ("worker", "restart", "-q")):
        assert cli(*words) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("worker", "stop"), ("stop", "worker")),
        (("worker", "start"), ("start", "worker")),
        (("worker", "kill"), ("kill", "worker")),
        (("worker", "restart", "--set", "MAX_RETRIES=1"), ("restart", "worker", {"MAX_RETRIES": "1"})),
        (("fault", "kill", "redis"), ("kill", "redis")),
        (("fault", "pause", "postgres"), ("pause", "postgres")),
        (("fault", "resume", "postgres"), ("resume", "postgres")),
        (("fault", "stop", "redis"), ("stop", "redis")),
        (("fault", "start", "redis"), ("start", "redis")),
        (("fault", "flushall"), ("exec", "redis", "redis-cli", "FLUSHALL")),
        (
            ("exec", "redis", "--", "redis-cli", "-n", "1", "PING"),
            ("exec", "redis", "redis-cli", "-n", "1", "PING"),
        ),
        (("exec", "redis", "redis-cli", "--raw"), ("exec", "redis", "redis-cli", "--raw")),
        (("logs", "worker", "-n", "3"), ("logs", "worker", 3, False)),
        (("cache", "keys"), ("exec", "redis", "redis-cli", "KEYS", "cache:product:*")),
    ],
)
def test_commands_ask_the_lab(cli: Cli, words: tuple[str, ...], asked: tuple[object, ...]) -> None:
    code, _, _ = cli(*words)
    assert code == 0
    assert cli.lab.asked[-1] == asked


def test_db_shows_its_command_and_what_psql_printed(cli: Cli) -> None:
    code, out, err = cli("db", "count")
    assert (code, out) == (0, "(1 row)\n")
    assert "$ psql postgresql://127.0.0.1:5432/labdb -X -c 'SELECT COUNT(*)" in err


def test_sql_that_postgresql_refuses_is_the_users_mistake(cli: Cli) -> None:
    cli.lab.result = ExecResult(1, "", "ERROR:  column does not exist\n")
    code, out, err = cli("db", "query", "select x", "--json")
    assert code == 2
    assert "column does not exist" in json.loads(out)["error"]["message"]
    assert "labctl: psql: ERROR" in err


def test_exec_ends_as_its_command_did(cli: Cli) -> None:
    cli.lab.result = ExecResult(42, "out", "err")
    assert cli("exec", "api", "--", "x") == (42, "out", "err")


def test_logs_are_not_markup(cli: Cli) -> None:
    _, out, _ = cli("logs")
    assert out == "worker     | flushed 1 entries [not markup]\n"


def test_top_once_is_a_table_with_a_sum(cli: Cli) -> None:
    code, out, _ = cli("top")
    assert code == 0
    assert out.splitlines()[-1].split()[:4] == ["together", "13.0", "62.9", "MB"]
    # Nothing answers for this lab's API.
    assert "At stake if Redis died now: unknown, since the API does not say" in out


@pytest.mark.parametrize(
    ("writes", "products", "sentence"),
    [
        (0, 0, "nothing"),
        (1, 1, "1 acknowledged write of 1 product, the oldest 0.8 s old"),
        (1234, 2, "1,234 acknowledged writes of 2 products, the oldest 0.8 s old"),
    ],
)
def test_what_is_at_stake_is_a_sentence(writes: int, products: int, sentence: str) -> None:
    exposed = {"writes": writes, "products": products, "seconds": 0.812}
    assert at_stake(exposed) == f"At stake if Redis died now: {sentence}"


def test_top_of_no_lab_says_what_to_do(cli: Cli) -> None:
    cli.lab.is_up = False
    code, _, err = cli("top")
    assert code == 4
    assert "labctl up" in err


def test_report_without_a_run_says_how_to_make_one(cli: Cli) -> None:
    code, _, err = cli("report")
    assert code == 4
    assert "labctl demo coalescing" in err
