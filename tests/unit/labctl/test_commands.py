"""The commands on a fake lab: what they ask of it, what they print, and their exit codes."""

import errno
import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from labctl.cli.assignments import parse_ports
from labctl.commands.top import at_stake
from service.writebehind.condition import Condition
from service.writebehind.workers import WorkerState
from stack.errors import NotRunning, UsageError
from stack.spec.events import StackEvent
from stack.spec.runtime import ExecResult
from stack.spec.validate import check_ports
from tests.unit.labctl.conftest import Cli


def test_no_command_shows_the_help(cli: Cli) -> None:
    code, out, _ = cli()
    assert code == 0
    for command in ("up", "down", "status", "urls", "doctor", "logs", "top", "demo", "load", "report"):
        assert f" {command} " in out


def test_a_group_without_a_command_is_a_mistake_that_shows_its_help(cli: Cli) -> None:
    code, out, _ = cli("product")
    assert code == 2
    assert "create" in out


def test_version(cli: Cli) -> None:
    code, out, _ = cli("--version")
    assert code == 0
    assert out.startswith("labctl 0.")


def test_up_tells_progress_on_stderr_and_urls_on_stdout(cli: Cli) -> None:
    code, out, err = cli("up", "--set", "batch-size=7", "--port", "api=8001", "--name", "two")
    assert code == 0
    assert out.splitlines()[0].split() == ["service", "URL"]
    assert "postgres: healthy (0.1 s)" in err
    assert cli.lab.asked == [("open", "two", "auto", {"api": 8001}), ("up", {"BATCH_SIZE": "7"})]


def test_a_dry_run_shows_the_plan_and_changes_nothing(cli: Cli) -> None:
    code, out, err = cli("up", "--dry-run", "--set", "BATCH_SIZE=7", "--no-observability")
    assert (code, err) == (0, "")
    assert out == "replace redis: settings changed; 12 writes to drain first\nkeep api\n"
    assert cli("down", "--dry-run", "--keep-data")[:2] == (0, "Nothing to do.\n")
    assert [asked for asked in cli.lab.asked if asked[0] != "open"] == [
        ("plan up", {"BATCH_SIZE": "7"}, False),
        ("plan down", True),
    ]


def test_a_dry_run_for_programs_is_one_document(cli: Cli) -> None:
    _, out, _ = cli("up", "--dry-run", "--json")
    document = json.loads(out)
    assert (document["name"], document["runtime"], document["changes"]) == ("lab42", "local", True)
    assert document["plan"] == [
        {
            "verb": "replace",
            "subject": "redis",
            "cause": "settings changed; 12 writes to drain first",
            "after": [],
        },
        {"verb": "keep", "subject": "api", "cause": "", "after": ["replace redis"]},
    ]


def test_up_of_a_lab_that_is_up_says_so(cli: Cli) -> None:
    cli.lab.runs_already = True
    code, out, err = cli("up")
    assert code == 0
    assert "Starting" not in err
    assert err.splitlines()[-1].startswith("The lab lab42 is already up, local runtime")
    assert out.startswith("service")


def test_up_announces_what_it_does_before_it_does_it(cli: Cli) -> None:
    _, _, err = cli("up")
    lines = err.splitlines()
    assert lines[0].startswith("Starting the lab lab42, local runtime")
    assert lines[-1].startswith("The lab lab42 is up: ")


def test_down_where_there_is_no_lab_claims_no_end(cli: Cli) -> None:
    cli.lab.is_up = False
    code, _, err = cli("down")
    assert code == 0
    assert err.splitlines() == ["there is no lab lab42: nothing to take down"]


@pytest.mark.parametrize("option", ["--name", "--json"])
def test_an_option_before_the_command_of_a_group_gets_a_hint(cli: Cli, option: str) -> None:
    code, _, err = cli("queue", option, "other")
    assert code == 2
    assert f"`labctl queue show {option}`" in err


def test_an_option_that_no_command_has_gets_the_help(cli: Cli) -> None:
    code, _, err = cli("queue", "--nonsense")
    assert code == 2
    assert "see `labctl queue --help`" in err


def test_options_before_the_command_count_and_those_after_it_win(cli: Cli) -> None:
    cli("--name", "one", "--runtime", "local", "urls")
    cli("--name", "one", "urls", "--name", "two")
    assert cli.lab.asked == [("open", "one", "local", None), ("open", "two", "auto", None)]


def test_status_json_calls_a_healthy_service_running(cli: Cli) -> None:
    code, out, _ = cli("status", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == 1
    assert document["services"]["worker"]["state"] == "running"
    assert document["services"]["worker"]["healthy"] is True
    assert document["services"]["worker"]["pid"] == 103


def test_status_of_no_lab_is_an_answer(cli: Cli) -> None:
    cli.lab.is_up = False
    code, out, err = cli("status")
    assert code == 0
    assert out.count("missing") == 4
    assert "labctl up" in err


def test_urls_json(cli: Cli) -> None:
    _, out, _ = cli("urls", "--json")
    assert json.loads(out)["urls"]["redis"] == "redis://127.0.0.1:6379/0"


def test_urls_tell_where_each_workers_metrics_are(cli: Cli) -> None:
    started = [
        WorkerState(
            name=f"w{port}",
            pid=1,
            host="h",
            started_at=0.0,
            state="idle",
            reason="",
            code="",
            for_ms=0,
            metrics_port=port,
        )
        for port in (9101, 0, 9102)
    ]
    cli.lab.told = Condition(
        now_us=0, epoch=None, workers=tuple(started), oldest_due_ms=0, unwritten=0, live={}
    )
    _, out, _ = cli("urls", "--json")
    urls = json.loads(out)["urls"]
    assert urls["worker-metrics"] == "http://127.0.0.1:9101/metrics"
    assert urls["worker-metrics-2"] == "http://127.0.0.1:9102/metrics"
    assert len(urls) == 5


def test_up_and_down_as_json_are_one_document_each(cli: Cli) -> None:
    for words in (("up", "--json"), ("down", "--keep-data", "--json")):
        code, out, err = cli(*words)
        assert (code, err) == (0, "")
        assert json.loads(out)["runtime"] == "local"
    assert cli.lab.asked[-1] == ("down", True)


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
    assert "At stake if Redis died now: not known, for the API does not tell" in out


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


def test_what_does_not_run_is_exit_4(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_service: str, _argv: list[str]) -> ExecResult:
        raise NotRunning("redis does not run", hint="start it with `labctl up`")

    monkeypatch.setattr(cli.lab, "exec", refuse)
    code, _, err = cli("fault", "flushall")
    assert code == 4
    assert err.endswith("labctl: redis does not run\n  what to do: start it with `labctl up`\n")


def test_a_bug_is_a_sentence_and_a_file(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr(cli.lab, "urls", stumble)
    code, out, err = cli("urls")
    assert (code, out) == (70, "")
    assert "bug in labctl: RuntimeError: of all things" in err
    assert "Traceback" not in err
    (report,) = tmp_path.glob("crash-*.txt")
    assert str(report) in err
    assert "of all things" in report.read_text()


def test_an_interruption_closes_what_runs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def up(_settings: object, **_options: object) -> object:
        try:
            yield from _interrupting()
        finally:
            closed.append(True)

    monkeypatch.setattr(cli.lab, "up", up)
    code, out, err = cli("up", "--json")
    assert (code, closed) == (130, [True])
    assert json.loads(out)["error"]["exit_code"] == 130
    assert "interrupted" in err


def _interrupting() -> list[StackEvent]:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "command", [["dlq", "drop", "--yes"], ["config", "show"], ["queue", "flush"], ["urls"]]
)
def test_whoever_listens_on_the_port_of_a_lab_that_does_not_run_is_not_asked(
    cli: Cli, command: list[str]
) -> None:
    cli.lab.is_up = False
    code, _, err = cli(*command)
    assert code == 4
    assert "is not running" in err


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


@pytest.mark.parametrize("name", ["lab42", "other"])
def test_compose_takes_a_name_like_every_command(cli: Cli, name: str) -> None:
    code, out, err = cli("compose", "--name", name)
    assert code == 0
    assert "services:" in out
    assert ("lab42" in err) == (name != "lab42")
    assert cli("compose", "--name", "No Such Name")[0] == 2


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/disk"), "/full/disk"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "/x"), "read-only"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "working directory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
    ],
)
def test_what_the_machine_refuses_is_told_and_not_a_bug(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(cli.lab, "status", refuse)
    code, _, err = cli("status")
    assert code == 4
    assert says in err
    assert "what to do:" in err
    assert "bug" not in err


def test_a_bug_is_still_a_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(cli.lab, "status", fail)
    assert cli("status")[0] == 70


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


# The lab's page


def test_the_page_is_beside_the_urls(cli: Cli) -> None:
    for command in (("urls",), ("up",)):
        assert json.loads(cli(*command, "--json")[1])["page"] == f"{cli.lab.urls()['api']}/"
        assert f"{cli.lab.urls()['api']}/\n" in cli(*command)[1]


@pytest.mark.parametrize("options", [(), ("--print",)])
def test_open_prints_the_url_alone_where_no_browser_can_be_seen(cli: Cli, options: tuple[str, ...]) -> None:
    assert cli("open", *options) == (0, f"{cli.lab.urls()['api']}/\n", "")
    cli.lab.is_up = False
    code, out, err = cli("open", *options)
    assert (code, out) == (4, "")
    assert "labctl up" in err


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ((), {}),
        (("--allow-ui-control",), {"ALLOW_UI_CONTROL": "true"}),
        (("--no-ui-control",), {"ALLOW_UI_CONTROL": "false"}),
    ],
)
def test_up_lets_the_page_control_the_lab_if_asked(
    cli: Cli, options: tuple[str, ...], given: dict[str, str]
) -> None:
    cli("up", *options)
    assert ("up", given) in cli.lab.asked


@pytest.mark.parametrize("command", ["explain", "trace"])
def test_help_is_wrapped_where_the_screen_ends(
    cli: Cli, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a sentence breaks in the source says nothing."""
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = cli(command, "--help")
    lines = [line.strip() for line in out.partition("╭")[0].splitlines()]
    pairs = [(line, after) for line, after in pairwise(lines) if line and after and "Usage" not in line]
    assert pairs
    for line, after in pairs:
        assert len(line) + 1 + len(after.split()[0]) > 78, (line, after)


def test_a_port_that_can_not_be_chosen_is_called_as_it_was_typed() -> None:
    with pytest.raises(UsageError, match="'worker-metrics' has no port that can be chosen"):
        check_ports(parse_ports(["worker-metrics=9301"]), ("api", "redis"))
