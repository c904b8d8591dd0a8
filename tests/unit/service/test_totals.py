"""The running totals: the scripts count what is described, and nothing else."""

import re
from importlib.resources import files

from service.writebehind.totals import SETTLED, TOTALS, parse_totals

ADDED = re.compile(r"add_to_total\(totals_key, '(\w+)'")


def test_the_scripts_count_exactly_these() -> None:
    scripts = [each for each in files("service.writebehind").joinpath("lua").iterdir() if each.is_file()]
    counted = {name for script in scripts for name in ADDED.findall(script.read_text())}
    assert counted == {*TOTALS, SETTLED.decode()}


def test_each_says_what_it_counts() -> None:
    assert all(TOTALS.values())


def test_one_that_never_moved_or_is_junk_is_zero() -> None:
    totals = parse_totals({b"accepted": b"7", b"retried": b"junk", b"other": b"1"})
    assert totals == {**dict.fromkeys(TOTALS, 0), "accepted": 7}
