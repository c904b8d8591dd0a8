"""One in a hundred of a load's writes is traced: enough to see how they fare, too few to cost anything."""

from dataclasses import replace
from typing import Final

from scenarios.judge.ledger import Write
from scenarios.lab.trace_context import TraceContext
from scenarios.lab.tracing import Ended, Tracer
from scenarios.load.profiles import Call

#: Of so many writes, the first is traced.
ONE_IN: Final = 100
_LINE_END: Final = b"\r\n"


class SampledTraces:
    """Chooses the writes that are traced, by counting. The others cost a comparison."""

    def __init__(self, tracer: Tracer | None) -> None:
        """
        Args:
            tracer: None: none is traced.
        """
        self._tracer = tracer
        self._writes = 0

    def begin(self, call: Call) -> tuple[Call, TraceContext | None]:
        """The call, with a `traceparent` if it is one of those that are traced."""
        if call.operation is None or self._tracer is None:
            return call, None
        self._writes += 1
        if self._writes % ONE_IN != 1:
            return call, None
        trace = self._tracer.begin()
        line, end, rest = call.payload.partition(_LINE_END)
        header = f"traceparent: {trace.traceparent}".encode()
        return replace(call, payload=b"".join((line, end, header, end, rest))), trace

    def end(self, trace: TraceContext, write: Write, status: int) -> None:
        """The request is over.

        Args:
            status: The HTTP status; 0: there was no answer.
        """
        if self._tracer is not None:
            self._tracer.end(trace, Ended(write, status))
