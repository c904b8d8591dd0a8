"""The steps that wait for a condition."""

from typing import Final

from scenarios.judge.final_read import StoredValue
from scenarios.scenario import Play
from scenarios.scripted.outline import condition_in_words
from scenarios.scripted.script import Count, Duration, Wait
from scenarios.scripted.stage import Stage
from scenarios.settle import Depth
from stack.errors import DeadlinePassed, Inconclusive, NotRunning
from stack.spec.events import Advanced
from stack.spec.hints import labctl
from stack.wait import waiting

_POLL_S: Final = 0.05


def wait(stage: Stage, part: Wait) -> Play[None]:
    """Return once the condition holds. A service that does not answer may come back meanwhile.

    Raises:
        Inconclusive: it does not hold in time, or there is nothing to wait for.
    """
    if part.rows_of is not None and not stage.groups.get(part.rows_of):
        raise Inconclusive(
            f"no product of {part.rows_of!r} was acknowledged, so there is nothing to wait for",
            hint=f"see {labctl('status')} and {labctl('logs api')}",
        )
    words = condition_in_words(part)
    label = f"waiting until {words}"
    waited = False
    try:
        for _ in waiting(
            lambda: _holds(stage, part),
            seconds=part.timeout_s,
            reason=words,
            hint=f"see {labctl('status')} and {labctl('queue show')}; `timeout_s` gives it more time",
            poll=_POLL_S,
        ):
            if not waited:
                waited = True
                yield Advanced(label, 0, 1)
    except DeadlinePassed as error:
        raise Inconclusive(error.message, hint=error.hint) from error
    if waited:
        yield Advanced(label, 1, 1)


def within(limits: int | float | Count | Duration, value: float) -> bool:
    """Whether a value is within limits; a plain number must match exactly."""
    if isinstance(limits, int | float):
        return value == limits
    least, most = limits.at_least, limits.at_most
    return (least is None or value >= least) and (most is None or value <= most)


def _holds(stage: Stage, part: Wait) -> bool:
    try:
        if part.worker is not None or part.service is not None:
            return _state_holds(stage, part)
        if part.row is not None:
            row = stage.run.probe.rows([part.row]).get(part.row)
            return row is not None and row.value is not None
        if part.rows_of is not None:
            return _rows_hold(stage, part.rows_of)
        return _depth_holds(stage.run.probe.depth(), part)
    except NotRunning:
        return False


def _state_holds(stage: Stage, part: Wait) -> bool:
    if part.service is not None:
        return stage.run.lab.status()[part.service.name].state == part.service.state
    condition = stage.run.lab.condition()
    return condition is not None and any(worker.state == part.worker for worker in condition.workers)


def _rows_hold(stage: Stage, group: str) -> bool:
    products = stage.groups.get(group, {})
    rows: dict[str, StoredValue] = stage.run.probe.rows(products)
    return all(product in rows and rows[product].version >= version for product, version in products.items())


def _depth_holds(depth: Depth, part: Wait) -> bool:
    if part.flushed:
        return depth.unsettled == 0
    limits = {
        "queue": (part.queue, depth.queue),
        "inflight": (part.inflight, depth.inflight),
        "retrying": (part.retrying, depth.retrying),
        "dead_letters": (part.dead_letters, depth.dead_letters),
    }
    return all(wanted is None or within(wanted, value) for wanted, value in limits.values())
