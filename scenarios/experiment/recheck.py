"""Judges the trials of an experiment anew, each from its own journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scenarios.experiment.table import told
from scenarios.journal.reader import Journal, State, open_journal
from scenarios.recheck.recheck import Recheck, recheck_journal
from stack.errors import StateUnusable

Result = Literal["same", "different", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRecheck:
    """The verdicts of an experiment's trials beside those that were given."""

    run: str
    state: State
    trials: Mapping[str, Recheck]
    #: What in the journals does not fit together, in sentences.
    contradictions: tuple[str, ...]

    @property
    def result(self) -> Result:
        """The worst of all trials."""
        results = {trial.result for trial in self.trials.values()}
        if self.contradictions or "different" in results:
            return "different"
        return "undecided" if "undecided" in results or not self.trials else "same"

    @property
    def is_confirmed(self) -> bool:
        """Whether every trial is whole, with the same verdict as then: a trial that ended as inconclusive may
        have none."""
        if self.result == "different" or not self.trials:
            return False
        return all(trial.state == "complete" for trial in self.trials.values())

    @property
    def conclusion(self) -> str:
        """One sentence."""
        if self.contradictions:
            return f"the journals can't be trusted: {self.contradictions[0]}."
        if not self.trials:
            return "no trial has a journal."
        same = sum(trial.result == "same" for trial in self.trials.values())
        if same == len(self.trials):
            return f"the verdict of {told(same, 'trial')} is the same."
        return f"the verdict is the same for {same} of {told(len(self.trials), 'trial')}."


def recheck_experiment(journal: Journal, trials: Mapping[str, Path]) -> ExperimentRecheck:
    """Judge the trials with today's checks, and compare.

    Args:
        journal: The experiment's own.
        trials: Theirs, by name.

    Raises:
        StateUnusable: its own journal can't be read.
    """
    state = journal.state
    contradictions = list(journal.damage)
    judged: dict[str, Recheck] = {}
    for name, path in trials.items():
        try:
            judged[name] = recheck_journal(open_journal(path))
        except StateUnusable as error:
            contradictions.append(error.message)
        else:
            contradictions += [f"{name}: {text}" for text in judged[name].contradictions]
    return ExperimentRecheck(
        run=journal.run, state=state, trials=judged, contradictions=tuple(contradictions)
    )
