"""A client keeps the newest of its products, whatever it deletes meanwhile."""

import time
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scenarios.load.own_products import OwnProducts

MOST = 4


def kept(own: OwnProducts) -> set[str]:
    return {own.any() for _ in range(200)} if len(own) else set()


@given(st.lists(st.tuples(st.sampled_from(["note", "forget"]), st.integers(0, 9))))
def test_the_oldest_makes_room(steps: list[tuple[str, int]]) -> None:
    own, model = OwnProducts(MOST, Random(1)), dict[str, int]()
    for version, (step, number) in enumerate(steps):
        product = f"p{number}"
        if step == "forget":
            own.forget(product)
            model.pop(product, None)
            continue
        if product not in model and len(model) == MOST:
            del model[next(iter(model))]
        model[product] = version
        own.note(product, version)
    assert len(own) == len(model)
    assert kept(own) == set(model)
    assert {product: own.version(product) for product in model} == model


def test_after_a_deletion_the_oldest_still_goes_first() -> None:
    own = OwnProducts(3, Random(1))
    for version, product in enumerate(("a", "b", "c")):
        own.note(product, version)
    own.forget("a")
    own.note("d", 3)
    own.note("e", 4)
    assert kept(own) == {"c", "d", "e"}


def _seconds(most: int) -> float:
    """What 2,000 products cost that come to a full store, and are deleted at once."""
    own = OwnProducts(most, Random(1))
    for number in range(most):
        own.note(f"old-{number}", number)
    begun = time.process_time()
    for number in range(2_000):
        own.note(f"stays-{number}", number)
        own.note(f"new-{number}", number)
        own.forget(f"new-{number}")
    return time.process_time() - begun


def test_deleting_takes_no_longer_with_many_products() -> None:
    assert min(_seconds(100_000) for _ in range(3)) < 20 * min(_seconds(100) for _ in range(3))
