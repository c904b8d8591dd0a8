import pytest

from stack.local.redis_cli import Invocation, main, parse, render


def test_options_come_before_the_command() -> None:
    words = ["-h", "h", "-p", "1", "-p", "2", "-n", "3", "LRANGE", "k", "0", "-1"]
    assert parse(words, terminal=False) == Invocation("h", 2, 3, False, ("LRANGE", "k", "0", "-1"))


def test_decoration_follows_the_terminal_unless_told() -> None:
    assert parse(["PING"], terminal=True).decorated
    assert not parse(["--raw", "PING"], terminal=True).decorated
    assert parse(["--no-raw", "PING"], terminal=False).decorated


@pytest.mark.parametrize("words", [[], ["-p"], ["-p", "x", "PING"], ["--bigkeys"]])
def test_what_is_not_understood_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    assert "usage: redis-cli" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "plain", "decorated"),
    [
        (None, "", "(nil)"),
        (3, "3", "(integer) 3"),
        (b'a "b"', 'a "b"', '"a \\"b\\""'),
        ("OK", "OK", "OK"),
        ([], "", "(empty array)"),
        ([b"a", 1], "a\n1", '1) "a"\n2) (integer) 1'),
        ([[b"a", b"b"], b"c"], "a\nb\nc", '1) 1) "a"\n   2) "b"\n2) "c"'),
    ],
)
def test_answers_look_as_redis_cli_prints_them(answer: object, plain: str, decorated: str) -> None:
    assert render(answer, decorated=False) == plain
    assert render(answer, decorated=True) == decorated


def test_a_url_says_host_port_and_database() -> None:
    found = parse(["-u", "redis://127.0.0.1:7000/3", "PING"], terminal=False)
    assert (found.host, found.port, found.database, found.command) == ("127.0.0.1", 7000, 3, ("PING",))
    with pytest.raises(ValueError, match="not a URL"):
        parse(["-u", "127.0.0.1:7000", "PING"], terminal=False)
