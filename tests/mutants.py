"""Broken write paths: the defects of an earlier lab, put in on purpose, for tests only.

A mutant changes as little of the real write path as possible and runs on real Redis and PostgreSQL. Its story
(see mutant_stories.py) is the shortest workload in which the defect does harm.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scenarios.judge.verdict import Verdict
from service.writebehind.entry import Product, parse_product
from tests import mutant_parts as wrong
from tests import mutant_stories as stories
from tests.ledgered import LedgeredPath
from tests.rigged import RiggedScripts, RiggedStore
from tests.write_path import Parts

RIGGED: Final = Parts(scripts=RiggedScripts, store=RiggedStore)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    #: Its number in the list of defects, and what is wrong.
    defect: int
    name: str
    story: Callable[[LedgeredPath], None]
    #: What the verdict must say of the story on this mutant, and on no healthy path.
    flagged: Callable[[Verdict], bool]
    parts: Parts = RIGGED
    parse: Callable[[bytes], Product] = parse_product
    settings: dict[str, Any] = field(default_factory=dict)


def loses(verdict: Verdict) -> bool:
    return verdict.fates["lost"] > 0 and bool(verdict.lost_products)


def diverges(verdict: Verdict) -> bool:
    return verdict.validity == "invalid" and bool(verdict.diverged)


def loses_and_regresses(verdict: Verdict) -> bool:
    return loses(verdict) and verdict.validity == "invalid" and bool(verdict.regressed)


def gives_up(verdict: Verdict) -> bool:
    return verdict.fates["dead_lettered"] > 0


def loses_to_a_letter(verdict: Verdict) -> bool:
    return loses(verdict) and bool(verdict.checks["unexplained"].evidence)


def persists_nothing(verdict: Verdict) -> bool:
    return verdict.fates["pending"] == verdict.acknowledged


MUTANTS: Final = (
    Mutant(
        defect=1,
        name="a coalesced update never replaces the pending entry",
        story=stories.update_one_product_often,
        flagged=loses,
        parts=replace(RIGGED, scripts=wrong.with_lua({"write": [wrong.KEEPS_THE_FIRST]})),
    ),
    Mutant(
        defect=2,
        name="the window slides with every update",
        story=stories.update_without_end,
        flagged=persists_nothing,
        parts=replace(RIGGED, scripts=wrong.with_lua({"write": [wrong.SLIDES]})),
        settings={"coalescing_window_ms": 50},
    ),
    Mutant(
        defect=3,
        name="the cache is set in a command of its own",
        story=stories.update_between_the_steps_of_another,
        flagged=diverges,
        parts=replace(RIGGED, writes=wrong.CachesApart),
    ),
    Mutant(
        defect=4,
        name="rows are popped, then written",
        story=stories.kill_the_worker_in_mid_batch,
        flagged=loses,
        parts=replace(RIGGED, buffer=wrong.PopsFirst),
        settings={"batch_size": 10, "lease_ms": 100},
    ),
    Mutant(
        defect=5,
        name="one malformed entry takes its batch along",
        story=stories.queue_something_malformed,
        flagged=loses,
        parts=replace(RIGGED, flusher=wrong.DropsTheBatch),
    ),
    Mutant(
        defect=6,
        name="a row is dropped if the dead letter queue is out of reach",
        story=stories.fail_to_dead_letter,
        flagged=loses,
        parts=replace(RIGGED, buffer=wrong.DropsUnpushed),
        settings={"lease_ms": 100},
    ),
    Mutant(
        defect=7,
        name="values that PostgreSQL refuses are acknowledged",
        story=stories.send_what_postgres_refuses,
        flagged=gives_up,
        parse=wrong.parse_anything,
    ),
    Mutant(
        defect=8,
        name="an update of no rows counts as success",
        story=stories.create_and_update,
        flagged=loses,
        parts=replace(
            RIGGED,
            store=wrong.with_sql(
                "WHERE deleted IS NOT TRUE\n",
                "WHERE deleted IS NOT TRUE AND id IN (SELECT id FROM products)\n",
            ),
        ),
    ),
    Mutant(
        defect=9,
        name="a read caches a row whose delete is pending",
        story=stories.delete_while_another_reads,
        flagged=diverges,
        parts=replace(RIGGED, scripts=wrong.with_lua({"fill": wrong.FILLS_ALWAYS})),
    ),
    Mutant(
        defect=10,
        name="a read does not look at what is pending",
        story=stories.read_an_evicted_product,
        flagged=diverges,
        parts=replace(
            RIGGED, scripts=wrong.with_lua({"read": [wrong.OVERLOOKS_PENDING], "fill": wrong.FILLS_ALWAYS})
        ),
    ),
    Mutant(
        defect=11,
        name="rows carry no version guard",
        story=stories.write_what_was_claimed_too_late,
        flagged=loses_and_regresses,
        parts=replace(RIGGED, store=wrong.with_sql("WHERE held.version < excluded.version", "WHERE true")),
        settings={"lease_ms": 100},
    ),
    Mutant(
        defect=11,
        name="deletes leave no tombstone that guards",
        story=stories.write_what_was_deleted_meanwhile,
        flagged=loses_and_regresses,
        parts=replace(RIGGED, store=wrong.with_sql("tomb.version >= ", "tomb.version < 0 AND 0 < ")),
    ),
    Mutant(
        defect=12,
        name="queue and cache share a Redis that evicts any key",
        story=stories.fill_the_memory,
        flagged=loses,
        parts=replace(RIGGED, scripts=wrong.EvictsAnyKey),
    ),
    Mutant(
        defect=14,
        name="an outage sends everything to the dead letter queue",
        story=stories.flush_in_an_outage,
        flagged=gives_up,
        parts=replace(RIGGED, flusher=wrong.GivesUpInAnOutage),
    ),
    Mutant(
        defect=15,
        name="write-through caches before the commit",
        story=stories.fail_to_commit,
        flagged=diverges,
        parts=replace(RIGGED, writes=wrong.CachesFirst),
    ),
    Mutant(
        defect=18,
        name="a later write gets an earlier version",
        story=stories.create_and_update,
        flagged=loses,
        parts=replace(RIGGED, writes=wrong.VersionsGoBack),
    ),
    Mutant(
        defect=19,
        name="a dead letter holds something else than what was given up",
        story=stories.give_a_row_up,
        flagged=loses_to_a_letter,
        parts=replace(RIGGED, buffer=wrong.MangledLetters),
    ),
)
