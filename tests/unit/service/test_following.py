"""What becomes of the writes that the page follows."""

import pytest

from service.live.following import FOLLOWED, Following, State, Write, in_question
from service.writebehind.scripts.following import Place

A, B = ("a", 10), ("b", 20)


def states(following: Following) -> dict[Write, State]:
    return {(write.id, write.version): write.state for write in following.shown()}


def following(*writes: Write) -> Following:
    made = Following()
    made.add(writes, 0.0)
    return made


def learn(
    made: Following, places: dict[Write, Place], rows: dict[str, int] | None, *, coalescing: bool = True
) -> dict[Write, State]:
    made.learn(places, rows, 1.0, coalescing=coalescing)
    return states(made)


def test_nothing_is_shown_before_redis_was_asked() -> None:
    made = following(A)
    assert states(made) == {}
    assert made.asked() == [A]


@pytest.mark.parametrize("place", ["queued", "in flight", "retry", "dead letter"])
def test_redis_says_where_a_write_waits(place: Place) -> None:
    assert learn(following(A), {A: place}, {}) == {A: place}


@pytest.mark.parametrize(
    ("place", "row", "state"),
    [
        ("gone", 10, "persisted"),
        ("gone", 11, "coalesced"),
        ("gone", 9, "lost"),
        ("gone", 0, "lost"),
        ("replaced", 10, "persisted"),
        ("replaced", 0, "coalesced"),
        ("replaced", 11, "coalesced"),
    ],
)
def test_what_has_left_redis_is_judged_by_its_row(place: Place, row: int, state: State) -> None:
    assert learn(following(A), {A: place}, {"a": row} if row else {}) == {A: state}


@pytest.mark.parametrize("place", ["gone", "replaced", "unknown"])
def test_what_is_not_known_is_not_shown(place: Place) -> None:
    made = following(A)
    assert learn(made, {A: "queued"}, {}) == {A: "queued"}
    assert learn(made, {A: place}, None) == {}
    # It is asked for again.
    assert made.asked() == [A]
    assert learn(made, {A: "gone"}, {"a": 10}) == {A: "persisted"}


def test_without_coalescing_a_newer_row_does_not_tell_what_became_of_an_older_write() -> None:
    assert learn(following(A), {A: "gone"}, {"a": 11}, coalescing=False) == {}
    assert learn(following(A), {A: "replaced"}, {"a": 9}, coalescing=False) == {}


def test_the_newest_write_before_the_one_that_waits_is_in_the_workers_hand() -> None:
    one, two, three = ("a", 1), ("a", 2), ("a", 3)
    made = following(one, two, three)
    places: dict[Write, Place] = {one: "written", two: "written", three: "queued"}
    assert in_question(places) == ["a"]
    assert learn(made, places, {}) == {one: "coalesced", two: "in flight", three: "queued"}


def test_an_end_is_final_and_is_forgotten_after_a_while() -> None:
    made = following(A, B)
    learn(made, {A: "gone", B: "dead letter"}, {"a": 10})
    assert made.asked() == [B]
    made.learn({B: "queued"}, {}, 20.0, coalescing=True)
    assert states(made) == {B: "queued"}


def test_the_newest_are_followed_and_keep_their_place_while_they_move() -> None:
    many = [(f"p{n}", n) for n in range(1, 101)]
    made = following(*many)
    assert made.asked() == many[-FOLLOWED:]
    made.add([A], 1.0)
    assert A not in made.asked()
    # Nothing moved for 3 s.
    made.add([A], 3.0)
    assert len(made.asked()) == FOLLOWED
    assert A in made.asked()


def test_what_waited_before_anyone_looked_only_fills_up() -> None:
    made = following(A)
    made.fill_up([(f"p{n}", n) for n in range(1, 101)], 0.0)
    assert len(made.asked()) == FOLLOWED
    assert A in made.asked()
