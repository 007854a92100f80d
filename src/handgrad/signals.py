"""What Ctrl-C and a polite end of the process do to a run: they wait until a step is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

# What must be in place for a signal to be ours: who has a handler of their own keeps it.
_PLAIN: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class Signals:
    """Has SIGINT raise KeyboardInterrupt and SIGTERM SystemExit, but not in the middle of a step.

    Within `held` the first of them waits until the block's end; a second one is obeyed at once.

    Args:
        watching: whether to do anything at all; nothing is done outside the main thread either.
    """

    def __init__(self, watching: bool) -> None:
        self._watching = watching and threading.current_thread() is threading.main_thread()
        self._before: dict[signal.Signals, Any] = {}
        self._held = False
        self._came: int | None = None

    def __enter__(self) -> Self:
        for number, plain in _PLAIN.items() if self._watching else ():
            handler = signal.getsignal(number)
            if handler in (plain, leave):
                self._before[number] = handler
                signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the first signal wait until the end of the block."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._came is not None:
                leave(self._came)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._held or self._came is not None:
            leave(number)
        self._came = number


def leave(number: int, frame: FrameType | None = None) -> NoReturn:  # noqa: ARG001
    """End what is going on, as this signal asks: a handler that gives way to `Signals`."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
