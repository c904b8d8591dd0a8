"""Checks what types can't express: that exactly one thing is chosen, and that what is named exists."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scenarios.catalogue import DEMOS, LOADS, load_name
from scenarios.faults.action import FAILURE_SETTINGS, Action, Fault
from scenarios.faults.language import parse_action, require_possible
from scenarios.load.phases import PHASES
from scenarios.scripted.checking import Check, check_limits
from scenarios.scripted.lint_expectations import lint_expectations, lint_totals
from scenarios.scripted.loads import choose_load
from scenarios.scripted.problem import Mark, Path, Problem, suggest
from scenarios.scripted.script import (
    ACTIONS,
    ALL,
    CONDITIONS,
    Cleanup,
    Delete,
    Load,
    Script,
    Step,
    Update,
)
from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import LIVE_SETTINGS, Settings
from stack.errors import UsageError

#: In all steps, loads apart: more would take minutes.
MOST_WRITES: Final = 100_000
_BUILT_IN: Final = frozenset(
    [*DEMOS, "all", *(load_name(kind, engine) for engine, kinds in LOADS.items() for kind in kinds)]
)


def check_meaning(script: Script, marks: Mapping[Path, Mark]) -> list[Problem]:
    """What is wrong with a script whose types are right.

    Args:
        marks: Where each value stands.
    """
    check = Check(marks)
    if script.name in _BUILT_IN:
        check.refuse(("name",), f"{script.name!r} is a built-in scenario", "choose another name")
    for number, step in enumerate(script.steps):
        _check_step(check, ("steps", number), step)
    for number, cleanup in enumerate(script.cleanup):
        _check_cleanup(check, ("cleanup", number), cleanup)
    _check_order_of_faults(check)
    lint_expectations(check, script.expect)
    if check.writes > MOST_WRITES:
        check.refuse(
            ("steps",), f"the steps make {check.writes:,} writes", f"at most {MOST_WRITES:,}; use a load"
        )
    return check.problems


def _given(part: Any, names: Sequence[str]) -> list[str]:
    return [name for name in names if getattr(part, name) is not None]


def _check_step(check: Check, path: Path, step: Step) -> None:
    actions = _given(step, ACTIONS)
    for surplus in actions[1:]:
        check.refuse((*path, surplus), f"the step has {actions[0]!r} already", "make this a step of its own")
    if not actions:
        if step.narrate is None and step.matters is None:
            check.refuse(path, "the step does nothing", f"give one of {', '.join(ACTIONS)}")
        elif step.title is not None:
            check.refuse((*path, "title"), "only a step that does something has a title", "leave it out")
    for name in actions:
        _CHECKS.get(name, _nothing)(check, (*path, name), getattr(step, name))


def _check_cleanup(check: Check, path: Path, cleanup: Cleanup) -> None:
    known = ("delete", "fault", "dead_letters")
    actions = _given(cleanup, known)
    for surplus in actions[1:]:
        check.refuse((*path, surplus), f"the item has {actions[0]!r} already", "make this an item of its own")
    if not actions:
        check.refuse(path, "the item does nothing", f"give one of {', '.join(known)}")
    if cleanup.delete is not None:
        _check_delete(check, (*path, "delete"), cleanup.delete)
    if cleanup.fault is not None:
        action = _action(check, (*path, "fault"), cleanup.fault)
        if action is not None and action.breaks:
            target = action.target
            mends = "off" if target == "failures" else "start"
            check.refuse(
                (*path, "fault"), f"{action} breaks something, and a clean-up mends", f"{target}:{mends} does"
            )


def _nothing(check: Check, path: Path, part: Any) -> None:
    """What its type says is enough."""


def _check_create(check: Check, path: Path, part: Any) -> None:
    check.writes += part.count
    if part.group is not None:
        _own_group(check, path, part.group)
        check.products[part.group] = check.products.get(part.group, 0) + part.count


def _check_update(check: Check, path: Path, part: Update) -> None:
    check.writes += part.count * _check_target(check, path, part)


def _check_delete(check: Check, path: Path, part: Delete) -> None:
    check.writes += _check_target(check, path, part)


def _check_target(check: Check, path: Path, part: Update | Delete) -> int:
    """How many products it is about."""
    chosen = _given(part, ("of", "product"))
    if len(chosen) != 1:
        told = "names no products" if not chosen else "names a group and a product"
        check.refuse(path, f"it {told}", "give either `of: GROUP` or `product: ID`")
    if part.group is not None:
        _own_group(check, path, part.group)
    if part.of is None:
        return 1
    _known_products(check, (*path, "of"), part.of)
    return check.products.get(part.of, 0)


def _own_group(check: Check, path: Path, group: str) -> None:
    if group == ALL:
        check.refuse((*path, "group"), f"the group {ALL!r} stands for all writes", "choose another name")
    elif group in PHASES:
        check.refuse(
            (*path, "group"), f"the writes of a load are in the group {group!r}", "choose another name"
        )
    check.groups.add(group)


def _known_products(check: Check, path: Path, group: str) -> None:
    if group not in check.products:
        known = tuple(check.products)
        hint = suggest(group, known) if known else "create some first, with `group:`"
        check.refuse(path, f"no step before has created the group {group!r}", hint)


def _check_wait(check: Check, path: Path, part: Any) -> None:
    chosen = _given(part, CONDITIONS)
    for surplus in chosen[1:]:
        check.refuse((*path, surplus), f"it waits for {chosen[0]!r} already", "make this a step of its own")
    if not chosen:
        check.refuse(path, "it waits for nothing", f"give one of {', '.join(CONDITIONS)}")
    if part.rows_of is not None:
        _known_products(check, (*path, "rows_of"), part.rows_of)
    for name in ("queue", "inflight", "retrying", "dead_letters"):
        check_limits(check, (*path, name), getattr(part, name))


def _check_load(check: Check, path: Path, part: Load) -> None:
    try:
        choose_load(part)
    except UsageError as error:
        check.refuse(path, _without_dashes(error.message), _without_dashes(error.hint))


def _without_dashes(text: str) -> str:
    """What a command line calls --writes-per-second is writes_per_second here."""
    return re.sub(r"--([a-z][a-z-]*)", lambda match: match[1].replace("-", "_"), text)


def _check_fault(check: Check, path: Path, fault: str) -> None:
    action = _action(check, path, fault)
    if action is not None:
        check.actions.append((path, action))


def _action(check: Check, path: Path, fault: str) -> Action | None:
    try:
        return parse_action(fault)
    except UsageError as error:
        check.refuse(path, error.message, error.hint)
        return None


def _check_order_of_faults(check: Check) -> None:
    """Nothing is started that runs, or killed that is down."""
    so_far: list[Action] = []
    for number, (path, action) in enumerate(check.actions, 1):
        try:
            require_possible([Fault((one,)) for one in [*so_far, replace(action, at=float(number))]])
        except UsageError as error:
            check.refuse(path, error.message.replace(f"@{number}s", ""), error.hint)
        else:
            so_far.append(replace(action, at=float(number)))


def _check_settings(check: Check, path: Path, settings: Mapping[str, Any]) -> None:
    if not settings:
        check.refuse(path, "no setting is changed", "name one, or leave the step out")
    for name, value in settings.items():
        if name in FAILURE_SETTINGS:
            check.refuse((*path, name), f"{name!r} is a fault", "write `fault: failures:on=30%` instead")
            continue
        if name not in LIVE_SETTINGS:
            check.refuse(
                (*path, name), f"{name[:40]!r} is not a live setting", suggest(name, tuple(LIVE_SETTINGS))
            )
            continue
        try:
            Settings().changed({name: value})
        except InvalidSettings as error:
            reason = "; ".join(error.problems.values())
            check.refuse((*path, name), f"{name}: {reason}", f"it can be {LIVE_SETTINGS[name].range}")


_CHECKS: Final[Mapping[str, Any]] = {
    "create": _check_create,
    "update": _check_update,
    "delete": _check_delete,
    "wait": _check_wait,
    "load": _check_load,
    "fault": _check_fault,
    "settings": _check_settings,
    "check": lint_totals,
}
