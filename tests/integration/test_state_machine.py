"""A state machine drives the Lua core against a small model, on real Redis.

The model knows, for every product, the versions acknowledged since Redis was last emptied, and keeps
"PostgreSQL" as a dictionary under the same version guard as the SQL.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.servers import Servers
from tests.state_machine.write_behind import WriteBehind


def test_a_claim_that_was_replaced_and_left_behind_is_accounted_for(servers: Servers) -> None:
    """Replaced while coalescing, then with older entries kept behind it, then given up by its worker."""
    WriteBehind.servers = servers
    for worker_returns in (True, False):
        state = WriteBehind()
        state.configure(coalescing=True)
        for coalescing in (True, False):
            state.write(product="p0", delete=False, quantity=0)
            if coalescing:
                state.claim()
                state.write(product="p0", delete=False, quantity=1)
            state.switch_coalescing(coalescing=False)
        state.accounts_balance()
        if worker_returns:
            state.buffer.ack(state.claims[0], state.claims[0].rows, rows_written=1)
        else:
            state.claim_after_all_leases_ended()
        state.accounts_balance()
        state.teardown()


def test_older_entries_of_a_clock_that_was_lost_are_accounted_for(servers: Servers) -> None:
    """Kept while coalescing was off, dated by a clock that was two hours ahead of its successor."""
    WriteBehind.servers = servers
    state = WriteBehind()
    state.configure(coalescing=False)
    state.write(product="p1", delete=False, quantity=0)
    state.step_the_wall_clock(1, again=True)
    for quantity in (1, 2):
        state.write(product="p0", delete=False, quantity=quantity)
    state.lose_the_clock("junk")
    state.write(product="p0", delete=False, quantity=3)
    state.claim()
    state.accounts_balance()
    state.claim_after_all_leases_ended()
    state.accounts_balance()
    state.teardown()


@pytest.mark.parametrize("examples", [30, pytest.param(150, marks=pytest.mark.slow)])
def test_the_lua_core_against_its_model(servers: Servers, examples: int) -> None:
    WriteBehind.servers = servers
    run_state_machine_as_test(
        WriteBehind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
