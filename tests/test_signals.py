from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from handgrad.signals import Signals, leave

BOTH = pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)


@BOTH
def test_the_first_signal_waits_until_the_block_is_done(number: int, error: type) -> None:
    done = []
    with Signals(True) as signals, pytest.raises(error) as caught, signals.held():  # noqa: PT012
        signal.raise_signal(number)
        done.append(1)
    assert done == [1]
    assert getattr(caught.value, "code", 130) == 128 + number


@BOTH
def test_a_second_one_is_obeyed_at_once(number: int, error: type) -> None:
    done = []
    with Signals(True) as signals, pytest.raises(error), signals.held():  # noqa: PT012
        signal.raise_signal(number)
        signal.raise_signal(number)
        done.append(1)
    assert done == []


@BOTH
def test_outside_of_the_block_none_waits(number: int, error: type) -> None:
    with Signals(True) as signals:
        with signals.held():
            pass
        with pytest.raises(error):
            signal.raise_signal(number)


def test_afterwards_all_is_as_it_was() -> None:
    with Signals(True):
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_has_a_handler_of_their_own_keeps_it() -> None:
    def own(*_: Any) -> None:
        """Do nothing."""

    before = signal.signal(signal.SIGTERM, own)
    try:
        with Signals(True):
            assert signal.getsignal(signal.SIGTERM) is own
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_command_lines_own_gives_way() -> None:
    before = signal.signal(signal.SIGTERM, leave)
    try:
        with pytest.raises(SystemExit), Signals(True) as signals, signals.held():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is leave
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("main", [True, False])
def test_nothing_is_done_unwanted_or_outside_the_main_thread(main: bool) -> None:
    found = []

    def look() -> None:
        with Signals(not main) as signals, signals.held():
            found.append(signal.getsignal(signal.SIGINT))

    if main:
        look()
    else:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [signal.default_int_handler]
