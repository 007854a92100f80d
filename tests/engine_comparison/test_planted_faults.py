"""A fault planted in a layer at step 50 is reported with its step and layer, in every engine."""

import numpy as np
import pytest

from handgrad.engine_comparison import TOLERANCES, compare_engines
from tests.engine_comparison.engines import FEW, LAYERS, faulty, network
from tests.extras import needs


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("index", "tensor"),
    [
        (1, "dweight"),
        (2, "dweight"),
        (3, "dX"),
        (4, "dX"),
        (5, "dX"),
        (7, "dX"),
        (8, "dweight"),
        (9, "dX"),
        (11, "dweight"),
    ],
)
def test_a_fault_planted_at_step_50_is_reported_with_its_layer(index, tensor, dtype):
    net = network(dtype)
    found = compare_engines(
        net,
        FEW,
        engines={"reference": "reference", "faulty": faulty(index)},
        steps=60,
        batch_size=16,
    )
    layer = f"{index} ({type(net.layers[index]).__name__})"
    step, engine, worst = found.divergence
    assert (step, engine, worst.layer, worst.tensor) == (50, "faulty", layer, tensor)
    assert 0.001 < worst.value < 0.0101
    assert found.steps == 51
    assert max(max(record.values()) for record in found.differences["faulty"][:50]) == 0
    assert str(found).startswith(
        f"step 50: faulty differs from reference in {tensor} of {layer} by"
    )


def test_a_fault_in_one_tensor_is_reported_with_it():
    makers = {"reference": "reference", "faulty": faulty(8, start=3, only="bias")}
    found = compare_engines(network(), FEW, engines=makers, steps=10)
    assert found.divergence[:2] == (3, "faulty")
    assert found.divergence.difference[:3] == ("gradients", "8 (Dense)", "dbias")


def faulty_torch(index, start=50):
    """Return a function that creates the torch engine with a wrong backward in one layer."""

    def make(net, rules):
        from handgrad.engines.torch import TorchEngine

        engine = TorchEngine(net, rules, device="cpu")
        layer = engine.module[index]

        def mutated(gradient):
            return gradient if engine.steps < start else gradient * 1.01

        if list(layer.parameters()):
            layer.weight.register_hook(mutated)
        else:
            layer.register_full_backward_hook(lambda _, dX, __: tuple(map(mutated, dX)))
        return engine

    return make


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("index", "tensor"), [(1, "dweight"), (2, "dweight"), (3, "dX"), (8, "dweight"), (9, "dX")]
)
def test_a_fault_in_the_torch_engine_is_also_reported(index, tensor, dtype):
    needs("torch")
    net = network(dtype)
    makers = {"reference": "reference", "torch": faulty_torch(index)}
    found = compare_engines(net, FEW, engines=makers, steps=60, batch_size=16)
    step, engine, worst = found.divergence
    layer = f"{index} ({type(net.layers[index]).__name__})"
    assert (step, engine, worst.layer, worst.tensor) == (50, "torch", layer, tensor)
    assert 0.001 < worst.value < 0.0101


def faulty_compiled(index, start=50):
    """Return a function that creates a compiled engine with too large updates of one layer."""

    def make(net, rules):
        from handgrad.engines.compiled import CompiledEngine

        class Faulty(CompiledEngine):
            def step(self, X, y, weights, lr):
                weight = net.parameters[f"{index}.weight"]
                before, mutated = weight.copy(), self.steps >= start
                came = super().step(X, y, weights, lr)
                weight += mutated * np.float32(0.01) * (weight - before)
                return came

        return Faulty(net, rules)

    return make


@pytest.mark.parametrize("index", [1, 2, 8, 11])
def test_a_fault_in_the_compiled_engine_is_found_from_its_updates(index):
    pytest.importorskip("numba")
    net = network("float32")
    makers = {"reference": "reference", "compiled": faulty_compiled(index)}
    found = compare_engines(net, FEW, engines=makers, steps=60, batch_size=16)
    step, engine, worst = found.divergence
    layer = f"{index} ({type(net.layers[index]).__name__})"
    assert (step, engine, worst.layer, worst.tensor) == (50, "compiled", layer, "dweight")
    assert 0.001 < worst.value < 0.0101


def test_the_compiled_engine_equals_reference_and_torch():
    pytest.importorskip("numba")
    needs("torch")
    engines = ("compiled", "reference", "torch:cpu")
    found = compare_engines(
        network("float32", LAYERS), FEW, engines=engines, steps=40, batch_size=32
    )
    assert found.divergence is None
    assert set(found.largest("reference")) == {"loss", "gradients", "parameters"}
    assert 0 < found.largest("torch:cpu")["gradients"] < 1e-3
