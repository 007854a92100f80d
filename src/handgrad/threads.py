"""How many cores this process may use, which is often fewer than the machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_PROC, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def cores() -> int:
    """Return how many threads may run at once, at least 1.

    It is the least of: the processors that this process is bound to; the processor time that its
    control group grants, as a container's limit does; and OMP_NUM_THREADS, where it is set.
    """
    return max(1, int(min(_bound_to(), granted(), _wished_for())))


def hold_libraries() -> None:
    """Keep the libraries that compute with threads of their own to the cores of this process.

    They know which processors it is bound to, and OMP_NUM_THREADS, but not what its control group
    grants. Where that is all the same, nothing is done.
    """
    if granted() >= _bound_to():
        return
    count = cores()
    os.environ.setdefault("OMP_NUM_THREADS", str(count))  # for those that are loaded later
    if "numpy" in sys.modules:
        from threadpoolctl import ThreadpoolController

        for library in ThreadpoolController().lib_controllers:
            if library.num_threads > count:
                library.set_num_threads(count)


def granted(own: Path = _PROC, groups: Path = _GROUPS) -> float:
    """Return how many processors' time the control groups of this process grant together.

    Args:
        own: the list of the groups that this process is in.
        groups: the folder that the groups are mounted in.

    Returns:
        Infinity where there is no limit, or none can be read.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return float("inf")
    limits = [float("inf")]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            limits += map(_of_second_kind, _upwards(groups, path))
        elif "cpu" in controllers.split(","):
            limits += map(_of_first_kind, _upwards(groups / "cpu", path))
    return min(limits)


def _upwards(mounted: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and those above it; a container sees its own group as the first."""
    group = mounted / path.lstrip("/")
    yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mounted))


def _of_second_kind(group: Path) -> float:
    """Return the limit of a group, version 2: "200000 100000", or "max 100000"."""
    quota, _, period = _read(group / "cpu.max").partition(" ")
    return _share(quota, period)


def _of_first_kind(group: Path) -> float:
    """Return the limit of a group, version 1; a quota of -1 is none."""
    return _share(_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us"))


def _share(quota: str, period: str) -> float:
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return float("inf")
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _bound_to() -> int:
    """Return how many processors this process may be run by."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _wished_for() -> float:
    """Return what OMP_NUM_THREADS says; "4,2" is 4 threads, and 2 within each."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdigit() and int(first) else float("inf")
