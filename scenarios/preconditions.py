"""What a measurement depends on. Without it, nothing can be concluded."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from scenarios.judge.ledger import Write
from scenarios.lab.context import Run
from scenarios.lab.problem import in_words
from service.writebehind.keys import WORKER_LIFE_US
from service.writebehind.setting import render
from stack.errors import DeadlinePassed, Inconclusive
from stack.spec.hints import labctl
from stack.wait import wait_until

#: An audience does not wait longer than this for a flush.
_LONGEST_FLUSH_DELAY_MS: Final = 20_000
#: A worker that runs has said so by then.
_WORKER_TIMEOUT_S: Final = WORKER_LIFE_US / 1_000_000 + 0.5


def require_settings(run: Run, why: str, **wanted: object) -> dict[str, Any]:
    """Require that the lab runs with these settings.

    Args:
        why: What happens otherwise: "nothing can be coalesced".
        wanted: The settings, by name.

    Returns:
        All settings of the lab.

    Raises:
        Inconclusive: a setting has another value.
    """
    config = run.client.config()
    for setting, value in wanted.items():
        if config[setting] != value:
            raise Inconclusive(
                f"this lab runs with {setting}={render(config[setting])}, so {why}",
                hint=f"change it with {labctl(f'config set {setting}={render(value)}')}",
            )
    return config


def require_flushing(run: Run) -> None:
    """Wait briefly until acknowledged writes reach PostgreSQL.

    Just after Redis was emptied no worker has said yet that it runs, and just after an outage the worker has
    not tried again yet.

    Raises:
        Inconclusive: they do not.
    """
    with suppress(DeadlinePassed):
        wait_until(
            lambda: _obstacle(run) is None,
            seconds=_WORKER_TIMEOUT_S,
            reason="a worker flushes",
            hint=labctl("status"),
            poll=0.1,
        )
    if obstacle := _obstacle(run):
        raise obstacle


def _obstacle(run: Run) -> Inconclusive | None:
    """Why acknowledged writes do not reach PostgreSQL; None if they do."""
    condition = run.lab.condition()
    if condition is None:
        return Inconclusive(
            "Redis does not answer", hint=f"{labctl('status')} says what runs; {labctl('up')} repairs it"
        )
    if trouble := condition.trouble():
        return Inconclusive(
            f"acknowledged writes do not reach PostgreSQL: {trouble}",
            hint=f"{labctl('status')} says what can be done",
        )
    if not condition.workers:
        return Inconclusive("no worker is running", hint=f"start one with {labctl('worker start')}")
    suspended = [worker for worker in condition.workers if worker.state == "suspended"]
    if len(suspended) == len(condition.workers):
        return Inconclusive(
            f"acknowledged writes will not reach PostgreSQL: {suspended[0].trouble()}",
            hint=f"{labctl('exec redis -- redis-cli DEL rq:suspended')} lets it go on, as `rq resume` does",
        )
    return None


def flush_delay(config: Mapping[str, Any]) -> int:
    """How long a write waits before it is flushed, ms.

    Args:
        config: The lab's settings.

    Raises:
        Inconclusive: too long for an audience to watch.
    """
    setting = "coalescing_window_ms" if config["write_coalescing_enabled"] else "flush_interval_ms"
    delay_ms = int(config[setting])
    if delay_ms > _LONGEST_FLUSH_DELAY_MS:
        raise Inconclusive(
            f"this lab lets a write wait for {delay_ms / 1000:g} s, too long to watch",
            hint=f"shorten it with {labctl(f'config set {setting}=500')}",
        )
    return delay_ms


def require_no_failures(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings again. Raises Inconclusive if the worker fails writes on purpose."""
    if config["simulate_db_failure"]:
        raise Inconclusive(
            f"this lab fails {config['failure_rate']:.0%} of its database writes on purpose",
            hint=f"end that with {labctl('config set simulate_db_failure=false')}",
        )
    return config


def require_no_dead_letters(run: Run) -> None:
    """Raises Inconclusive if there are dead letters, which would be put back with those of the run."""
    if run.probe.depth().dead_letters:
        raise Inconclusive(
            "there are dead letters from before this run, which would be put back with its own",
            hint=f"look at them with {labctl('dlq list')}; "
            f"then {labctl('dlq requeue')} or {labctl('dlq drop')}",
        )


def require_acknowledged(writes: Sequence[Write]) -> None:
    """Raises Inconclusive unless every one of these writes was acknowledged."""
    failed = [write for write in writes if write.answer != "acknowledged"]
    if failed:
        raise Inconclusive(
            f"{len(failed)} of {len(writes)} writes were not acknowledged ({failed[0].answer})",
            hint=reason_of(failed[0]),
        )


def reason_of(write: Write) -> str:
    """Why a write was not acknowledged, in the words of the service."""
    return in_words(write.detail) or f"{labctl('logs api')} may say why"
