"""Plays scenarios from files on a running lab."""

from contextlib import closing

from scenarios.options import Options
from scenarios.runner import run_scenario
from scenarios.scripted.asker import Asker
from scenarios.scripted.file import read_script
from scenarios.scripted.play import scenario_of
from stack.lab import Lab
from tests.integration.runs import Played


def no_one(question: str, choices: object) -> str | None:
    return None


def play_text(lab: Lab, text: str, ask: Asker = no_one) -> Played:
    with closing(run_scenario(lab, scenario_of(read_script(text), "./mine.yaml", ask), Options())) as events:
        return Played(list(events))
