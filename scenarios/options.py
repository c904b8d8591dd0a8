"""The options of scenarios. Each scenario declares which ones it takes, and within which limits."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from scenarios.faults.action import Fault
from scenarios.faults.language import parse_fault, require_possible, require_within
from scenarios.figures.expect import readable
from scenarios.shares import Shares, parse_shares
from service.writebehind.settings import WritePolicy
from stack.errors import UsageError

Crash = Literal["flushall", "kill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was chosen for one run. A scenario reads only the options that it declares."""

    #: How Redis loses its memory.
    crash: Crash = "flushall"
    #: How long the load lasts, s; 0 for a load that ends after a number of writes.
    duration: float = 0.0
    #: Requests a second, on a schedule; None: each client waits for its answer.
    rate: float | None = None
    #: Writes a second, likewise; the reads of the mix come on top. Not together with `rate`.
    writes_per_second: float | None = None
    #: None: as many as suit the load.
    clients: int | None = None
    #: What is sent how often; None: the load's own mix.
    mix: Shares | None = None
    #: How many products the load keeps using, for all clients together; None: the load's default.
    keys: int | None = None
    #: The write policy of every write; None: as the lab is set.
    policy: WritePolicy | None = None
    #: What is broken while the load runs, and mended.
    fault: tuple[Fault, ...] = ()
    #: What is expected of the run's figures, as `scenarios.figures.expect` reads it.
    expect: tuple[str, ...] = ()

    def chosen(self) -> dict[str, Any]:
        """Those that differ from the defaults, by name, as a user types them; a list if more than once.
        `parse_options` reads it back."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: _typed(value) for name, value in values.items() if value != getattr(Options(), name)}

    def words(self) -> Iterator[str]:
        """The same as words of a command line: "--crash", "kill"."""
        for name, value in self.chosen().items():
            for one in value if isinstance(value, list) else [value]:
                yield flag(name)
                yield f"{one:.12g}" if isinstance(one, float) else str(one)


def _typed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_typed(one) for one in value]
    return value if isinstance(value, str | int | float) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """An option that takes a number."""

    #: The field of `Options`, and the option's name without its dashes.
    name: str
    #: "seconds"
    unit: str
    #: The least that is allowed; None: anything above 0.
    least: float | None = None
    most: float
    #: Whether it must be a whole number.
    whole: bool = False
    #: None: the default of `Options`.
    default: float | None = None

    @property
    def limits(self) -> str:
        """ "from 1 to 256 clients"."""
        if self.least is None:
            return f"more than 0 and at most {self.most:,.6g} {self.unit}"
        return f"from {self.least:.4g} to {self.most:,.6g} {self.unit}"

    def parse(self, value: Any) -> Any:
        """The value itself.

        Raises:
            UsageError: it is outside the limits.
        """
        above_least = value > 0 if self.least is None else value >= self.least
        if not (math.isfinite(value) and above_least and value <= self.most):
            raise UsageError(f"{flag(self.name)} can't be {value:g}", hint=f"give {self.limits}")
        if self.whole and value != int(value):
            raise UsageError(f"{flag(self.name)} can't be {value:g}", hint="give a whole number")
        return int(value) if self.whole else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An option that takes one of a few words."""

    name: str
    words: tuple[str, ...]
    #: None: the default of `Options`.
    default: str | None = None

    def parse(self, value: Any) -> Any:
        """The value itself.

        Raises:
            UsageError: it is not one of the words.
        """
        if value not in self.words:
            raise UsageError(f"{flag(self.name)} can't be {value}", hint=f"give {' or '.join(self.words)}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """An option that takes a weight for each operation."""

    name: str
    #: None: the default of `Options`.
    default: Shares | None = None

    def parse(self, value: Any) -> Any:
        """The shares.

        Raises:
            UsageError: they can't be understood.
        """
        return parse_shares(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """An option that takes a fault each time that it is given (scenarios/faults/language.py)."""

    name: str = "fault"
    default: None = None

    def parse(self, value: Any) -> tuple[Fault, ...]:
        """The faults of these texts.

        Raises:
            UsageError: one can't be injected, or they contradict each other.
        """
        faults = tuple(parse_fault(text) for text in value)
        require_possible(faults)
        return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """An option that takes a limit for a figure each time that it is given (scenarios/figures/expect.py)."""

    name: str = "expect"
    default: None = None

    def parse(self, value: Any) -> tuple[str, ...]:
        """The same texts.

        Raises:
            UsageError: one can't be read.
        """
        return readable(value)


Option = Number | Choice | Weights | Faults | Expectations
#: Every scenario takes it.
EXPECT: Final = Expectations()

CRASH: Final = Choice(name="crash", words=get_args(Crash))
DURATION: Final = Number(name="duration", unit="seconds", most=3600)
RATE: Final = Number(name="rate", unit="requests a second", most=100_000)
WRITES_PER_SECOND: Final = Number(name="writes_per_second", unit="writes a second", most=RATE.most)
CLIENTS: Final = Number(name="clients", unit="clients", least=1, most=256, whole=True)
MIX: Final = Weights(name="mix")
KEYS: Final = Number(name="keys", unit="products", least=1, most=100_000, whole=True)
POLICY: Final = Choice(name="policy", words=get_args(WritePolicy))
FAULTS: Final = Faults()


def flag(name: str) -> str:
    """The option as it is typed.

    >>> flag("writes_per_second")
    '--writes-per-second'
    """
    return f"--{name.replace('_', '-')}"


def duration(default: float, *, least: float | None = None) -> Number:
    """The option --duration of a load that lasts `default` seconds unless the user says otherwise."""
    return replace(DURATION, default=default, least=least)


def parse_options(
    declared: Sequence[Option],
    values: Mapping[str, Any],
    *,
    command: str,
    lacking: Mapping[str, str],
) -> Options:
    """The options of one run.

    Args:
        declared: The options that the scenario takes.
        values: What the user chose, by option; None: nothing.
        command: What runs the scenario, for error messages: "demo basics".
        lacking: By option, why the scenario does not take it.

    Raises:
        UsageError: an option is not one of the scenario's, or its value is not allowed.
    """
    by_name = {option.name: option for option in (*declared, EXPECT)}
    chosen: dict[str, Any] = {
        option.name: option.default for option in declared if option.default is not None
    }
    for name, value in values.items():
        if value is None:
            continue
        if name not in by_name:
            why = f": {lacking[name]}" if name in lacking else ""
            takes = f"; it takes {_listed(declared)}" if declared else ""
            raise UsageError(f"`{command}` has no {flag(name)}{why}", hint=f"leave {flag(name)} out{takes}")
        chosen[name] = by_name[name].parse(value)
    options = Options(**chosen)
    _check_together(options)
    return options


def _check_together(options: Options) -> None:
    """Raises UsageError if options contradict each other."""
    require_within(options.fault, options.duration)
    if options.rate is not None and options.writes_per_second is not None:
        raise UsageError(
            "--rate and --writes-per-second contradict each other",
            hint="give one of them: --rate counts reads, too",
        )
    if options.keys is not None and options.clients is not None and options.keys < options.clients:
        raise UsageError(
            f"{options.keys} products are too few for {options.clients} clients",
            hint="each client uses products of its own: give --keys at least as many as --clients",
        )
    if options.mix is not None and options.writes_per_second is not None:
        _check_rate_of_mix(options.mix, options.writes_per_second)


def _check_rate_of_mix(mix: Shares, writes_per_second: float) -> None:
    if not mix.writes:
        raise UsageError(
            "--writes-per-second needs a mix that writes",
            hint=f"--mix {mix} only reads; give --rate instead",
        )
    if writes_per_second / mix.writes > RATE.most:
        raise UsageError(
            f"with --mix {mix}, {writes_per_second:,.6g} writes a second are "
            f"{writes_per_second / mix.writes:,.6g} requests a second",
            hint=f"at most {RATE.most:,.6g} are possible",
        )


def _listed(options: Sequence[Option]) -> str:
    return " and ".join(flag(option.name) for option in options)
