"""Who owns a lab in an engine: the state directory that made it.

Several people, or containers, may share one engine. What carries the label of another state directory is
reported, and never touched. What does not carry such a label was made by compose, and belongs to everybody.
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

#: Names of labels: for the digest that identifies the owner, and for a text for people.
OWNER: Final = "labctl.owner"
MADE_BY: Final = "labctl.made-by"

_DIGITS: Final = 16


class AnothersLab(EnvironmentFault):
    """The lab of this name in the engine was made from another state directory."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A state directory, as labels name it."""

    digest: str
    #: "ada on host: /home/ada/.local/state/labctl"
    text: str

    @classmethod
    def of(cls, home: Path) -> "Owner":
        """The state directory `home` of this user on this machine.

        The digest is made from the path, not stored: one that is lost and made again owns the same labs.
        """
        where = str(home.resolve())
        digest = hashlib.sha256(f"{_machine()}\0{os.getuid()}\0{where}".encode(errors="surrogateescape"))
        return cls(digest.hexdigest()[:_DIGITS], f"{_user()} on {platform.node()}: {where}")

    def labels(self) -> dict[str, str]:
        return {OWNER: self.digest, MADE_BY: self.text}

    def require(self, lab: str, labels: Mapping[str, str] | None) -> None:
        """Check that the labels of something in the engine do not name another owner.

        Raises:
            AnothersLab: they do.
        """
        present = labels or {}
        if present.get(OWNER, self.digest) != self.digest:
            raise AnothersLab(
                f"the lab {lab} in this Docker engine belongs to another state directory: it was made by "
                f"{present.get(MADE_BY, 'an unknown user')}",
                hint="start a lab under another `--name`; if that lab is yours, set LABCTL_HOME to its state "
                "directory",
            )


def _machine() -> str:
    """An identifier of this machine or container."""
    with suppress(OSError):
        if identifier := Path("/etc/machine-id").read_text().strip():
            return identifier
    return platform.node()


def _user() -> str:
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return f"uid {os.getuid()}"
