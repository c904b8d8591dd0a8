"""Where Redis says that single writes are, on a real one."""

from typing import Any

import pytest

from service.traces.life import life_of
from service.traces.present import present
from service.writebehind import keys
from service.writebehind.entry import DeadLetter
from service.writebehind.scripts.following import Place, places
from tests.spans import request
from tests.write_path import OpenPath, WritePath


def place(path: WritePath, document: dict[str, Any]) -> Place:
    write = (str(document["id"]), int(document["version"]))
    return places(path.scripts, [write])[write]


def test_a_write_on_its_way(path: WritePath) -> None:
    first = path.create()
    assert place(path, first) == "queued"
    second = path.update(first["id"])
    assert (place(path, first), place(path, second)) == ("replaced", "queued")
    claim = path.buffer.claim(path.settings)
    assert (place(path, first), place(path, second)) == ("replaced", "in flight")
    third = path.update(first["id"])
    # Redis does not know which version the worker has in hand.
    assert [place(path, each) for each in (first, second, third)] == ["written", "written", "queued"]
    path.store.write([row.entry for row in claim.rows])
    path.buffer.ack(claim, claim.rows, rows_written=1)
    assert [place(path, each) for each in (second, third)] == ["replaced", "queued"]
    path.flusher.run()
    assert place(path, third) == "gone"


def test_a_write_that_failed(path: WritePath) -> None:
    product = path.create()
    claim = path.buffer.claim(path.settings)
    path.buffer.retry(claim, [(claim.rows[0], 1, 60.0)])
    assert place(path, product) == "retry"


def test_a_dead_letter_is_found_among_others_and_among_too_many_it_is_unknown(path: WritePath) -> None:
    product = path.create()
    claim = path.buffer.claim(path.settings)
    (row,) = claim.rows
    letter = DeadLetter.of(row.id, row.version, row.entry, error="refused", attempts=1)
    path.buffer.dead_letter(claim, [letter])
    path.redis.rpush(keys.DLQ, b"junk", b'{"id":"x"}')
    assert place(path, product) == "dead letter"
    assert places(path.scripts, [(row.id, row.version + 1)]) == {(row.id, row.version + 1): "gone"}
    path.redis.rpush(keys.DLQ, *[b"junk"] * 1_000)
    assert place(path, product) == "unknown"


def test_without_coalescing_older_writes_wait_as_well(open_path: OpenPath) -> None:
    path = open_path(write_coalescing_enabled="false")
    first = path.create()
    others = [path.update(first["id"]) for _ in range(2)]
    assert [place(path, each) for each in (first, *others)] == ["queued"] * 3
    path.buffer.claim(path.settings)
    assert [place(path, each) for each in (first, *others)] == ["in flight", "queued", "queued"]


def test_a_life_tells_what_waits_behind_a_claim(open_path: OpenPath) -> None:
    path = open_path()
    product = str(path.create()["id"])

    def now() -> tuple[bool | None, bool | None, list[int]]:
        seen, unread = present(path.redis, path.store, product)
        assert unread == []
        return seen.queued, seen.inflight, seen.backlog_versions

    assert now() == (True, False, [])
    claim = path.buffer.claim(path.settings)
    assert now() == (False, True, [])
    path.update(product)
    assert now() == (True, True, [])
    path.store.write([row.entry for row in claim.rows])
    path.buffer.ack(claim, claim.rows, rows_written=1)
    assert now() == (True, False, [])


def test_a_life_tells_what_waits_behind_a_claim_without_coalescing(open_path: OpenPath) -> None:
    path = open_path(write_coalescing_enabled="false")
    first = path.create()
    path.buffer.claim(path.settings)
    path.update(first["id"])
    seen, _ = present(path.redis, path.store, str(first["id"]))
    assert (seen.queued, seen.inflight, seen.backlog_versions) == (True, True, [first["version"]])


@pytest.mark.parametrize("coalescing", [True, False])
def test_a_life_tells_of_every_version_what_the_page_tells(open_path: OpenPath, coalescing: bool) -> None:
    path = open_path(write_coalescing_enabled=coalescing)
    product, versions, seen = "seed-001", list[int](), set[Place]()

    def update() -> None:
        versions.append(path.update(product)["version"])

    def agree() -> None:
        spans = [request(product, version, trace=version) for version in versions]
        told = life_of(product, spans, *present(path.redis, path.store, product)).writes
        outcomes: dict[Place, str] = {"queued": "accepted", "in flight": "in flight", "retry": "retrying"}
        found = places(path.scripts, [(product, version) for version in versions])
        expected = {write[1]: outcomes[place] for write, place in found.items() if place in outcomes}
        assert {w.version: w.outcome for w in told if w.outcome in outcomes.values()} == expected
        seen.update(found.values())

    for _ in range(2):
        update()
        agree()
    claim = path.buffer.claim(path.settings)
    agree()
    update()
    agree()
    path.buffer.release(claim, claim.rows)
    agree()
    claim = path.buffer.claim(path.settings)
    path.buffer.retry(claim, [(claim.rows[0], 1, 60.0)])
    agree()
    update()
    agree()
    assert seen >= {"queued", "in flight", "retry"}


def test_a_life_tells_which_versions_are_dead_letters(path: WritePath) -> None:
    product = "seed-001"
    path.update(product)
    for _ in range(2):
        (row,) = (claim := path.buffer.claim(path.settings)).rows
        letter = DeadLetter.of(row.id, row.version, row.entry, error="refused", attempts=1)
        path.buffer.dead_letter(claim, [letter])
        path.redis.rpush(keys.DLQ, b"junk", b"[]", b'{"id":"another","version":7}')
        newest = path.update(product)["version"]
        seen, unread = present(path.redis, path.store, product)
        assert (seen.dead_lettered, seen.dead_letter_versions[-1], unread) == (True, row.version, [])
    assert len(seen.dead_letter_versions) == 2
    assert (seen.pending_version, seen.queued) == (newest, True)


def test_nothing_is_known_of_what_was_never_written(path: WritePath) -> None:
    assert places(path.scripts, []) == {}
    assert places(path.scripts, [("a-z", 1), ("", 0)]) == {("a-z", 1): "gone", ("", 0): "gone"}


@pytest.mark.parametrize("key", [keys.PENDING, keys.INFLIGHT, keys.RETRY, keys.BACKLOG, keys.DLQ])
def test_a_key_of_the_wrong_type_stops_nothing(path: WritePath, key: str) -> None:
    path.redis.set(key, "junk")
    assert places(path.scripts, [("p", 1)]) == {("p", 1): "gone"}
