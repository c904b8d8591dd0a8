"""What a misspelt word may have meant."""

from scenarios.suggest import closest, either


def test_capitals_and_dashes_make_no_difference() -> None:
    assert closest("Write-Trough", ["write_behind", "write_through"]) == ["write_through"]
    assert closest("data_los", ["data-loss", "basics"]) == ["data-loss"]
    assert closest("p9", ["p95", "p99", "max"], most=3) == ["p99", "p95"]
    assert closest("elephant", ["p95", "p99"]) == []


def test_alternatives() -> None:
    assert [either(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]
