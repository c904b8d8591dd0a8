"""The shown commands are ones that a shell understands."""

import json
import shlex

import pytest

from scenarios.shell_commands import curl, labctl_for, psql, redis_cli


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))


def test_a_read_is_a_plain_curl() -> None:
    assert words(curl("GET", "http://x/products/a")) == ["curl", "-s", "http://x/products/a"]
    assert words(curl("POST", "http://x/flush")) == ["curl", "-s", "-X", "POST", "http://x/flush"]


def test_a_write_carries_its_body_and_says_that_it_is_json() -> None:
    shown = words(curl("PUT", "http://x/products/a", {"name": "Wid get", "price": 1.5}))
    assert shown[:5] == ["curl", "-s", "-X", "PUT", "http://x/products/a"]
    assert "Content-Type: application/json" in shown
    assert json.loads(shown[-1]) == {"name": "Wid get", "price": 1.5}


def test_a_policy_and_a_clock_can_be_asked_for() -> None:
    shown = words(curl("POST", "http://x/products", {"name": "a"}, policy="write_through", timed=True))
    assert "X-Write-Policy: write_through" in shown
    assert shown[shown.index("-w") + 1] == "%{time_total}\\n"
    assert shown[shown.index("-o") + 1] == "/dev/null"


def test_a_query_stays_one_argument() -> None:
    query = "SELECT name FROM products WHERE id = 'seed-001';"
    assert words(psql("postgresql://u:p@h:1/d", query)) == ["psql", "postgresql://u:p@h:1/d", "-c", query]


def test_redis_is_named_by_its_url() -> None:
    assert words(redis_cli("redis://h:1/0", "LLEN", "q")) == ["redis-cli", "-u", "redis://h:1/0", "LLEN", "q"]


@pytest.mark.parametrize(
    ("name", "shown"), [("lab42", "labctl worker stop"), ("two", "labctl --name two worker stop")]
)
def test_only_another_lab_is_named(name: str, shown: str) -> None:
    assert labctl_for(name, "worker stop") == shown
