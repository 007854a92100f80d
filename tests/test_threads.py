"""How many cores this process may use: the least that anything grants."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handgrad import threads as module
from handgrad.threads import cores, granted

NONE = float("inf")
Lay = Callable[[str, dict[str, str]], float]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Lay out control groups as the system shows them, and return what they grant."""

    def lay(own: str, files: dict[str, str]) -> float:
        (tmp_path / "own").write_text(own)
        for path, content in files.items():
            file = tmp_path / "groups" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content + "\n")
        return granted(tmp_path / "own", tmp_path / "groups")

    return lay


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/", {"cpu.max": "max 100000"}, NONE),
        ("0::/", {}, NONE),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "400000 100000"}, 4),
        ("0::/a/b", {"a/b/cpu.max": "100000 50000", "a/cpu.max": "400000 100000"}, 2),
        ("0::/not/seen/from/inside", {"cpu.max": "300000 100000"}, 3),
        ("0::/", {"cpu.max": "nonsense"}, NONE),
    ],
)
def test_a_group_of_the_second_kind(lay: Lay, own: str, files: dict[str, str], limit: float):
    assert lay(own, files) == limit


@pytest.mark.parametrize(
    ("quota", "period", "limit"),
    [("50000", "100000", 0.5), ("-1", "100000", NONE), ("100000", "0", NONE), ("", "", NONE)],
)
@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_a_group_of_the_first_kind(lay: Lay, quota: str, period: str, limit, controllers: str):
    files = {"cpu/box/cpu.cfs_quota_us": quota, "cpu/box/cpu.cfs_period_us": period}
    own = f"3:cpuset:/\n2:{controllers}:/box/inner\n1:memory:/box\n0::/\n"
    assert lay(own, files) == limit


def test_without_control_groups_there_is_no_limit(tmp_path: Path):
    assert granted(tmp_path / "none", tmp_path) == NONE


@pytest.mark.parametrize(
    ("bound", "limit", "wish", "count"),
    [
        (8, NONE, "", 8),
        (8, 2.5, "", 2),
        (8, 0.5, "", 1),
        (8, NONE, "3", 3),
        (8, NONE, "3,2", 3),
        (2, 4, "16", 2),
        (8, NONE, "0", 8),
        (8, NONE, "many", 8),
    ],
)
def test_the_least_counts(monkeypatch, bound: int, limit: float, wish: str, count: int):
    monkeypatch.setattr(module, "_bound_to", lambda: bound)
    monkeypatch.setattr(module, "granted", lambda: limit)
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert cores() == count


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no processor can be chosen here")
def test_a_process_that_is_bound_to_one_core_has_one():
    program = (
        "import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "from handgrad.threads import cores; print(cores())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"


HELD = """
import os
from handgrad import threads as cores
bound = cores._bound_to()
cores.granted = lambda: {granted}
import numpy, sklearn.utils
cores.hold_libraries()
from threadpoolctl import threadpool_info
threads = [pool["num_threads"] for pool in threadpool_info()]
print(bound, os.environ.get("OMP_NUM_THREADS"), len(threads), *threads)
"""


@pytest.mark.parametrize("limit", [1, NONE])
def test_libraries_are_held_to_what_the_group_grants(limit: float):
    program = HELD.format(granted=f"float('{limit}')")
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    bound, variable, count, *threads = done.stdout.split()
    if limit == 1:
        assert (variable, threads) == ("1", ["1"] * int(count))
    else:
        assert (variable, threads) == ("None", [bound] * int(count))
    assert int(count) >= 2
