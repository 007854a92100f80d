"""The memory and the work that a model in C needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from handgrad.classifier import Classifier
from handgrad.export.c import preprocessing
from handgrad.export.c.int8 import Int8Plan
from handgrad.export.c.layers import plan_of
from handgrad.export.c.ood import ood_arrays
from handgrad.export.c.plan import Plan


@dataclass(frozen=True)
class Size:
    """What a model in C needs.

    Attributes:
        weights: the bytes of the constant arrays of the network, in flash.
        score: the bytes of the constant arrays of the out-of-distribution score, in flash.
        workspace: the bytes of the workspace, in RAM.
        activations: the bytes of the activations, which are a part of the workspace.
        multiply_adds: the number of multiply-adds of the network for one image.
        largest: the height and width of the largest raw image, or None without preprocessing.
    """

    weights: int
    score: int
    workspace: int
    activations: int
    multiply_adds: int
    largest: tuple[int, int] | None

    def lines(self) -> list[str]:
        """Return one line for each number."""
        flash = f"flash      {self.weights:,} bytes of weights"
        if self.score:
            flash += f", {self.score:,} of the score; without it if HG_NO_OOD is defined"
        ram = f"RAM        {self.workspace:,} bytes"
        if self.largest:
            ram += f", for raw images of up to {self.largest[0]} x {self.largest[1]} pixels"
            ram += f"; the network alone {self.activations:,}"
        return [flash, ram, f"work       {self.multiply_adds:,} multiply-adds"]


def size_of(
    classifier: Classifier, height: int, width: int, plan: Plan | Int8Plan | None = None
) -> Size:
    """Return the memory and work of a classifier in C, for raw images of up to height x width."""
    plan = plan or plan_of(classifier.network)
    ram, largest, score = plan.ram, None, 0
    if classifier.preprocessing is not None:
        ram = max(ram, preprocessing.memory(classifier.preprocessing, height, width, 4))
        ram += math.prod(classifier.shape)
        largest = (height, width)
    if classifier.ood is not None:
        score = sum(
            values.nbytes for values in ood_arrays(classifier.ood, classifier.network).values()
        )
        ram += 4 * classifier.ood.means.shape[1]
    weights = sum(values.nbytes for values in plan.arrays.values())
    adds = classifier.network.summary().multiply_adds
    return Size(weights, score, ram, plan.ram, adds, largest)
