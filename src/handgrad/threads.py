"""How many threads this process may use: often fewer than the machine has cores."""

from __future__ import annotations

import os
import sys


def cores() -> int:
    """Return how many threads may run at once, at least 1.

    It is the smaller of `joblib.cpu_count`, which knows the processors that the process is bound
    to and the limit of its container, and OMP_NUM_THREADS if it is set.
    """
    from joblib import cpu_count

    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # "4,2": 4, 2 within each
    count: int = cpu_count()
    return min(count, int(first)) if first.isdigit() and int(first) else count


def limit_library_threads() -> None:
    """Limit the threads of NumPy's and other libraries to `cores`.

    The libraries know the processors of the process and OMP_NUM_THREADS, but not the limit of a
    container.
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
