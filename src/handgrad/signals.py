"""What Ctrl-C and a polite end do: a run ends when a step is whole, and a command soon."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

LONGEST = 1.5  # seconds that a command has for cleaning up
_SOON = 0.01  # seconds
_LAST = 0.2  # seconds for what is done even then

# Ctrl-C, a closed terminal, and a polite end.
ENDS = [getattr(signal, n) for n in ("SIGINT", "SIGHUP", "SIGTERM") if hasattr(signal, n)]

Handler = Callable[[int, FrameType | None], Any]

_came: int | None = None  # the signal that ends this process
_last_acts: list[Callable[[], object]] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_last_acts.clear)  # they are for the parent to do


class Leaving(SystemExit):
    """The end of a command that a signal asked for."""


class Interrupted(KeyboardInterrupt):
    """The end of what is `interruptible`: Python tells it from a KeyboardInterrupt in an exec."""


class Signals:
    """Has SIGINT raise KeyboardInterrupt, and others SystemExit, but not in the middle of a step.

    Within `held` the first of them waits until the block's end; a second one is obeyed at once.
    Nothing is done outside the main thread, nor where somebody has a handler of their own.

    Args:
        saving: whether there is something to save; else only SIGINT is waited with.
    """

    def __init__(self, saving: bool) -> None:
        # What must be in place for a signal to be ours, besides a command's own handler.
        self._plain: dict[int, Any] = dict.fromkeys(ENDS, signal.SIG_DFL) if saving else {}
        self._plain[signal.SIGINT] = signal.default_int_handler
        self._before: dict[int, Any] = {}
        self._held = False
        self._came: int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, plain in self._plain.items():
                handler = signal.getsignal(number)
                if handler in (plain, leave, _interrupt):
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
            if signal.getsignal(number) == self._handle:
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
                self._obey(self._came)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._held and self._came is None:
            self._came = number
        elif self._before[number] is leave:
            leave(number, frame)
        else:
            self._obey(number)

    def _obey(self, number: int) -> NoReturn:
        """Raise what a signal asks for, here and not just anywhere: nothing can be lost of it."""
        if self._before[number] is leave:
            raise _left(number)
        if number == signal.SIGINT:
            raise Interrupted
        raise SystemExit(128 + number)


def obey(handler: Handler) -> None:
    """Have a handler for what ends a command, unless this process is to ignore it."""
    for number in ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def at_once(number: int, *_: object) -> NoReturn:
    """End the process, with no other clean-up than what stands `at_last`: a handler."""
    if _last_acts and hasattr(signal, "setitimer"):
        obey(signal.SIG_IGN)  # type: ignore[arg-type]  # it ends already
        _after(_LAST, lambda *_: os._exit(128 + number))  # a screen that is stopped takes no words
    for act in reversed(_last_acts):
        with suppress(Exception):  # the process ends, whatever becomes of it
            act()
    os._exit(128 + number)


@contextmanager
def at_last(act: Callable[[], object]) -> Iterator[None]:
    """Have something small done where the process ends `at_once` in the middle of the block.

    Args:
        act: what to do; it may come in the midst of anything, its own work included.
    """
    _last_acts.append(act)
    try:
        yield
    finally:
        with suppress(ValueError):  # a child of this process has none of its own
            _last_acts.remove(act)


def leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    """End what is going on: a handler for a command at work, which gives way to `Signals`.

    It raises an exception, so that all is cleaned up; where Python loses that, as it does in a
    destructor, it is raised again. Where cleaning up takes long, the process ends all the same;
    and with the next signal at once. It is no KeyboardInterrupt: one that passes an `exec`, as
    imports have them, has Python end by the signal, whoever catches it.
    """
    error = _left(number)
    if hasattr(signal, "setitimer"):
        _after(LONGEST, partial(at_once, number))
        sys.unraisablehook = _raise_again
    raise error


def _raise_again(lost: Any) -> None:
    """Raise once more, and where it is not lost, the end that a signal asked for."""
    if not isinstance(lost.exc_value, Leaving):
        sys.__unraisablehook__(lost)
        return
    error, handler = lost.exc_value, signal.getsignal(signal.SIGALRM)
    left = max(signal.getitimer(signal.ITIMER_REAL)[0], _SOON)

    def again(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        _after(left, handler)
        raise error

    _after(_SOON, again)


def _after(seconds: float, handler: Any) -> None:
    """Have a handler called in a while."""
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGINT end this block by a KeyboardInterrupt, and not the command that it is part of."""
    ours = signal.getsignal(signal.SIGINT) is leave
    if ours:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if ours and signal.getsignal(signal.SIGINT) is _interrupt:  # the command goes on
            signal.signal(signal.SIGINT, leave)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise Interrupted


def end() -> None:
    """Let no signal change the exit status any more; where one has, end the process.

    To be called when all is cleaned up: what Python does then may take half a second.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    obey(signal.SIG_IGN)  # type: ignore[arg-type]
    if _came is not None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # it is full, closed or none
                stream.flush()
        os._exit(128 + _came)


def _left(number: int) -> Leaving:
    """Note that a signal came, and return what to raise."""
    global _came  # noqa: PLW0603 (a process ends but once)
    _came = number
    obey(at_once)
    return Leaving(128 + number)
