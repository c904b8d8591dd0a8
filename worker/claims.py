"""Claims run ahead of PostgreSQL and acknowledgements behind it, so that neither side waits."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from service.writebehind.buffer import Buffer
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.settings import Settings


class Claims:
    """While PostgreSQL writes a full batch, a thread acknowledges the previous batch and claims the next.
    Redis and PostgreSQL take about equally long for a batch, so this nearly doubles the rate.

    Every method raises `CacheUnavailable` and `OutcomeUnknown`, for its own call or an earlier one.
    """

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="claims")
        self._ahead: Future[Claim] | None = None
        self._acks: list[Future[int]] = []

    def next(self, settings: Settings) -> Claim:
        """The next claim. After a full one, another is fetched at once: there is probably more."""
        ahead, self._ahead = self._ahead, None
        claim = ahead.result() if ahead else self._buffer.claim(settings)
        if len(claim.rows) >= settings.batch_size:
            self._ahead = self._thread.submit(self._buffer.claim, settings)
        return claim

    def ack(self, claim: Claim, rows: Sequence[Claimed], *, rows_written: int) -> None:
        """Acknowledge rows: in the background while another claim is being fetched, otherwise at once."""
        # The thread acts for the flush that this thread is in, so its spans are parts of it.
        context = copy_context()
        self._acks.append(
            self._thread.submit(context.run, self._buffer.ack, claim, rows, rows_written=rows_written)
        )
        if self._ahead is None:
            self.finish_acks()

    def finish_acks(self) -> None:
        """Wait for all acknowledgements."""
        acks, self._acks = self._acks, []
        for ack in acks:
            ack.result()

    def give_back(self, *claims: Claim) -> None:
        """Release these claims, and the one that was claimed ahead."""
        ahead, self._ahead = self._ahead, None
        self.finish_acks()
        for claim in (*claims, ahead.result() if ahead else None):
            if claim is not None and claim.rows:
                self._buffer.release(claim, claim.rows)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def forget(self) -> None:
        """Forget what is under way, after Redis failed: the leases bring it back."""
        self._ahead = None
        self._acks = []
