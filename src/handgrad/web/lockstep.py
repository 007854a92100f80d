"""Train the same network by hand, compiled and in PyTorch, in a child process.

The child process sends one message per step. It imports PyTorch, which the server never does, and
it can be ended at any moment.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from handgrad.data import Dataset
from handgrad.engine_comparison import EngineRun, compare_engines
from handgrad.engines import fastest_engine
from handgrad.errors import HandgradError
from handgrad.network import Network, layer_name
from handgrad.web.endpoint import FAILED, without_paths

MAX_STEPS = 50
WEIGHTS_SHOWN = 5  # of each parameter
REFERENCE, TORCH, COMPILED = "reference", "torch", "compiled"


def installed_engines(net: Network) -> list[str]:
    """Return the engines that can train a network here, the reference engine first."""
    engines = [REFERENCE]
    if find_spec("torch"):
        engines.append(TORCH)
    if fastest_engine() == COMPILED and net.dtype == np.float32:
        from handgrad.engines.compiled.engine import has_kernels

        if has_kernels(net):
            engines.append(COMPILED)
    return engines


class Lockstep:
    """An engine comparison in a child process, with the optimizer Momentum.

    Adam would divide each gradient by its size. The gradient of a bias before a batch norm is only
    a rounding error, which differs between engines, so this bias would also differ.

    Args:
        net: the network, with its initial weights.
        train: the training images.
        engines: the engines; all are compared with the first one.
        steps: the number of steps.
        batch_size: the number of images per step.
    """

    def __init__(
        self,
        net: Network,
        train: Dataset,
        *,
        engines: Sequence[str],
        steps: int,
        batch_size: int,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {
            "engines": list(engines),
            "total": steps,
            "parameters": parameter_titles(net),
            "steps": [],
            "is_over": False,
            "error": "",
            "divergence": None,
            "seconds": {},
        }
        options = {"engines": list(engines), "steps": steps, "batch_size": batch_size}
        self._process = context.Process(target=_train, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._connection.send((net, train, options))

    def poll(self) -> dict[str, Any]:
        """Return everything that the child process sent so far as JSON data."""
        with self._lock:
            state = self._state
            try:
                while not state["is_over"] and self._connection.poll():
                    kind, content = self._connection.recv()
                    if kind == "step":
                        state["steps"].append(content)
                    else:
                        state |= content
                        state["is_over"] = True
            except (EOFError, OSError):
                state["is_over"] = True
                state["error"] = "the process that trains the networks ended unexpectedly"
            return dict(state)

    def stop(self) -> None:
        """End the child process."""
        with self._lock:
            if self._process.is_alive():
                self._process.kill()
            self._process.join(1)
            if not self._state["is_over"]:
                self._state |= {"is_over": True, "error": "the comparison was stopped"}


def parameter_titles(net: Network) -> dict[str, str]:
    """Return the name of each parameter for a person, such as "2 (Dense) weight"."""
    titles = {}
    for name in net.parameters:
        index, _, tensor = name.partition(".")
        titles[name] = f"{layer_name(net.layers, int(index))} {tensor}"
    return titles


def step_json(runs: Sequence[EngineRun]) -> dict[str, Any]:
    """Return the state of all engines after a step as JSON data.

    `largest` is the largest difference between a weight of an engine and the same weight of the
    first engine, for each parameter; `weights` has the first few weights of each parameter.
    """
    first = runs[0].net.parameters
    return {
        "seconds": {run.name: run.seconds[-1] for run in runs},
        "largest": {
            run.name: {
                name: float(np.abs(array.astype(np.float64) - first[name]).max(initial=0))
                for name, array in run.net.parameters.items()
            }
            for run in runs[1:]
        },
        "size": {name: float(np.abs(array).max(initial=0)) for name, array in first.items()},
        "weights": {
            run.name: {
                name: array.ravel()[:WEIGHTS_SHOWN].astype(float).tolist()
                for name, array in run.net.parameters.items()
            }
            for run in runs
        },
    }


def _train(server: Connection) -> None:
    """Compare the engines in the child process: receive the network, and send the results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends this process
    try:
        net, train, options = server.recv()
    except EOFError:  # the server ended
        return
    try:
        result = compare_engines(
            net, train, watch=lambda runs: server.send(("step", step_json(runs))), **options
        )
        described = result.as_json()
        wanted = ("ok", "divergence", "tolerance", "skipped")
        seconds = {summary.engine: summary.seconds for summary in result.engines}
        server.send(("end", {"seconds": seconds} | {key: described[key] for key in wanted}))
    except BrokenPipeError:
        return
    except HandgradError as error:
        server.send(("end", {"error": without_paths(str(error))}))
    except Exception:
        traceback.print_exc()
        server.send(("end", {"error": FAILED}))
