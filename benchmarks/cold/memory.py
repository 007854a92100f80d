"""Reports the peak memory usage of this process."""

import sys
from pathlib import Path


def peak_mebibytes() -> float:
    """Return the peak resident memory of this process in MiB.

    On Linux, VmHWM is read, because `getrusage` would include the peak of the parent process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
