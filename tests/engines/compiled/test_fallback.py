"""If Numba cannot compile, one warning gives the reason, and the reference engine trains."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.engines.compiled.jit import libraries

PROGRAM = """
import sys
import numpy as np
import handgrad as hg
from handgrad.engines import BatchStream, ReferenceEngine, TrainConfig, engine_named

X, y = np.arange(10 * 64, dtype=np.uint8).reshape(10, 1, 8, 8), np.arange(10) % 3
def trained(name):
    net = hg.Network([hg.Flatten(), hg.Dense(5), hg.ReLU(), hg.Dense()], (1, 8, 8), 3, seed=1)
    engine = engine_named(name, net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.Adam()))
    for _ in range(2):
        engine.run(BatchStream(X, y, None, np.arange(10), 4, [0.1] * 3))
    return engine, engine.logits(X)
try:
    (a, found), (b, wanted) = trained(sys.argv[1]), trained("reference")
    trained("auto")
    print(a.steps, np.array_equal(found, wanted), sorted(a.optimizer_state))
except hg.MissingExtraError as error:
    print(error)
"""
SAME = "6 True ['1.bias', '1.weight', '3.bias', '3.weight']\n"
END = ": using the reference engine instead, which is slower\n"


def run(engine: str, tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HANDGRAD_CACHE": str(tmp_path / "cache"), **settings}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, engine],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )


def broken_numba(fails: str, tmp_path: Path) -> dict[str, str]:
    """Write a package numba that fails on import, and return the variable that finds it."""
    (tmp_path / "broken/numba").mkdir(parents=True)
    (tmp_path / "broken/numba/__init__.py").write_text(fails)
    path = filter(None, (str(tmp_path / "broken"), os.environ.get("PYTHONPATH")))
    return {"PYTHONPATH": os.pathsep.join(path)}


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        ("raise ImportError('Numba needs NumPy 2 or less.')", "Numba needs NumPy 2 or less"),
        ("import numba_s_own", "No module named 'numba_s_own'"),
        ("raise SystemError", "SystemError"),
    ],
)
def test_a_broken_numba_is_reported_with_the_reason(
    fails: str, reason: str, tmp_path: Path
) -> None:
    broken = broken_numba(fails, tmp_path)
    done = run("auto", tmp_path, **broken)
    assert (done.stdout, done.stderr) == (
        SAME,
        f"handgrad: numba cannot be imported ({reason}){END}",
    )


def test_the_compiled_engine_reports_what_is_broken(tmp_path: Path) -> None:
    done = run("compiled", tmp_path, **broken_numba("raise ImportError('no libtbb')", tmp_path))
    assert (done.stdout, done.stderr) == (
        "the compiled engine cannot compile: numba cannot be imported (no libtbb); "
        "install a compatible version, or use engine='reference'\n",
        "",
    )


def test_a_disabled_compiler_is_reported(tmp_path: Path) -> None:
    reason = "NUMBA_DISABLE_JIT disables Numba's compiler"
    done = run("auto", tmp_path, NUMBA_DISABLE_JIT="1")
    assert (done.stdout, done.stderr) == (SAME, f"handgrad: {reason}{END}")
    done = run("compiled", tmp_path, NUMBA_DISABLE_JIT="1")
    assert done.stdout == (
        f"the compiled engine cannot compile: {reason}; set NUMBA_DISABLE_JIT=0, "
        "or use engine='reference'\n"
    )


def test_a_setting_that_breaks_kernels_is_named(tmp_path: Path) -> None:
    done = run("auto", tmp_path, NUMBA_OPT="0")
    compiling, warning = done.stderr.splitlines(keepends=True)
    assert compiling.startswith("handgrad: compiling ")
    assert warning == (
        "handgrad: Numba cannot compile driver.run with NUMBA_OPT "
        f"(its machine code calls Python){END}"
    )
    assert done.stdout == SAME
    assert not list(tmp_path.rglob("*.o"))


def test_only_settings_that_change_machine_code_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NUMBA_")]:
        monkeypatch.delenv(name)
    assert libraries.numba_settings() == []
    for name in ("OPT", "CPU_NAME", "NUM_THREADS", "DISABLE_JIT", "CACHE_DIR"):
        monkeypatch.setenv(f"NUMBA_{name}", "1")
    assert libraries.numba_settings() == ["NUMBA_CPU_NAME=1", "NUMBA_OPT=1"]
    (tmp_path / ".numba_config.yaml").write_text("boundscheck: 1\n")
    assert libraries.numba_settings()[2:] == ["boundscheck: 1\n"]


def test_a_setting_that_changes_machine_code_changes_the_cache_key() -> None:
    program = "from handgrad.engines.compiled.jit.cache_key import cache_key; print(cache_key())"

    def key(**settings: str) -> str:
        command = [sys.executable, "-c", program]
        environment = {**os.environ, **settings}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    usual = key()
    assert key(NUMBA_NUM_THREADS="1") == usual
    assert key(NUMBA_BOUNDSCHECK="1") != usual


def test_the_error_can_be_pickled() -> None:
    error = libraries.cannot_compile("no compiler", "get one")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.reason) == (str(error), "no compiler")
