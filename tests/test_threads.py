"""The number of threads is joblib's CPU count, or OMP_NUM_THREADS if that is smaller."""

import os
import subprocess
import sys

import joblib
import pytest

from handgrad.threads import cores


@pytest.mark.parametrize(
    ("processors", "variable", "count"),
    [
        (8, "", 8),
        (1, "", 1),
        (8, "3", 3),
        (8, "3,2", 3),
        (2, "16", 2),
        (8, "0", 8),
        (8, "many", 8),
    ],
)
def test_the_smaller_number_counts(monkeypatch, processors: int, variable: str, count: int):
    monkeypatch.setattr(joblib, "cpu_count", lambda: processors)
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert cores() == count


def output(program: str) -> list[str]:
    """Run a program without the variables that limit threads; return the words that it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no processor can be chosen here")
def test_a_process_that_is_bound_to_one_core_has_one():
    assert output(
        "import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "from handgrad.threads import cores; print(cores())"
    ) == ["1"]


LIMITED = """
import os
import joblib
joblib.cpu_count = lambda: {processors}
os.cpu_count = lambda: {machine}
import numpy, sklearn.utils
from handgrad.threads import limit_library_threads
from threadpoolctl import threadpool_info
before = [pool["num_threads"] for pool in threadpool_info()]
limit_library_threads()
after = [pool["num_threads"] for pool in threadpool_info()]
print(os.environ.get("OMP_NUM_THREADS"), len(after), after == [1] * len(after), after == before)
"""


def test_libraries_use_no_more_threads_than_a_container_allows():
    variable, count, all_one, _ = output(LIMITED.format(processors=1, machine=8))
    assert (variable, all_one) == ("1", "True")
    assert int(count) >= 2


def test_without_a_limit_the_libraries_are_left_alone():
    variable, _, _, unchanged = output(LIMITED.format(processors=8, machine=8))
    assert (variable, unchanged) == ("None", "True")
