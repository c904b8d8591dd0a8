"""The commands that stand beside the steps are those that a person could have typed."""

from typing import get_args

import pytest

from scenarios.judge.checks.fates import Class
from scenarios.scripted.file import read_script
from scenarios.scripted.outline import Address, command_of
from scenarios.scripted.script import Fates
from scenarios.scripted.words import Service
from stack.spec.services import CORE


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("load: {kind: quick}", "labctl --name x load quick"),
        (
            "load: {duration: 2.5, writes_per_second: 50, clients: 2, fault: ['worker:kill@1s:start@2s']}",
            "labctl --name x load basic --duration 2.5 --writes-per-second 50 --clients 2 "
            "--fault worker:kill@1s:start@2s",
        ),
        (
            "load: {mix: 'create=1, update=1'}",
            "labctl --name x load basic --duration 120 --mix create=1,update=1",
        ),
        ("fault: failures:on=30%", "labctl --name x config set SIMULATE_DB_FAILURE=true FAILURE_RATE=0.3"),
        (
            "fault: failures:on=0.01%",
            "labctl --name x config set SIMULATE_DB_FAILURE=true FAILURE_RATE=0.0001",
        ),
        ("fault: redis:flushall", "labctl --name x fault flushall"),
        ("fault: postgres:pause", "labctl --name x fault pause postgres"),
        (
            "settings: {write_coalescing_enabled: false}",
            "labctl --name x config set WRITE_COALESCING_ENABLED=false",
        ),
    ],
)
def test_the_command_of_a_step_says_all_of_it(step: str, command: str) -> None:
    script = read_script(f"name: n\ntitle: T\nsteps: [{{{step}}}]\n")
    shown = command_of(script.steps[0], Address("x", "http://127.0.0.1:8000"))
    assert shown == command


def test_the_words_of_the_format_are_those_of_the_lab() -> None:
    assert set(get_args(Service)) == set(CORE)
    assert {*Fates.__struct_fields__, "undetermined"} == set(get_args(Class))
