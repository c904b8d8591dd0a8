"""How much a client may send, and how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in s, sizes in bytes."""

    #: A request's body; a longer one is refused unread.
    max_body: int
    #: A request's line and headers, and its target alone.
    max_head: int = 32_768
    max_target: int = 8_192
    #: From a request's first byte to the end of its head, and from there to the end of its body.
    head_s: float = 10.0
    body_s: float = 5.0
    #: For which a client may take nothing of an answer, and for which a connection may be without a request.
    send_s: float = 10.0
    idle_s: float = 75.0
    #: For which what is still coming is thrown away after a refusal, so that the refusal gets there.
    linger_s: float = 2.0
    #: For which a complete request may wait for a thread.
    wait_s: float = 5.0
    #: Clients that are connected to one process; the others wait in the kernel's queue.
    max_connections: int = 1_000
    #: After which a connection without a request makes room, where room is needed.
    room_s: float = 1.0
    #: Between two looks at the time: a limit may be passed by this much.
    tick_s: float = 0.5
