"""Checks what a script predicts: totals that exist, groups that are written, limits that can be kept."""

from collections.abc import Iterator, Mapping
from typing import Any

from scenarios.scripted.checking import Check, check_limits
from scenarios.scripted.problem import Path, suggest
from scenarios.scripted.script import ALL, Count, Expect, Fates, Percentiles
from service.writebehind.totals import TOTALS


def check_totals(check: Check, path: Path, totals: Mapping[str, int | Count]) -> None:
    if not totals and path[0] == "steps":
        check.refuse(path, "nothing is checked", f"name a total: {', '.join(TOTALS)}")
    for name, limits in totals.items():
        if name not in TOTALS:
            check.refuse((*path, name), f"{name[:40]!r} is not a total", suggest(name, tuple(TOTALS)))
        check_limits(check, (*path, name), limits)


def check_expectations(check: Check, expect: Expect) -> None:
    path: Path = ("expect",)
    check_totals(check, (*path, "totals"), expect.totals)
    for name in ("refused", "unknown"):
        check_limits(check, (*path, name), getattr(expect, name))
    for where in ("fates", "acknowledgement", "persist_lag"):
        groups: Mapping[str, Fates | Percentiles] = getattr(expect, where)
        for group, part in groups.items():
            here = (*path, where, group)
            if group != ALL and group not in check.groups:
                known = (ALL, *sorted(check.groups))
                check.refuse(here, f"no step writes the group {group[:40]!r}", suggest(group, known))
            for name, limits in _limits(part):
                check_limits(check, (*here, name), limits)
            if not any(True for _ in _limits(part)):
                check.refuse(
                    here, "nothing is expected of it", f"give one of {', '.join(part.__struct_fields__)}"
                )


def _limits(part: Fates | Percentiles) -> Iterator[tuple[str, Any]]:
    for name in part.__struct_fields__:
        limits = getattr(part, name)
        if limits is not None:
            yield name, limits
