"""How much memory a process has taken at most."""

import sys
from pathlib import Path


def peak_mib() -> float:
    """Return the peak of this process's resident memory in MiB.

    Linux's VmHWM is this program's own; `getrusage` would give that of the process that started
    it, where that was larger.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
