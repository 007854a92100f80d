from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from handgrad.signals import (
    TERMINATION_SIGNALS,
    CommandExit,
    DeferredSignals,
    end_command,
    exit_now,
    install_handler,
    interruptible,
)

BOTH = pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt)]
    + [(number, SystemExit) for number in TERMINATION_SIGNALS if number != signal.SIGINT],
)


@BOTH
def test_first_signal_is_deferred_to_the_end_of_the_block(number: int, error: type) -> None:
    done = []
    with DeferredSignals(True) as signals, pytest.raises(error) as caught, signals.deferred():  # noqa: PT012
        signal.raise_signal(number)
        done.append(1)
    assert done == [1]
    assert getattr(caught.value, "code", 130) == 128 + number


@BOTH
def test_second_signal_takes_effect_immediately(number: int, error: type) -> None:
    done = []
    with DeferredSignals(True) as signals, pytest.raises(error), signals.deferred():  # noqa: PT012
        signal.raise_signal(number)
        signal.raise_signal(number)
        done.append(1)
    assert done == []


@BOTH
def test_signals_outside_the_block_are_not_deferred(number: int, error: type) -> None:
    with DeferredSignals(True) as signals:
        with signals.deferred():
            pass
        with pytest.raises(error):
            signal.raise_signal(number)


def test_handlers_are_restored() -> None:
    with DeferredSignals(True):
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_handlers_are_left_alone() -> None:
    def own(*_: Any) -> None:
        """Do nothing."""

    before = signal.signal(signal.SIGTERM, own)
    try:
        with DeferredSignals(True):
            assert signal.getsignal(signal.SIGTERM) is own
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture
def as_before() -> Iterator[None]:
    """Restore all signal handlers and the alarm timer after a test."""
    numbers = (*TERMINATION_SIGNALS, signal.SIGALRM)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm clock here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("as_before")
def test_command_handler_is_deferred_and_sets_no_alarm(number: int) -> None:
    install_handler(end_command)
    with pytest.raises(CommandExit) as ended, DeferredSignals(True) as signals, signals.deferred():
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) is exit_now  # with the next one it ends at once
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.usefixtures("as_before")
def test_ctrl_c_ends_an_interruptible_block_only() -> None:
    install_handler(end_command)
    with (
        pytest.raises(KeyboardInterrupt),
        interruptible(),
        DeferredSignals(True) as signals,
        signals.deferred(),
    ):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is end_command
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(CommandExit), interruptible():
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("as_before")
def test_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in what a shell runs in the background
    install_handler(end_command)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is end_command


def test_sigterm_has_its_default_effect_if_there_is_nothing_to_save() -> None:
    with DeferredSignals(False):
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler


def test_other_threads_are_left_alone() -> None:
    found = []

    def look() -> None:
        with DeferredSignals(True) as signals, signals.deferred():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


COMMAND = """
import atexit, signal, sys, time
import handgrad.cli, handgrad.cli.app

def send():
    signal.raise_signal(signal.NAME)

class Late:
    def __del__(self):
        send()  # Python loses what is raised here

def app(prog_name):
    BODY

handgrad.cli.app.app = app
handgrad.cli.main()
"""


def ended(name: str, body: str) -> subprocess.CompletedProcess[bytes]:
    """Send a signal to a command at some point, and return how the command ended."""
    program = COMMAND.replace("NAME", name).replace("BODY", body)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm clock here")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "body",
    [
        "exec('send()')",
        "Late(); Late(); time.sleep(60)",
        "try: send()\n    except BaseException: time.sleep(60)",
        "try: send()\n    finally: time.sleep(60)",
        "try: send()\n    finally: send(); time.sleep(60)",
        "atexit.register(send); sys.exit(3)",
    ],
    ids=["exec", "lost", "caught", "slow", "twice", "at-exit"],
)
def test_command_exits_with_its_status_even_if_the_exception_is_lost(name: str, body: str) -> None:
    started = time.monotonic()
    end = ended(name, body)
    assert end.returncode == 128 + getattr(signal, name), end.stderr
    assert time.monotonic() - started < 30


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm clock here")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_exception_that_python_drops_is_raised_again(name: str) -> None:
    end = ended(name, "try: Late(); time.sleep(60)\n    finally: print('cleaned up')")
    assert (end.stdout, end.stderr) == (b"cleaned up\n", b"")
    assert end.returncode == 128 + getattr(signal, name)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_at_the_very_end_does_not_change_the_status(name: str) -> None:
    end = ended(name, "sys.late = Late(); sys.exit(3)")
    assert end.returncode == 3, end.stderr


ON_EXIT = """from handgrad.signals import on_exit
    with on_exit(lambda: (print('done', flush=True), ACT)):
        try: send()
        except BaseException: END"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm clock here")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("act", ["None", "1 / 0", "time.sleep(60)"])
@pytest.mark.parametrize("cut_off", ["send()", "time.sleep(60)"])
def test_on_exit_function_is_called_if_the_clean_up_is_cut_off(
    name: str, act: str, cut_off: str
) -> None:
    started = time.monotonic()
    end = ended(name, ON_EXIT.replace("ACT", act).replace("END", cut_off))
    assert (end.stdout, end.stderr) == (b"done\n", b"")
    assert end.returncode == 128 + getattr(signal, name)
    assert time.monotonic() - started < 30


def test_on_exit_function_is_not_called_if_the_block_ends_normally() -> None:
    body = ON_EXIT.replace("ACT", "None").replace("END", "pass") + "\n    send()"
    assert ended("SIGTERM", body).stdout == b""


@pytest.mark.usefixtures("as_before")
def test_signal_within_an_interruptible_block_makes_the_next_one_exit() -> None:
    install_handler(end_command)
    with pytest.raises(CommandExit), interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is exit_now


LAST_WORDS = """
import os, signal, time
from handgrad.signals import exit_now, on_exit

def inner():
    signal.raise_signal(signal.SIGTERM)
    print("inner", flush=True)

with on_exit(lambda: print("outer", flush=True)), on_exit(inner):
    if os.fork() == 0:
        exit_now(signal.SIGINT)
    os.wait()
    exit_now(signal.SIGINT)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm clock here")
def test_on_exit_functions_run_once_innermost_first_and_not_in_a_child() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from handgrad.signals import install_handler, exit_now\n"
            f"install_handler(exit_now)\n{LAST_WORDS}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("inner\nouter\n", "")
    assert ended.returncode == 130
