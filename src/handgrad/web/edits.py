"""Edits of a network in the lab of the page: weights, outputs, pruning and temperature."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from handgrad.calibration import MAX_TEMPERATURE, MIN_TEMPERATURE, Calibration
from handgrad.classifier import Classifier
from handgrad.errors import ModelError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.web.endpoint import Parameters

MAX_EDITS = 500  # in one request
MAX_WEIGHT = 1e4  # the largest magnitude of a new weight


class Edit(Parameters):
    """One change of a network. `page/inside/edits.js` makes the same changes in the page.

    Attributes:
        kind: what changes. "weight": one element of a parameter gets a value. "off": one output of
            a layer with weights becomes 0 for every image, because its weights and bias become 0.
            "prune": the weights of linear layers and convolutions with the smallest magnitude
            become 0. "temperature": the logits are divided by a number before the softmax.
        array: for "weight", the name of an array, such as "3.weight"; for "off", the path of a
            layer, such as "3"; for "prune", the name of an array, or None for all of them.
        index: for "weight", the position in the flattened array; for "off", the output or channel.
        value: for "weight", the new value; for "prune", a percentage of the weights; for
            "temperature", the divisor.
    """

    kind: Literal["weight", "off", "prune", "temperature"]
    array: str | None = Field(default=None, max_length=200)
    index: int | None = Field(default=None, ge=0)
    value: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check(self) -> Self:
        used = {
            "weight": ("array", "index", "value"),
            "off": ("array", "index"),
            "prune": ("value",),
            "temperature": ("value",),
        }[self.kind]
        for name in ("array", "index", "value"):
            is_optional = self.kind == "prune" and name == "array"
            if (getattr(self, name) is None) == (name in used) and not is_optional:
                verb = "needs" if name in used else "does not take"
                raise ValueError(f"the edit {self.kind} {verb} {name}")
        limits = {
            "weight": (-MAX_WEIGHT, MAX_WEIGHT),
            "prune": (0.0, 100.0),
            "temperature": (MIN_TEMPERATURE, MAX_TEMPERATURE),
        }
        low, high = limits.get(self.kind, (0.0, 0.0))
        if self.value is not None and not low <= self.value <= high:
            raise ValueError(f"{self.kind} must be from {low:g} to {high:g}, not {self.value:g}")
        return self


def edited(model: Classifier, edits: Sequence[Edit]) -> Classifier:
    """Return a copy of a classifier with edits, which are made in order.

    Raises:
        ModelError: if an edit names an array, a layer or an index that the network does not have.
    """
    new = copy.deepcopy(model)
    for edit in edits:
        if edit.kind == "weight":
            _set_weight(new.network, edit)
        elif edit.kind == "off":
            _switch_off(new.network, edit)
        elif edit.kind == "prune":
            _prune(new.network, edit)
        else:
            assert edit.value is not None
            old = new.calibration or Calibration()
            new.calibration = replace(old, temperature=edit.value)
    return new


def weights_of(network: Network) -> dict[str, Array]:
    """Return the weights of linear layers and convolutions, by the names of their arrays."""
    return {
        name: array
        for name, array in network.arrays.items()
        if name.endswith(".weight") and array.ndim > 1
    }


def _set_weight(network: Network, edit: Edit) -> None:
    assert edit.array is not None
    assert edit.index is not None
    if edit.array not in network.parameters or edit.index >= network.arrays[edit.array].size:
        raise ModelError(f"the network has no weight {edit.index} in an array {edit.array}")
    network.arrays[edit.array].flat[edit.index] = edit.value


def _switch_off(network: Network, edit: Edit) -> None:
    weight = network.arrays.get(f"{edit.array}.weight")
    assert edit.index is not None
    if weight is None or edit.index >= len(weight):
        raise ModelError(f"the network has no output {edit.index} in a layer {edit.array}")
    weight[edit.index] = 0
    network.arrays[f"{edit.array}.bias"][edit.index] = 0


def _prune(network: Network, edit: Edit) -> None:
    weights = weights_of(network)
    if edit.array is not None:
        if edit.array not in weights:
            raise ModelError(f"the network has no weights {edit.array} that can be pruned")
        weights = {edit.array: weights[edit.array]}
    assert edit.value is not None
    sizes = np.concatenate([np.abs(array).ravel() for array in weights.values()])
    count = int(edit.value * len(sizes) / 100)
    is_pruned = np.zeros(len(sizes), bool)
    is_pruned[np.argsort(sizes, kind="stable")[:count]] = True
    at = 0
    for array in weights.values():
        array[is_pruned[at : at + array.size].reshape(array.shape)] = 0
        at += array.size
