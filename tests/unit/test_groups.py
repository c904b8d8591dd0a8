"""Tests that share a lab or the ports of this machine run in one process."""

import pytest


@pytest.mark.xdist_group("acceptance")
def test_xdist_knows_the_groups(request: pytest.FixtureRequest) -> None:
    """xdist learns the groups only from the ends of the test names."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("the tests do not run in groups: `make test` runs them so")
    assert request.node.nodeid.endswith("@acceptance")
