"""Describes how a record was made: the processor, versions, commit and command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "handgrad",
    "numpy",
    "numba",
    "torch",
    "jax",
    "keras",
    "scikit-learn",
    "tinygrad",
    "onnxruntime",
)


def about() -> dict[str, Any]:
    """Return the machine, versions, commit, command, date and load average."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
        "load": load(),
    }


def machine() -> dict[str, Any]:
    """Return a description of the processor and the memory."""
    facts = cpu_facts()
    return {
        "processor": facts.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "caches": caches(),
        "vectors": [flag for flag in facts.get("flags", "").split() if "avx" in flag],
        "system": f"{platform.system()} {platform.machine()}",
        "memory_gib": memory_gib(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of those packages in `PACKAGES` that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """Return the short commit hash, with a "+" if there are uncommitted changes, or None."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def load() -> float | None:
    """Return the load average of the last minute, or None if the system does not report it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def cpu_facts() -> dict[str, str]:
    """Return the entries of /proc/cpuinfo for the first core, or {} if the file does not exist."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    lines = path.read_text().split("\n\n")[0].splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def caches() -> dict[str, str]:
    """Return the cache sizes of the first core on Linux, or {} on other systems."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        found[f"L{level} {kind.lower()}"] = size
    return found


def memory_gib() -> float | None:
    """Return the size of the memory in GiB, or None if it is unknown."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
