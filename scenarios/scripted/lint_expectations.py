"""Lints what a script predicts: totals that exist, groups that are written, limits that can be kept."""

from collections.abc import Mapping

from scenarios.scripted.checking import Check, check_limits
from scenarios.scripted.predictions import predictions
from scenarios.scripted.problem import Path, suggest
from scenarios.scripted.script import ALL, Count, Expect, Fates, Percentiles
from service.writebehind.totals import TOTALS


def lint_totals(check: Check, path: Path, totals: Mapping[str, int | Count]) -> None:
    """The totals of a step."""
    if not totals:
        check.refuse(path, "nothing is checked", f"name a total: {', '.join(TOTALS)}")
    for name, limits in totals.items():
        _lint_total(check, (*path, name), name)
        check_limits(check, (*path, name), limits)


def lint_expectations(check: Check, expect: Expect) -> None:
    """What is predicted for the end."""
    for one in predictions(expect):
        if one.where == "totals":
            _lint_total(check, one.path, one.name)
        check_limits(check, one.path, one.limits)
    parts: dict[str, Mapping[str, Fates | Percentiles]] = {
        "fates": expect.fates,
        "acknowledgement": expect.acknowledgement,
        "persist_lag": expect.persist_lag,
    }
    for where, groups in parts.items():
        for group, part in groups.items():
            _lint_group(check, ("expect", where, group), group, part)


def _lint_total(check: Check, path: Path, name: str) -> None:
    if name not in TOTALS:
        check.refuse(path, f"{name[:40]!r} is not a total", suggest(name, tuple(TOTALS)))


def _lint_group(check: Check, path: Path, group: str, part: Fates | Percentiles) -> None:
    if group != ALL and group not in check.groups:
        known = (ALL, *sorted(check.groups))
        check.refuse(path, f"no step writes the group {group[:40]!r}", suggest(group, known))
    names = part.__struct_fields__
    if all(getattr(part, name) is None for name in names):
        check.refuse(path, "nothing is expected of it", f"give one of {', '.join(names)}")
