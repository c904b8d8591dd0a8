import json
from collections.abc import Callable

import psycopg
import pytest
import redis

from service.telemetry.redaction import Redaction
from service.writebehind.errors import RowsRefused, StoreUnavailable
from service.writebehind.settings import Settings

NAME = "Secret gadget"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://:hunter22@127.0.0.1:6379/0", "Error 111 connecting to redis://:hunter22@127.0.0.1:6379"),
        ("redis://lab:p@ss:w0rd@127.0.0.1/0", "no answer from redis://lab:p@ss:w0rd@127.0.0.1/0"),
        ("redis://lab:tr%40utfish@127.0.0.1/0", "the password is tr@utfish, or tr%40utfish"),
        # urlsplit takes what stands before the slash for a port.
        ("redis://lab:trout/fish@127.0.0.1/0", "Port could not be cast to integer value as 'trout'"),
        ("redis://127.0.0.1/0?password=troutfish", "AUTH troutfish"),
        ("postgresql:///db?password=tr%40utfish", "the password is tr@utfish, or tr%40utfish"),
        ("postgresql://lab:troutfish@127.0.0.1/db", 'connection "troutfish" failed'),
        ("host=127.0.0.1 user=lab password='trout fish'", "the password is trout fish"),
        ("", "host=127.0.0.1 password='trout \\' fish' dbname=x"),
        ("", "host=127.0.0.1 Password = troutfish dbname=x"),
        ("", "postgresql://lab:troutfish@/db"),
    ],
)
def test_passwords_are_masked(url: str, text: str) -> None:
    masked = Redaction([url]).text(text)
    assert "***" in masked
    assert not any(part in masked for part in ("hunter22", "p@ss", "w0rd", "tr@ut", "tr%40", "trout", "fish"))


@pytest.mark.parametrize(
    "text",
    [
        "the API listens on 127.0.0.1:8000",
        'connection to server at "127.0.0.1", port 5432 failed: Connection refused',
        "password authentication failed",
        "flushed 3 entries, 3 rows changed",
    ],
)
def test_nothing_else_is_masked(text: str) -> None:
    settings = Settings()
    assert Redaction([settings.redis_url, settings.database_url]).text(text) == text


def test_a_short_password_is_not_looked_for_in_words() -> None:
    assert Redaction(["redis://:a@127.0.0.1/0"]).text("a name") == "a name"


def _value_error() -> None:
    int(NAME)


def _key_error() -> None:
    {"": ""}[NAME]


def _refused() -> None:
    raise RowsRefused(f"the name {NAME} is not allowed", "P0001")


def _translated() -> None:
    try:
        raise psycopg.errors.CheckViolation(f"new row violates\nDETAIL:  Failing row contains ({NAME}, 9.99)")
    except psycopg.Error as error:
        raise StoreUnavailable("PostgreSQL can't work") from error


def _while_handled() -> None:
    try:
        _refused()
    except RowsRefused:
        raise RuntimeError("the worker failed")  # noqa: B904 - that is what is tested


def _pipeline() -> None:
    raise redis.ResponseError(
        f"Command # 1 (HSET write_behind:pending x {NAME}) of pipeline caused error: OOM"
    )


def _unknown_command() -> None:
    raise redis.ResponseError(f"unknown command 'EVALSHA', with args beginning with: 'x' '{NAME}'")


def _detail() -> None:
    raise psycopg.errors.UndefinedTable(f'relation "products" does not exist\nLINE 1: {NAME}')


@pytest.mark.parametrize(
    ("fail", "kept"),
    [
        (_value_error, "ValueError: invalid literal for int() with base 10: '***'"),
        (_key_error, "KeyError: '***'"),
        (_refused, "service.writebehind.errors.RowsRefused: SQLSTATE P0001"),
        (_translated, "psycopg.errors.CheckViolation: SQLSTATE 23514\nThis was the direct cause of:"),
        (_translated, "service.writebehind.errors.StoreUnavailable: PostgreSQL can't work"),
        (_while_handled, "SQLSTATE P0001\nWhile this was handled, another error occurred:"),
        (_while_handled, "RuntimeError: the worker failed"),
        (_pipeline, "redis.exceptions.ResponseError: Command # 1 (***) of pipeline caused error: OOM"),
        (_unknown_command, "unknown command 'EVALSHA', with args beginning with: ***"),
        (_detail, 'UndefinedTable: relation "products" does not exist (SQLSTATE 42P01)'),
    ],
)
def test_a_traceback_repeats_no_value(fail: Callable[[], None], kept: str) -> None:
    try:
        fail()
    except Exception as error:  # noqa: BLE001 - whatever it is
        text = Redaction().traceback(error)
    assert kept in text
    assert f"in {fail.__name__}" in text
    # The source of this test names the value; only lines of messages count.
    assert NAME not in "\n".join(line for line in text.splitlines() if not line.startswith("  "))


def test_causes_that_form_a_circle_end() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert Redaction().traceback(first).count("RuntimeError") == 2


def test_a_json_error_keeps_its_place() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    assert "line 1 column 2 (char 1)" in Redaction().traceback(caught.value)
