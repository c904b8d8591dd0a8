"""Who owns a lab in an engine: the state directory that made it.

Several people, or containers, may share one engine. What carries another state directory's label is told,
and never touched. What carries none was made by compose, and is anybody's.
"""

import hashlib
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.errors import EnvironmentFault

#: Labels: a digest that identifies the owner, and a text for people.
OWNER: Final = "labctl.owner"
MADE_BY: Final = "labctl.made-by"

_DIGITS: Final = 16


class AnothersLab(EnvironmentFault):
    """The lab of this name in the engine was made from another state directory."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A state directory, as labels know it."""

    digest: str
    #: "ada on host: /home/ada/.local/state/labctl"
    text: str

    @classmethod
    def of(cls, home: Path) -> "Owner":
        """The state directory `home` of this user on this machine.

        Not a random number that is kept in it: a directory that was lost and made anew owns the same labs.
        """
        where = str(home.resolve())
        digest = hashlib.sha256(f"{_machine()}\0{os.getuid()}\0{where}".encode(errors="surrogateescape"))
        return cls(digest.hexdigest()[:_DIGITS], f"{_user()} on {platform.node()}: {where}")

    def labels(self) -> dict[str, str]:
        return {OWNER: self.digest, MADE_BY: self.text}

    def require(self, lab: str, labels: Mapping[str, str] | None) -> None:
        """Raises AnothersLab where the labels are those of another owner."""
        found = labels or {}
        if found.get(OWNER, self.digest) != self.digest:
            raise AnothersLab(
                f"the lab {lab} in this Docker engine is not this state directory's: it was made by "
                f"{found.get(MADE_BY, 'another one')}",
                hint="start a lab under another `--name`; or, if that one is yours, name its state directory "
                "in LABCTL_HOME",
            )


def _machine() -> str:
    """What tells this machine, or container, from others."""
    with suppress(OSError):
        if known := Path("/etc/machine-id").read_text().strip():
            return known
    return platform.node()


def _user() -> str:
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return f"uid {os.getuid()}"
