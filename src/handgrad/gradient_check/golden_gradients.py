"""The third witness: numbers that autograd gave once, kept in a file.

They tell whether the gradients of the named models are today what they were, on a machine without
PyTorch too, and would show an error that we and today's PyTorch share. To make the file anew:

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
from handgrad.gradient_check.oracle import Testimony, Witness
from handgrad.gradient_check.target import Subject, gradients
from handgrad.layers import Array

FILE = Path(__file__).with_name("golden_gradients.json")
BOUND = 1e-12  # another machine adds up in another order
SEED = 4
LARGEST = 4  # how many elements of each gradient are kept


def witness(subject: Subject) -> Witness | None:
    """Return what the file says of a named model while training; None: it is not there."""
    kept = json.loads(FILE.read_text("utf-8")).get(subject.name)
    if kept is None:
        return None
    point = subject.point(SEED, training=True)
    said = {tensor: _testimony(**entry) for tensor, entry in kept.items()}
    return Witness("frozen", BOUND, gradients(subject.layer, point), said)


def _testimony(shape: list[int], norm: float, elements: dict[str, float]) -> Testimony:
    """Return what is kept of one gradient: its largest elements, and its norm."""
    places = np.array([int(place) for place in elements])

    def measure(gradient: Array) -> Array:
        return np.append(gradient.reshape(-1)[places], np.linalg.norm(gradient))

    return Testimony(tuple(shape), places, np.array([*elements.values(), norm]), measure)


def freeze(subjects: list[Subject]) -> dict[str, Any]:
    """Return what the file is to say of some subjects, from autograd.

    Raises:
        MissingExtraError: if PyTorch is not installed.
    """
    from handgrad.gradient_check.autograd import autograd, needed

    needed()
    return {
        subject.name: {
            tensor: _entry(gradient)
            for tensor, gradient in autograd(
                subject.layer, subject.point(SEED, training=True)
            ).items()
        }
        for subject in subjects
    }


def _entry(gradient: Array) -> dict[str, Any]:
    flat = gradient.reshape(-1)
    largest = np.sort(np.argsort(-abs(flat), kind="stable")[:LARGEST])
    return {
        "shape": gradient.shape,
        "norm": float(np.linalg.norm(flat)),
        "elements": {str(place): float(flat[place]) for place in largest},
    }


def main() -> int:
    """Write the file anew, and return the exit status."""
    from handgrad.gradient_check.registry import NAMED

    try:
        found = freeze(list(NAMED.values()))
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
        description="Write the frozen reference values of the named networks anew.",
    ).parse_args()
    sys.exit(main())
