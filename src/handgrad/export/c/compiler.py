"""Compiles a model in C and runs it, to compare its logits with those of Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Bundle, Classifier
from handgrad.classifier.golden_outputs import Golden
from handgrad.errors import MissingExtraError, ModelError
from handgrad.export.c import source
from handgrad.export.c.header import to_c
from handgrad.layers import Array

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic")
_SECONDS = 300  # of a compiler or a program


def compiler() -> list[str]:
    """Return the command of a C compiler.

    Raises:
        MissingExtraError: if there is none.
    """
    for name in ("cc", "gcc", "clang"):
        if path := which(name):
            return [path]
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise MissingExtraError("no C compiler is installed; install gcc, or pip install ziglang")


def compile_c(program: Path, output: Path, options: Sequence[str] = ()) -> None:
    """Compile a C program.

    Raises:
        MissingExtraError: if there is no compiler.
        ModelError: if it finds an error.
    """
    command = [*compiler(), *WARNINGS, "-O2", *options, "-x", "c", str(program)]
    command += ["-o", str(output), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "")
        raise ModelError(f"the C compiler refuses the exported code: {first}")


def run_c(bundle: Bundle, images: NDArray[Any]) -> Array:
    """Return the logits that a model in C computes, (N, K) float32.

    Args:
        bundle: the content of a model file.
        images: inputs of the network, (N, C, H, W) uint8 or float32.

    Raises:
        MissingExtraError: if there is no C compiler.
        ModelError: if the model cannot be written in C, or does not run.
    """
    of_bytes = images.dtype == np.uint8
    text = to_c(
        replace(bundle, classifier=_only_network(bundle.classifier), golden=_no_raw(bundle))
    )
    run = source.read("run.c").replace("HG_RUN_TYPE", "uint8_t" if of_bytes else "float")
    run = run.replace("HG_RUN_PREDICT", "hg_predict" if of_bytes else "hg_predict_values")
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "net.h").write_text(text, encoding="utf-8")
        (place / "run.c").write_text(source.renamed(run, "net"), encoding="utf-8")
        compile_c(place / "run.c", place / "run")
        X = images if of_bytes else images.astype(np.float32)
        done = subprocess.run(
            [str(place / "run")],
            input=X.tobytes(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        raise ModelError(f"the model in C ended with the exit status {done.returncode}")
    return np.frombuffer(done.stdout, np.float32).reshape(len(images), -1)


def run_test(header: Path, options: Sequence[str] = ()) -> tuple[int, str]:
    """Run the self-test of an exported header; return its exit status and what it prints.

    Raises:
        MissingExtraError: if there is no C compiler.
        ModelError: if the compiler finds an error.
    """
    with TemporaryDirectory() as folder:
        program = Path(folder) / "test"
        compile_c(header, program, ["-DHANDGRAD_TEST", *options])
        done = subprocess.run(
            [str(program)], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    return done.returncode, "; ".join([*done.stdout.splitlines(), *done.stderr.splitlines()])


def _only_network(classifier: Classifier) -> Classifier:
    """Return a copy of a classifier without the parts that the logits do not depend on."""
    only = copy(classifier)
    only.ood = only.preprocessing = None
    return only


def _no_raw(bundle: Bundle) -> Golden:
    """Return the golden outputs without raw images."""
    return replace(bundle.golden, raw=None)
