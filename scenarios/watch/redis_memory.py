"""Whether Redis still has the memory that it had. The epoch of its clock is lost with it. No I/O."""

from dataclasses import replace

from scenarios.judge.history import MemoryLoss
from service.writebehind.keys import Clock


class MemoryWatch:
    """Takes one look at Redis after the other. Times are s of labctl's monotonic clock."""

    def __init__(self) -> None:
        self.losses: list[MemoryLoss] = []
        #: The clock of the present memory; None until a script has run in it.
        self.clock: Clock | None = None
        self._last_seen_at = 0.0
        self._dead_at: float | None = None

    def found(self, began_at: float, ended_at: float, clock: Clock | None) -> bool:
        """Redis answered.

        Args:
            clock: None if Redis held none.

        Returns:
            Whether its memory is not the one of the look before.
        """
        dead_at, self._dead_at = self._dead_at, None
        changed = self.clock is not None and not self._continues(clock)
        if changed:
            self._lose(dead_at, ended_at, clock)
        elif clock is not None and self.clock is None and self.losses:
            # The memory was empty at the look before; since then, its first script has run.
            self.losses[-1] = replace(self.losses[-1], new_epoch=clock.epoch)
        self.clock = clock
        self._last_seen_at = began_at
        return changed

    def silent(self, ended_at: float, *, dead: bool) -> bool:
        """Redis did not answer.

        Args:
            dead: Nothing listens on its port any more, so its memory is gone. A frozen Redis still has it.

        Returns:
            Whether this is the first look that finds it dead.
        """
        news = dead and self._dead_at is None
        if news:
            self._dead_at = ended_at
        return news

    def _continues(self, clock: Clock | None) -> bool:
        """Whether the memory is still the same. A clock that went back was read from a disk: that memory is
        older, and so what came after it is lost."""
        last = self.clock
        return (
            last is not None
            and clock is not None
            and clock.epoch == last.epoch
            and clock.moment >= last.moment
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
