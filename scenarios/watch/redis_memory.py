"""Whether Redis still has the memory that it had: its clock's epoch goes with it. No I/O."""

from dataclasses import replace

from scenarios.judge.history import MemoryLoss
from service.writebehind.keys import Clock


class MemoryWatch:
    """Takes in one look after the other. Times are s of labctl's monotonic clock."""

    def __init__(self) -> None:
        self.losses: list[MemoryLoss] = []
        #: Of the memory that is there; None until a script has run in it.
        self.clock: Clock | None = None
        self._last_seen_at = 0.0
        self._dead_at: float | None = None

    def found(self, began_at: float, ended_at: float, clock: Clock | None) -> bool:
        """Redis answered; return whether its memory is another one than at the look before.

        Args:
            clock: None where it held none.
        """
        dead_at, self._dead_at = self._dead_at, None
        changed = self.clock is not None and not self._continues(clock)
        if changed:
            self._lose(dead_at, ended_at, clock)
        elif clock is not None and self.clock is None and self.losses:
            # The first script has run in the memory that was empty at the look before.
            self.losses[-1] = replace(self.losses[-1], new_epoch=clock.epoch)
        self.clock = clock
        self._last_seen_at = began_at
        return changed

    def silent(self, ended_at: float, *, dead: bool) -> bool:
        """Redis did not answer; return whether it is known to be dead only now.

        Args:
            dead: Nobody listens at its port any more, so its memory is gone. One that is frozen still has it.
        """
        news = dead and self._dead_at is None
        if news:
            self._dead_at = ended_at
        return news

    def _continues(self, clock: Clock | None) -> bool:
        """A clock that went back was read from a disk: the same memory, as it had been earlier."""
        known = self.clock
        return (
            known is not None
            and clock is not None
            and clock.epoch == known.epoch
            and clock.moment >= known.moment
        )

    def _lose(self, dead_at: float | None, changed_at: float, clock: Clock | None) -> None:
        if self.clock is None:
            return
        loss = MemoryLoss(
            last_seen_at=self._last_seen_at,
            gone_at=changed_at if dead_at is None else dead_at,
            changed_at=changed_at,
            old_epoch=self.clock.epoch,
            new_epoch=clock.epoch if clock is not None else None,
            old_moment=self.clock.moment,
        )
        self.losses.append(loss)
