"""What only Redis has, once someone has deleted or damaged keys: no entry is hidden. On a real Redis."""

from service.writebehind import keys
from tests.entries import SEED, claim, entry, exposed, persist, writes_of
from tests.write_path import WritePath


def test_nothing_is_exposed_after_flushall(path: WritePath) -> None:
    path.update(SEED)
    held = claim(path)
    path.redis.flushall()
    assert exposed(path) == (0, 0)
    path.update(SEED)
    persist(path, held)
    assert exposed(path) == (1, 1)


def test_entries_that_someone_deleted_are_not_exposed(path: WritePath) -> None:
    for _ in range(3):
        path.update(SEED)
    held = claim(path)
    path.redis.delete(keys.PENDING)
    assert exposed(path) == (0, 0)
    path.update(SEED)
    assert exposed(path) == (1, 1)
    persist(path, held)
    assert exposed(path) == (1, 1)
    persist(path, claim(path))
    assert exposed(path) == (0, 0)


def test_every_entry_counts_though_someone_deleted_the_totals(path: WritePath) -> None:
    for _ in range(3):
        path.update(SEED)
    other = path.create()["id"]
    path.redis.delete(keys.TOTALS)
    assert exposed(path) == (2, 2)
    persist(path, claim(path))
    path.update(other)
    path.update(other)
    assert exposed(path) == (2, 1)


def test_a_count_that_holds_junk_is_right_again_once_nothing_is_pending(path: WritePath) -> None:
    for junk in ("", "junk", "9" * 30, "-1", "1.5"):
        path.update(SEED)
        path.redis.hset(keys.TOTALS, mapping={"accepted": junk, "settled": junk})
        path.update(SEED)
        assert path.queue().exposed.writes >= 1
        persist(path, claim(path))
        path.update(SEED)
        path.update(SEED)
        assert exposed(path) == (2, 1), junk
        persist(path, claim(path))


def test_an_entry_that_does_not_say_counts_as_one_write(path: WritePath) -> None:
    path.update(SEED)
    path.update(SEED)
    old = entry(path).replace(b',"writes":2', b"")
    path.redis.hset(keys.PENDING, SEED, old)
    assert b'"writes"' not in old
    held = claim(path)
    path.update(SEED)
    path.buffer.release(held, held.rows)
    assert writes_of(entry(path)) == 2
    persist(path, claim(path))
    assert exposed(path) == (0, 0)
