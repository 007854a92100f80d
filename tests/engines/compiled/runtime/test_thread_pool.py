"""How many threads may be at work: those of all programs together."""

import os

import pytest

from handgrad.engines.compiled.runtime import thread_pool as module
from handgrad.engines.compiled.runtime.thread_pool import crew


def test_one_program_has_all_it_wants_up_to_the_most() -> None:
    for wanted, most, count in ((1, 4, 1), (3, 4, 3), (9, 4, 4)):
        with crew(wanted, most) as given:
            assert given == count


def test_programs_at_once_share_and_each_may_work_alone() -> None:
    with crew(3, 4) as first, crew(3, 4) as second, crew(3, 4) as third:
        assert (first, second, third) == (3, 1, 1)
    with crew(2, 4) as first, crew(4, 4) as second:
        assert (first, second) == (2, 2)
    with crew(4, 4) as again:
        assert again == 4


def test_a_failure_gives_the_threads_back() -> None:
    with pytest.raises(ZeroDivisionError), crew(4, 4):
        1 / 0  # noqa: B018
    with crew(4, 4) as given:
        assert given == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process can be forked here")
def test_a_forked_child_has_the_cores_for_itself() -> None:
    with crew(4, 4), module._lock:
        module_lock = module._lock
        module._begin_anew()  # what a fork does in the child
        assert module._lock is not module_lock
        with crew(4, 4) as given:
            assert given == 4
        module._at_work = 4
