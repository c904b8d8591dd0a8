"""A fault as plain data: what is done to which part of the lab, and when."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

#: What `labctl fault` can break; `failures` are the database writes that fail on purpose.
Target = Literal["redis", "postgres", "api", "worker", "failures"]
#: The words of `labctl fault`; `on` and `off` belong to `failures`.
Verb = Literal["kill", "stop", "start", "pause", "resume", "flushall", "on", "off"]

TARGETS: tuple[Target, ...] = get_args(Target)
#: The live settings behind `failures`: whether database writes fail on purpose, and the share that does.
SIMULATE: Final = "simulate_db_failure"
RATE: Final = "failure_rate"
FAILURE_SETTINGS: Final = (SIMULATE, RATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that is done to the lab."""

    target: Target
    verb: Verb
    #: s since the load began; None: at once.
    at: float | None = None
    #: Of `on`: the share of database writes that fail, 0 to 1; None: the lab's own FAILURE_RATE.
    share: float | None = None

    def __str__(self) -> str:
        """As it is written: "redis:kill@5s"."""
        return f"{self.target}:{self.words}"

    @property
    def words(self) -> str:
        """Without the target: "kill@5s", "on=0.3"."""
        share = "" if self.share is None else f"={_plain(self.share)}"
        when = "" if self.at is None else f"@{_plain(self.at)}s"
        return f"{self.verb}{share}{when}"

    @property
    def command(self) -> str:
        """What a person types after `labctl` to do the same: "fault kill redis"."""
        match self.verb:
            case "flushall":
                return "fault flushall"
            case "on":
                share = "" if self.share is None else f" FAILURE_RATE={_plain(self.share)}"
                return f"config set SIMULATE_DB_FAILURE=true{share}"
            case "off":
                return "config set SIMULATE_DB_FAILURE=false"
            case verb:
                return f"fault {verb} {self.target}"

    @property
    def breaks(self) -> bool:
        """Whether it breaks something; otherwise it mends."""
        return self.verb not in ("start", "resume", "off")

    @property
    def takes_memory(self) -> bool:
        """Whether Redis loses its memory: the lab's Redis keeps nothing on disk."""
        return self.target == "redis" and self.verb in ("kill", "stop", "flushall")

    @property
    def takes_service_away(self) -> bool:
        """Whether a service is away from now on, until it is mended."""
        return self.verb in ("kill", "stop", "pause")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one part of the lab, in the order of time."""

    actions: tuple[Action, ...]

    def __str__(self) -> str:
        """As it is written: "redis:kill@5s:start@7s"."""
        return ":".join([self.actions[0].target, *(action.words for action in self.actions)])


def _plain(number: float) -> str:
    """A number with at most nine decimals, and no exponent."""
    return f"{number:.9f}".rstrip("0").rstrip(".")
