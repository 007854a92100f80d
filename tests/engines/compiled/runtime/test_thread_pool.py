"""The total number of threads of all programs in a process stays within the limit."""

import os

import pytest

from handgrad.engines.compiled.runtime import thread_pool
from handgrad.engines.compiled.runtime.thread_pool import reserve_threads


def test_a_single_program_gets_what_it_wants_up_to_the_limit() -> None:
    for wanted, limit, count in ((1, 4, 1), (3, 4, 3), (9, 4, 4)):
        with reserve_threads(wanted, limit) as granted:
            assert granted == count


def test_concurrent_programs_share_the_limit_and_get_at_least_one_thread() -> None:
    with (
        reserve_threads(3, 4) as first,
        reserve_threads(3, 4) as second,
        reserve_threads(3, 4) as third,
    ):
        assert (first, second, third) == (3, 1, 1)
    with reserve_threads(2, 4) as first, reserve_threads(4, 4) as second:
        assert (first, second) == (2, 2)
    with reserve_threads(4, 4) as again:
        assert again == 4


def test_an_exception_returns_the_threads_to_the_budget() -> None:
    with pytest.raises(ZeroDivisionError), reserve_threads(4, 4):
        1 / 0  # noqa: B018
    with reserve_threads(4, 4) as granted:
        assert granted == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_the_whole_budget() -> None:
    with reserve_threads(4, 4), thread_pool._lock:
        lock_before = thread_pool._lock
        thread_pool._reset_after_fork()  # runs in the child after a fork
        assert thread_pool._lock is not lock_before
        with reserve_threads(4, 4) as granted:
            assert granted == 4
        thread_pool._busy_threads = 4
