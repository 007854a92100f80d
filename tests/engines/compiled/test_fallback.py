"""Where Numba is there and cannot compile, one line says why, and the reference engine works."""

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
END = ": the reference engine trains instead, more slowly\n"


def ran(engine: str, tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HANDGRAD_CACHE": str(tmp_path / "cache"), **settings}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, engine],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )


def numba_that(fails: str, tmp_path: Path) -> dict[str, str]:
    """Write a Numba that fails when it is imported, and return how it is found."""
    (tmp_path / "broken/numba").mkdir(parents=True)
    (tmp_path / "broken/numba/__init__.py").write_text(fails)
    return {"PYTHONPATH": str(tmp_path / "broken")}


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        ("raise ImportError('Numba needs NumPy 2 or less.')", "Numba needs NumPy 2 or less"),
        ("import numba_s_own", "No module named 'numba_s_own'"),
        ("raise SystemError", "SystemError"),
    ],
)
def test_a_broken_numba_is_named_with_its_reason(fails: str, reason: str, tmp_path: Path) -> None:
    broken = numba_that(fails, tmp_path)
    done = ran("auto", tmp_path, **broken)
    assert (done.stdout, done.stderr) == (SAME, f"handgrad: numba cannot be loaded ({reason}){END}")


def test_the_compiled_engine_says_what_is_broken(tmp_path: Path) -> None:
    done = ran("compiled", tmp_path, **numba_that("raise ImportError('no libtbb')", tmp_path))
    assert (done.stdout, done.stderr) == (
        "the compiled engine cannot work: numba cannot be loaded (no libtbb); "
        "install a version that fits, or take engine='reference'\n",
        "",
    )


def test_who_tells_numba_not_to_compile_is_told_so(tmp_path: Path) -> None:
    trouble = "Numba is told not to compile (NUMBA_DISABLE_JIT)"
    done = ran("auto", tmp_path, NUMBA_DISABLE_JIT="1")
    assert (done.stdout, done.stderr) == (SAME, f"handgrad: {trouble}{END}")
    done = ran("compiled", tmp_path, NUMBA_DISABLE_JIT="1")
    assert done.stdout == (
        f"the compiled engine cannot work: {trouble}; set NUMBA_DISABLE_JIT=0, "
        "or take engine='reference'\n"
    )


def test_a_setting_under_which_kernels_need_python_is_named(tmp_path: Path) -> None:
    done = ran("auto", tmp_path, NUMBA_OPT="0")
    compiling, trouble = done.stderr.splitlines(keepends=True)
    assert compiling.startswith("handgrad: compiling ")
    assert trouble == (
        "handgrad: Numba cannot compile driver.run under NUMBA_OPT "
        f"(it would need Python while it runs){END}"
    )
    assert done.stdout == SAME
    assert not list(tmp_path.rglob("*.o"))


def test_settings_that_change_code_are_told_from_those_that_do_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NUMBA_")]:
        monkeypatch.delenv(name)
    assert libraries.settings() == []
    for name in ("OPT", "CPU_NAME", "NUM_THREADS", "DISABLE_JIT", "CACHE_DIR"):
        monkeypatch.setenv(f"NUMBA_{name}", "1")
    assert libraries.settings() == ["NUMBA_CPU_NAME=1", "NUMBA_OPT=1"]
    (tmp_path / ".numba_config.yaml").write_text("boundscheck: 1\n")
    assert libraries.settings()[2:] == ["boundscheck: 1\n"]


def test_such_a_setting_has_kernels_of_its_own() -> None:
    program = "from handgrad.engines.compiled.jit.compiler import _digest; print(_digest())"

    def digest(**settings: str) -> str:
        command = [sys.executable, "-c", program]
        environment = {**os.environ, **settings}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    usual = digest()
    assert digest(NUMBA_NUM_THREADS="1") == usual
    assert digest(NUMBA_BOUNDSCHECK="1") != usual


def test_the_error_can_be_pickled() -> None:
    error = libraries.cannot("no compiler", "get one")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.trouble) == (str(error), "no compiler")
