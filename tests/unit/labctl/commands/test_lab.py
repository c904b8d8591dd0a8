"""What up, down, status, urls, compose and open tell of a lab."""

import json

import pytest

from service.writebehind.condition import Condition
from service.writebehind.workers import WorkerState
from tests.unit.labctl.conftest import Cli


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


@pytest.mark.parametrize("name", ["lab42", "other"])
def test_compose_takes_a_name_like_every_command(cli: Cli, name: str) -> None:
    code, out, err = cli("compose", "--name", name)
    assert code == 0
    assert "services:" in out
    assert ("lab42" in err) == (name != "lab42")
    assert cli("compose", "--name", "No Such Name")[0] == 2


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
