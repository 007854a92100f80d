"""The oracle "golden": reference gradients that autograd computed once, stored in a file.

They show whether the gradients of the built-in models have changed, even if PyTorch is not
installed. They would also reveal an error that both handgrad and a later version of PyTorch have.
To compute the gradients again and write the file, run:

    python -m handgrad.gradient_check.golden_gradients
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import HandgradError
from handgrad.files import replacing
from handgrad.gradient_check.oracle import ExpectedGradient, Oracle
from handgrad.gradient_check.target import Target, gradients
from handgrad.layers import Array

NAME = "golden"
FILE = Path(__file__).with_name("golden_gradients.json")
BOUND = 1e-12  # other machines add in another order
SEED = 4
LARGEST = 4  # the number of elements stored for each gradient


def run_oracle(target: Target) -> Oracle | None:
    """Compare a built-in model in training mode with its stored gradients.

    Returns:
        The result of the oracle, or None if no gradients are stored for this model.
    """
    stored = json.loads(FILE.read_text("utf-8")).get(target.name)
    if stored is None:
        return None
    point = target.point(SEED, training=True)
    expected = {tensor: _expected_gradient(**entry) for tensor, entry in stored.items()}
    return Oracle(NAME, BOUND, gradients(target.layer, point), expected)


def _expected_gradient(
    shape: list[int], norm: float, elements: dict[str, float]
) -> ExpectedGradient:
    """Return the expected gradient, which consists of the stored elements and the stored norm."""
    indices = np.array([int(index) for index in elements])

    def measure(gradient: Array) -> Array:
        return np.append(gradient.reshape(-1)[indices], np.linalg.norm(gradient))

    return ExpectedGradient(tuple(shape), indices, np.array([*elements.values(), norm]), measure)


def compute(targets: list[Target]) -> dict[str, Any]:
    """With autograd, compute the numbers that are stored for the given targets.

    Raises:
        MissingExtraError: if PyTorch is not installed.
    """
    from handgrad.gradient_check.autograd import autograd, require_torch

    require_torch()
    return {
        target.name: {
            tensor: _entry(gradient)
            for tensor, gradient in autograd(
                target.layer, target.point(SEED, training=True)
            ).items()
        }
        for target in targets
    }


def _entry(gradient: Array) -> dict[str, Any]:
    flat = gradient.reshape(-1)
    largest = np.sort(np.argsort(-abs(flat), kind="stable")[:LARGEST])
    return {
        "shape": gradient.shape,
        "norm": float(np.linalg.norm(flat)),
        "elements": {str(index): float(flat[index]) for index in largest},
    }


def main() -> int:
    """Compute the gradients, write the file and return the exit status."""
    from handgrad.gradient_check.registry import NAMED

    try:
        found = compute(list(NAMED.values()))
        with replacing(FILE) as temporary:
            temporary.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    except HandgradError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{FILE.name}: {len(NAMED)} models")
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m handgrad.gradient_check.golden_gradients",
        description="Compute the reference gradients of the built-in models, and store them.",
    ).parse_args()
    sys.exit(main())
