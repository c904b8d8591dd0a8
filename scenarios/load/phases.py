"""The parts of a load that are timed apart: its ramps, its hold, and outages."""

import math
from typing import Final, Literal, get_args

from scenarios.load.schedule import Shape

#: ramp: the load gets stronger or weaker. hold: it is as strong as was asked for. outage: a service was away,
#: or requests from that time still wait.
Phase = Literal["ramp", "hold", "outage"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
#: The one whose figures are those of the load.
HOLD: Final[Phase] = "hold"

#: After an outage, a request that is sent no later than this shows that the backlog is gone, s.
_ON_TIME_S: Final = 0.02


class Phases:
    """Says which phase a request belongs to. Times are s since the load began.

    Whoever breaks a service calls `begin_outage`, and `end_outage` once it is back; any thread may. The
    outage lasts until a request was sent on time again and succeeded: what waited meanwhile belongs to it.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        # Without ramps, all is hold: clocks of other programs may put a request just before or after it.
        ramped = shape.ramp > 0
        self._hold_from = shape.ramp if ramped else -math.inf
        self._hold_until = shape.duration - shape.ramp if ramped else math.inf
        #: Whether a service is away, or was and its backlog is still there.
        self.in_outage = False
        self._mended = False
        #: When the last outage was over.
        self._over_at = -math.inf

    def begin_outage(self) -> None:
        """A service is away from now on."""
        self._mended = False
        self.in_outage = True

    def end_outage(self) -> None:
        """Every service is back."""
        self._mended = True

    def succeeded(self, due: float, sent: float, now: float) -> None:
        """A request succeeded. Call it at least during an outage."""
        if self.in_outage and self._mended and sent - due <= _ON_TIME_S:
            self.in_outage, self._over_at = False, now

    def of(self, due: float) -> Phase:
        """The phase of a request that has ended just now."""
        if self.in_outage or due < self._over_at:
            return "outage"
        return "hold" if self._hold_from <= due <= self._hold_until else "ramp"

    def name(self, at: float) -> str:
        """What the load is doing at `at` s, in words."""
        return "outage" if self.in_outage else self._shape.phase(at)
