"""The number of threads that this process may use, which may be less than the number of cores."""

from __future__ import annotations

import os
import sys


def cores() -> int:
    """Return how many threads this process may run at the same time, which is at least 1.

    This is `joblib.cpu_count`, which respects CPU affinity and the limit of a container, or
    OMP_NUM_THREADS if it is set and smaller.
    """
    from joblib import cpu_count

    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # "4,2": 4, 2 within each
    count: int = cpu_count()
    return min(count, int(first)) if first.isdigit() and int(first) else count


def limit_library_threads() -> None:
    """Limit the number of threads that NumPy and other libraries use to `cores`.

    The libraries respect CPU affinity and OMP_NUM_THREADS, but not the CPU limit of a container.
    """
    count = cores()
    if count >= (os.cpu_count() or 1):
        return
    os.environ.setdefault("OMP_NUM_THREADS", str(count))  # for libraries that are loaded later
    if "numpy" in sys.modules:
        from threadpoolctl import ThreadpoolController

        for library in ThreadpoolController().lib_controllers:
            if library.num_threads > count:
                library.set_num_threads(count)
