"""An end to a conversation. A time-out of a socket is for one answer; a server that sends one byte at a time would hold a worker for hours."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def within(seconds: float, line: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut the line when the block takes longer, and raise TimeoutError: half an answer that ends there could pass for a whole one."""
    late = False

    def cut() -> None:
        nonlocal late
        late = True
        if (found := line()) is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
    if late:
        raise TimeoutError
