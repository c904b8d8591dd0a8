"""Runbook part 7: failing database writes are retried, set aside, and put back; none is lost."""

from typing import Any, Final

from scenarios.conclude import conclude, established, reach_verdict
from scenarios.events import Checked, Measured, Narrated, TableShown
from scenarios.faults.action import Action
from scenarios.faults.borrowed import Borrowed
from scenarios.faults.inject import Injector, prove, require_effect
from scenarios.faults.language import parse_action
from scenarios.faults.look import look
from scenarios.faults.sight import Sight
from scenarios.judge.ledger import Write
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.preconditions import (
    flush_delay,
    require_acknowledged,
    require_settings,
)
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, labctl_for, redis_cli
from service.writebehind import keys
from stack.errors import DeadlinePassed, Inconclusive
from stack.spec.events import Advanced
from stack.spec.hints import labctl
from stack.wait import waiting

_UNLUCKY: Final = 20
_DOOMED: Final = 5
_MAX_RETRIES: Final = 3
#: Retries come quickly, so that the audience need not wait. With ten of them and 30 % failures, one write in
#: half a million is set aside.
_SOMETIMES: Final = {
    "simulate_db_failure": True,
    "failure_rate": 0.3,
    "max_retries": 10,
    "retry_delay_ms": 50,
}
_ALWAYS: Final = {**_SOMETIMES, "failure_rate": 1.0, "max_retries": _MAX_RETRIES}
_ON_SOMETIMES: Final = parse_action("failures:on=30%")
_ON_ALWAYS: Final = parse_action("failures:on=100%")
_OFF: Final = parse_action("failures:off")
#: How long the worker may take to retry, or to set aside, all of them.
_RETRY_TIMEOUT_S: Final = 30.0


def play(run: Run, options: Options) -> Play[Conclusion]:
    """Let some writes fail now and then, others always, until the database works again."""
    flush_delay(require_settings(run, "nothing waits for the worker", write_policy="write_behind"))
    # Cut short, the worker stops failing on purpose, and no dead letter of this run stays behind.
    with Borrowed(run, _SOMETIMES) as settings, Injector(run, [_ON_ALWAYS, _OFF]):
        checks = [(yield from _fail_sometimes(run)), (yield from _fail_always(run))]
        yield from _put_back(run, settings)

    yield Step("Nothing is lost", curl("GET", f"{run.api_url}/admin/queue"))
    verdict = yield from reach_verdict(run)
    missing = sum(verdict.fates[fate] for fate in ("lost", "pending", "dead_lettered"))
    arrived = Checked(
        "every acknowledged write is in PostgreSQL",
        "0 missing",
        f"{missing} missing",
        passed=established(verdict, passed=missing == 0),
    )
    yield arrived
    yield Narrated(
        "Retries handle failures that pass. A write that keeps failing is set aside with its error, where a "
        "person can look at it, and does not hold up the others.",
        "matters",
    )
    text = f"All {verdict.acknowledged} writes are in PostgreSQL: retried, or put back by hand."
    return conclude(verdict, [*checks, arrived], text)


def _prove(run: Run, action: Action, before: Sight) -> Play[None]:
    """Raises Inconclusive unless the action took effect."""
    event = prove(run, action, before)
    yield event
    require_effect(event)


def _create(run: Run, name: str, count: int) -> list[Write]:
    writes = [
        run.client.create({"name": f"{name}-{n}", "price": 19.99, "quantity": n}, group=name)
        for n in range(1, count + 1)
    ]
    require_acknowledged(writes)
    return writes


def _fail_sometimes(run: Run) -> Play[Checked]:
    command = labctl_for(run.lab.name, "config set SIMULATE_DB_FAILURE=true FAILURE_RATE=0.3")
    yield Step("Three writes in ten fail", command)
    before, whole = run.probe.totals(), look(run.lab, "failures")
    run.client.change_config(_SOMETIMES)
    writes = _create(run, "Retried", _UNLUCKY)
    if not (yield from run.probe.settle(_RETRY_TIMEOUT_S)).quiet:
        raise Inconclusive(
            f"writes are still being retried after {_RETRY_TIMEOUT_S:g} s",
            hint=f"{labctl('logs worker')} may say why",
        )
    rows = run.probe.rows([str(write.product) for write in writes])
    retried = run.probe.totals().get("retried", 0) - before.get("retried", 0)
    if not retried:
        raise Inconclusive("by chance, no write failed", hint="run the demo again")
    yield from _prove(run, _ON_SOMETIMES, whole)
    yield Measured("retried", "attempts that failed and were repeated", retried)
    check = Checked(
        "a retry repairs what failed for a moment",
        f"{len(writes)} of {len(writes)} rows",
        f"{len(rows)} of {len(writes)} rows",
        passed=len(rows) == len(writes),
    )
    yield check
    return check


def _fail_always(run: Run) -> Play[Checked]:
    command = labctl_for(run.lab.name, f"config set FAILURE_RATE=1 MAX_RETRIES={_MAX_RETRIES}")
    yield Step("Every write fails", command)
    whole = look(run.lab, "failures")
    run.client.change_config(_ALWAYS)
    writes = _create(run, "Doomed", _DOOMED)
    yield Narrated(f"{_DOOMED} products are acknowledged. Their clients can't know what will happen to them.")
    yield from _wait_for_dead_letters(run)
    yield from _prove(run, _ON_ALWAYS, whole)

    command = redis_cli(run.lab.urls()["redis"], "LRANGE", keys.DLQ, "0", "-1")
    yield Step("The dead letter queue", command)
    letters = run.probe.dead_letters()
    yield TableShown(
        "dead_letters",
        "Dead letters",
        ("product", "attempts", "error"),
        tuple((_name(letter), str(letter.get("attempts")), str(letter.get("error"))) for letter in letters),
    )
    attempts = sorted({int(letter.get("attempts", 0)) for letter in letters})
    check = Checked(
        "each is tried once, retried MAX_RETRIES times, and then set aside",
        f"{len(writes)} letters, {_MAX_RETRIES + 1} attempts",
        f"{len(letters)} letters, {', '.join(map(str, attempts))} attempts",
        passed=len(letters) == len(writes) and attempts == [_MAX_RETRIES + 1],
    )
    yield check
    return check


def _wait_for_dead_letters(run: Run) -> Play[None]:
    """Raises Inconclusive if they do not come."""
    label = "set aside"
    try:
        for _ in waiting(
            lambda: run.probe.depth().dead_letters >= _DOOMED,
            seconds=_RETRY_TIMEOUT_S,
            reason="the writes are in the dead letter queue",
            hint=f"is the worker running? see {labctl('logs worker')}",
            poll=0.1,
        ):
            yield Advanced(label, min(run.probe.depth().dead_letters, _DOOMED), _DOOMED)
    except DeadlinePassed as error:
        raise Inconclusive(error.message, hint=error.hint) from error
    yield Advanced(label, _DOOMED, _DOOMED)


def _name(letter: dict[str, Any]) -> str:
    entry = letter.get("entry")
    return str(entry.get("name")) if isinstance(entry, dict) else str(letter.get("id"))


def _put_back(run: Run, settings: Borrowed) -> Play[None]:
    command = labctl_for(run.lab.name, "config set SIMULATE_DB_FAILURE=false")
    requeue = curl("POST", f"{run.api_url}/admin/dlq/requeue")
    yield Step("The database works again: put them back", f"{command} && \\\n  {requeue}")
    failing = look(run.lab, "failures")
    settings.put_back()
    yield from _prove(run, _OFF, failing)
    answer = run.client.requeue_dead_letters()
    yield Measured("requeued", "dead letters put back", int(answer["requeued"]), "letters")


SCENARIO: Final = Scenario(
    name="retries",
    title="Retries and dead letters",
    summary="The worker's database writes fail on purpose: first some of them, which a retry repairs, then "
    "all, which fills the dead letter queue. Put back, the dead letters reach PostgreSQL after all.",
    steps=5,
    play=play,
)
