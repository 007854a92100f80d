"""All calls that exist only on POSIX systems are in one module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import handgrad
from handgrad.posix import TERMINATION_SIGNALS, at_fork, sync_folder

ROOT = Path(handgrad.__file__).parent
MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
NAMES = {
    *("fork", "forkpty", "register_at_fork", "getuid", "geteuid", "getgid", "getpgid", "setsid"),
    *("killpg", "sched_getaffinity", "sched_setaffinity", "getloadavg", "uname", "mkfifo"),
    *("waitpid", "wait", "setitimer", "getitimer", "alarm", "pthread_kill", "pthread_sigmask"),
    *("SIGHUP", "SIGALRM", "SIGKILL", "SIGPIPE", "SIGCHLD", "SIGUSR1", "SIGUSR2", "ITIMER_REAL"),
    *("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "chown", "fchmod", "posix_fadvise"),
}


def posix_names(source: str) -> Iterator[str]:
    """Yield the POSIX-only names in a source: modules, os.NAME, signal.NAME and strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in (*MODULES, "os", "signal"):
            yield from (a.name for a in node.names if node.module in MODULES or a.name in NAMES)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("os", "signal") and node.attr in NAMES:
                yield f"{node.value.id}.{node.attr}"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("hasattr", "getattr")
            and isinstance(node.args[1], ast.Constant)
            and node.args[1].value in NAMES
        ):
            yield str(node.args[1].value)


def test_no_other_module_uses_posix_only_names() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in ROOT.rglob("*.py")
        if path != ROOT / "posix.py"
        for name in posix_names(path.read_text("utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from fcntl import flock",
        "import os\nos.fork()",
        "from os import fork",
        "import signal\nsignal.signal(signal.SIGALRM, f)",
        "import os\nif hasattr(os, 'getuid'): pass",
    ],
)
def test_a_use_in_another_module_is_found(source: str) -> None:
    assert list(posix_names(source))


def test_the_functions_of_the_module_work_on_this_system(tmp_path: Path) -> None:
    at_fork(after_in_child=list)
    sync_folder(tmp_path)
    assert TERMINATION_SIGNALS
