from concurrent.futures import ThreadPoolExecutor

from scenarios.judge.ledger import Ledger, Write
from tests.unit.scenarios.histories import acknowledged, refused, unknown


def of(*writes: Write) -> Ledger:
    ledger = Ledger()
    for write in writes:
        ledger.record(write)
    return ledger


def test_a_new_ledger_is_empty() -> None:
    ledger = Ledger()
    assert (ledger.writes, ledger.products()) == ((), frozenset())


def test_writes_stay_in_the_order_of_their_answers() -> None:
    writes = (acknowledged("a", 2), refused("b"), unknown("c"), acknowledged("a", 1))
    assert of(*writes).writes == writes


def test_products_that_a_write_named_or_was_given() -> None:
    assert of(acknowledged("a", 1), refused("b"), unknown(None)).products() == {"a", "b"}


def test_what_was_handed_out_does_not_change() -> None:
    ledger = of(acknowledged("a", 1))
    before = ledger.writes
    ledger.record(acknowledged("a", 2))
    assert len(before) == 1


def test_several_threads_record_without_losing_any() -> None:
    ledger = Ledger()
    with ThreadPoolExecutor(8) as pool:
        for version in range(2000):
            pool.submit(ledger.record, acknowledged("p", version))
    assert {write.version for write in ledger.writes} == set(range(2000))


def test_what_is_released_is_counted_and_keeps_its_number() -> None:
    ledger = of(acknowledged("a", 1), refused("b"), acknowledged("c", 2))
    ledger.release(2)
    assert [write.product for write in ledger.writes] == ["c"]
    assert ledger.since(2) == list(ledger.writes)
    assert (ledger.count("acknowledged"), ledger.count("refused"), ledger.count("unknown")) == (2, 1, 0)
