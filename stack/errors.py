"""Errors for people. Only labctl's entry point catches every `LabError`.

    LabError                    70  a bug, unless it is one of the following
    ├── UsageError               2  the command line makes no sense
    ├── Inconclusive             3  nothing could be measured
    └── EnvironmentFault         4  the machine or the lab is not in the state that is needed
        ├── NotRunning              the lab or a service does not run
        ├── PortHeld                something else holds a port
        ├── StateUnusable           the state directory can't be read or written
        ├── DeadlinePassed          something did not happen in time
        ├── NoEngine                nothing listens at the Docker engine's address (stack.docker.engine)
        └── AnothersLab             another state directory owns the lab (stack.docker.owner)

The number is the exit code of labctl.
"""

from typing import ClassVar, Self


class LabError(Exception):
    """Something that a person can act on.

    Attributes:
        message: What happened, and to what.
        hint: What to do next.
        exit_code: What labctl exits with.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def followed_by(self, aftermath: str) -> Self:
        """The same error, whose hint also says what it left behind."""
        return type(self)(self.message, hint=f"{self.hint.rstrip('.')}. {aftermath}")


class UsageError(LabError):
    """The command line asks for something that does not exist or makes no sense."""

    exit_code = 2


class Inconclusive(LabError):
    """A measurement could not be made, so there is nothing to conclude."""

    exit_code = 3


class EnvironmentFault(LabError):
    """The machine or the lab is not in the state that the command needs."""

    exit_code = 4


class NotRunning(EnvironmentFault):
    """The lab, or the service that the command needs, does not run."""


class PortHeld(EnvironmentFault):
    """Another program holds a port that the lab needs."""


class StateUnusable(EnvironmentFault):
    """The state directory can't be used: unwritable, full, or written by another version."""


class DeadlinePassed(EnvironmentFault):
    """A condition did not come true in time."""
