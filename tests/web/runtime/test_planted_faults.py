"""The comparisons with Python fail if a fault is planted in a layer, a loss or an optimizer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from handgrad.gradient_check.registry import CASES
from handgrad.gradient_check.target import Target
from handgrad.layers import LAYER_CLASSES, Dropout, Residual
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from tests.web.runtime.compare import STEPS, check_layer, check_loss, check_optimizer
from tests.web.runtime.test_losses import LOSSES
from tests.web.runtime.test_optim import OPTIMIZERS
from tests.web.runtime.v8 import FOLDER, Runtime


class Fault(NamedTuple):
    """A change that makes a class wrong: `right` occurs in its source, `wrong` replaces it."""

    name: str
    right: str
    wrong: str


# More cases than those of the gradient check: inside a block, dropout depends on its position.
EXTRA = {"Residual": [Target("dropout", Residual((Dropout(0.5),)), (7,))]}

FAULTS = [
    Fault("Dense", "add_AB(dX, dY, W)", "add_ABt(dX, dY, W)"),
    Fault("Dense", "db.data[o] +=", "db.data[o] ="),
    Fault("Conv2d", "add_AtB(example(dP, n), W", "add_AtB(example(dP, 0), W"),
    Fault("Conv2d", "Math.floor(i / count) % O", "i % O"),
    Fault("Conv2d", "pair(this.stride), output)", "pair(1), output)"),
    Fault("MaxPool2d", "x[pixel] > y[at])", "x[pixel] >= y[at])"),
    Fault("MaxPool2d", "pad(X, padding, -Infinity)", "pad(X, padding, 0)"),
    Fault("MaxPool2d", "dX.data[argmax[i]] +=", "dX.data[argmax[i]] ="),
    Fault("AvgPool2d", "dy / (kernel[0] * kernel[1])", "dy"),
    Fault("AvgPool2d", "dx[pixel] +=", "dx[pixel] ="),
    Fault("GlobalAvgPool2d", "dY.data[channel] / pixels", "dY.data[channel]"),
    Fault("Flatten", "reshape(dY, cache)", "reshape(dY, dY.shape)"),
    Fault("BatchNorm", "dy - mean[f] - x[i] * slope[f]", "dy - mean[f]"),
    Fault("BatchNorm", "if (training) {", "if (false) {"),
    Fault("BatchNorm", "v * (count / (count - 1))", "v"),
    Fault("Normalize", "dy / s[Math.min(f, last)]", "dy * s[Math.min(f, last)]"),
    Fault("ReLU", "y > 0 ? dy : 0", "dy"),
    Fault("LeakyReLU", "dy : this.slope * dy", "dy : 0"),
    Fault("Sigmoid", "dy * y * (1 - y)", "dy * (1 - y)"),
    Fault("Tanh", "1 - y * y", "1 - y"),
    Fault("SiLU", "s * (1 + x * (1 - s))", "s * (x * (1 - s))"),
    Fault("Dropout", "map2(dY, M, (dy, m) => dy * m)", "dY"),
    Fault("Dropout2d", "scale_channels(dY, M)", "dY"),
    Fault("Sequential", "this.layers.length - 1; index >= 0", "this.layers.length - 1; index >= 1"),
    Fault("Residual", "add(dX_body, dX_shortcut)", "dX_body"),
    Fault("Residual", "inside(ctx, 0)", "inside(ctx, 1)"),
    Fault("SoftmaxCrossEntropy", "share * (Math.exp(log) - q)", "Math.exp(log) - q"),
    Fault("SoftmaxCrossEntropy", "smooth / K + (", "("),
    Fault("SGD", "+ this.weight_decay * w[i]", ""),
    Fault("Momentum", "g + this.momentum * v[i] : v[i]", "v[i] : v[i]"),
    Fault("Adam", "m[i] / (1 - beta1 ** t)", "m[i]"),
    Fault("Adam", "(1 - beta2) * g * g", "(1 - beta2) * g"),
    Fault("AdamW", "1 - lr * this.weight_decay", "1 - this.weight_decay"),
]

# Faults that every class can have: forward's or backward's argument is slightly wrong.
FORWARD, BACKWARD = "forward(params, X, ctx) {", "backward(params, cache, dY) {"
SCALED = " = {{ shape: {0}.shape, data: {0}.data.map((x) => x * 1.000001) }};"
FAULTS += [
    Fault(name, method, method + argument + SCALED.format(argument))
    for name in LAYER_CLASSES
    for method, argument in ((FORWARD, "X"), (BACKWARD, "dY"))
]
FAULTS += [
    Fault(name, head := "update(W, dW, state, lr, t) {", head + "lr *= 1.000001;")
    for name in OPTIMIZERS
]


def faulty(fault: Fault, folder: Path) -> Runtime:
    """Return a runtime whose modules contain the fault."""
    shutil.copytree(FOLDER, folder)
    for path in folder.glob("*.js"):
        source = path.read_text("utf-8")
        classes = rf"^(?:export )?class {fault.name}\b.*?^}}$"
        if own := re.search(classes, source, re.DOTALL | re.MULTILINE):
            assert fault.right in own[0], f"not in {fault.name}: {fault.right}"
            text = own[0].replace(fault.right, fault.wrong, 1)
            path.write_text(source[: own.start()] + text + source[own.end() :], "utf-8")
            return Runtime(folder)
    raise AssertionError(f"there is no class {fault.name}")


def check_targets(rt: Runtime, targets: Iterable[Target]) -> None:
    """Compare layers with Python, also for rounded inputs, among which many are equal."""
    for target in targets:
        point = target.point(0, True)
        check_layer(rt, target.layer, point)
        check_layer(rt, target.layer, point._replace(X=np.round(point.X)))


def check_of(name: str) -> Callable[[Runtime], None]:
    """Return the comparison with Python for a layer, a loss or an optimizer."""
    rng = np.random.default_rng(0)
    if name in LAYER_CLASSES:
        return lambda rt: check_targets(rt, [*CASES[LAYER_CLASSES[name]], *EXTRA.get(name, ())])
    if name in LOSSES:
        loss = SoftmaxCrossEntropy(0.1, (1.0, 2.0, 0.5))
        Z, y, weights = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1]), rng.uniform(1, 2, 4)
        return lambda rt: check_loss(rt, loss, Z, y, weights)
    optimizers: dict[str, Optimizer] = {
        "SGD": SGD(weight_decay=0.1),
        "Momentum": Momentum(nesterov=True, weight_decay=0.1),
        "Adam": Adam(),
        "AdamW": AdamW(),
    }
    W, *gradients = rng.normal(size=(STEPS + 1, 3, 4))
    lrs = [0.1] * STEPS
    return lambda rt: check_optimizer(rt, optimizers[name], W, gradients, lrs)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}: {fault.right}")
def test_a_planted_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    runtime = faulty(fault, tmp_path / "runtime")
    with pytest.raises(AssertionError):
        check_of(fault.name)(runtime)
    runtime.close()


def test_without_a_fault_the_same_comparisons_pass() -> None:
    runtime = Runtime()
    for name in dict.fromkeys(fault.name for fault in FAULTS):
        check_of(name)(runtime)
    runtime.close()


def test_every_layer_loss_and_optimizer_has_a_fault() -> None:
    assert {fault.name for fault in FAULTS} >= {*LAYER_CLASSES, *LOSSES, *OPTIMIZERS}
