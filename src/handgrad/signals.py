"""Handles Ctrl-C and termination signals: they stop training after the current step."""

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

from handgrad.posix import (
    HAS_ALARM,
    TERMINATION_SIGNALS,
    Handler,
    alarm,
    at_fork,
    ignore_alarm,
    set_alarm,
)

CLEANUP_SECONDS = 1.5  # the time that a command has for its clean-up
EXIT_SECONDS = 0.2  # the time for the functions of `on_exit` after that
_SOON = 0.01  # seconds

_ended_by: int | None = None  # the signal that ends this process
_exit_functions: list[Callable[[], object]] = []
at_fork(after_in_child=_exit_functions.clear)  # only the parent calls them


class CommandExit(SystemExit):
    """Raised when a signal ends a command."""


class Interrupted(KeyboardInterrupt):
    """Raised when Ctrl-C stops an `interruptible` block.

    In contrast to this subclass, a KeyboardInterrupt that leaves an ``exec`` is treated in a
    special way by Python.
    """


class DeferredSignals:
    """Converts SIGINT to KeyboardInterrupt and other signals to SystemExit, but not during a step.

    Within `deferred`, the first signal takes effect at the end of the block; a second one takes
    effect immediately. Signals that have other handlers, and threads other than the main thread,
    are not affected.

    Args:
        saving: whether a checkpoint can be saved. If no checkpoint can be saved, only SIGINT is
            deferred.
    """

    def __init__(self, saving: bool) -> None:
        # A signal is handled only if it has its default handler, or a command's.
        self._default: dict[int, Any] = {}
        if saving:
            self._default = dict.fromkeys(TERMINATION_SIGNALS, signal.SIG_DFL)
        self._default[signal.SIGINT] = signal.default_int_handler
        self._previous: dict[int, Any] = {}
        self._is_deferring = False
        self._received: int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, default in self._default.items():
                handler = signal.getsignal(number)
                if handler in (default, end_command, _interrupt):
                    self._previous[number] = handler
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the signal handlers that were active before."""
        for number, handler in self._previous.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defer the first signal until the end of the `with` block."""
        self._is_deferring = True
        try:
            yield
        finally:
            self._is_deferring = False
            if self._received is not None:
                self._raise(self._received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_deferring and self._received is None:
            self._received = number
        elif self._previous[number] is end_command:
            end_command(number, frame)
        else:
            self._raise(number)

    def _raise(self, number: int) -> NoReturn:
        """Raise the exception for a deferred signal, now that no results can be lost."""
        if self._previous[number] is end_command:
            raise _command_exit(number)
        if number == signal.SIGINT:
            raise Interrupted
        raise SystemExit(128 + number)


def install_handler(handler: Handler | signal.Handlers) -> None:
    """Install a handler for all termination signals that are not ignored."""
    for number in TERMINATION_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def exit_now(number: int, *_: object) -> NoReturn:
    """Handle a signal: call the functions of `on_exit`, then exit without further clean-up."""
    if _exit_functions and HAS_ALARM:
        install_handler(signal.SIG_IGN)  # it ends already
        # A stopped terminal takes no output: do not wait for it.
        set_alarm(EXIT_SECONDS, lambda *_: os._exit(128 + number))
    for function in reversed(_exit_functions):
        with suppress(Exception):  # the process ends in any case
            function()
    os._exit(128 + number)


@contextmanager
def on_exit(function: Callable[[], object]) -> Iterator[None]:
    """Call a short function if `exit_now` ends the process during the `with` block.

    Args:
        function: the function to call. The process may end at any point of the block, even while
            the function is running.
    """
    _exit_functions.append(function)
    try:
        yield
    finally:
        with suppress(ValueError):  # a forked child has an empty list
            _exit_functions.remove(function)


def end_command(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    """Handle a signal: stop the current command with an exception, so that it can clean up.

    `DeferredSignals` takes precedence. If Python discards the exception, for example in a
    destructor, the exception is raised again. The process exits if the clean-up takes too long, or
    at the next signal. The exception is not a KeyboardInterrupt: if a KeyboardInterrupt passes an
    ``exec``, for example in an import, Python terminates with the signal even if the exception is
    caught.
    """
    error = _command_exit(number)
    if HAS_ALARM:
        set_alarm(CLEANUP_SECONDS, partial(exit_now, number))
        sys.unraisablehook = _raise_again
    raise error


def _raise_again(dropped: Any) -> None:
    """If Python has discarded an exception of `end_command`, raise it again a little later."""
    if not isinstance(dropped.exc_value, CommandExit):
        sys.__unraisablehook__(dropped)
        return
    error = dropped.exc_value
    seconds, handler = alarm()
    left = max(seconds, _SOON)

    def again(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        set_alarm(left, handler)
        raise error

    set_alarm(_SOON, again)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in the `with` block, without ending the whole command."""
    in_command = signal.getsignal(signal.SIGINT) is end_command
    if in_command:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if in_command and signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, end_command)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise Interrupted


def ignore_signals() -> None:
    """Ignore signals from now on. If a signal has stopped the command, exit with its status.

    Call this after the clean-up, because the rest of Python's exit may take half a second.
    """
    ignore_alarm()
    install_handler(signal.SIG_IGN)
    if _ended_by is not None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # full, closed or missing
                stream.flush()
        os._exit(128 + _ended_by)


def _command_exit(number: int) -> CommandExit:
    """Record which signal stopped the command, and return the exception to raise for the signal."""
    global _ended_by  # noqa: PLW0603 (a process ends only once)
    _ended_by = number
    install_handler(exit_now)
    return CommandExit(128 + number)
