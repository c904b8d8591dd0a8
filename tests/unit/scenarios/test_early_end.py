"""A request to end early is heeded where something looks for it, and refused elsewhere."""

from scenarios.early_end import EarlyEnd


def test_it_is_heeded_once_and_only_where_something_looks_for_it() -> None:
    early_end = EarlyEnd()
    assert not early_end.request()
    with early_end.heeded():
        assert [early_end.request(), early_end.requested, early_end.request()] == [True, True, False]
    fresh = EarlyEnd()
    with fresh.heeded():
        assert not fresh.requested
