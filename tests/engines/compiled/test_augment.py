"""All engines train on the same augmented images."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import handgrad as hg
from handgrad.data.augment import Augmentation, EpochAugmentation
from handgrad.engines import BatchStream, Engine, ReferenceEngine, TrainConfig, engine_named
from handgrad.engines.compiled import CompiledEngine
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD
from tests.data.augment.test_augmentation import augmentations

CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(0.05), seed=3)
EVERYTHING = Augmentation(0.1, 20, 0.2, 0.2, 0.3, 0.05, 0.25, True, 0.4, 0.5, 0.3)


def images(shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """Return noise on a dark background."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 256, shape) * (rng.random(shape) < 0.3)
    return (X if kind == np.uint8 else X / 255).astype(kind)


@cache
def engine(shape: tuple[int, int, int], workers: int = 1) -> CompiledEngine:
    """Return a compiled engine for images of a shape."""
    layers = [hg.Flatten(), hg.Dense(3), hg.Dense()]
    return CompiledEngine(Network(layers, shape, 2), CONFIG, workers=workers, skip_zeros=False)


def as_compiled(X: NDArray[Any], augment: EpochAugmentation) -> NDArray[Any]:
    """Return at most 16 images as the compiled engine passes them to its first layer."""
    N, *shape = X.shape
    compiled = engine(tuple(shape))  # type: ignore[arg-type]
    compiled._programs.clear()  # so that the program of this run is the only one
    compiled.run(BatchStream(X, np.arange(N) % 2, None, np.arange(N), N, [1e-6], augment))
    ((builder, program),) = compiled._programs.values()
    found = next(b for b in builder.plan.buffers() if b.name == "augment: images")
    return program.array(found)[0][: X.size].reshape(X.shape)


@given(
    augmentations(),
    st.tuples(st.integers(1, 3), st.integers(1, 21), st.integers(1, 21)),
    st.sampled_from([np.uint8, np.float32]),
)
@settings(max_examples=60)
def test_engine_and_numpy_agree_bit_for_bit(
    augmentation: Augmentation, shape: tuple[int, int, int], kind: Any
) -> None:
    X = images((4, *shape), kind)
    augment = EpochAugmentation(augmentation, 2, 3)
    expected = augment.apply(X, np.arange(4))
    assert as_compiled(X, augment).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("preset", ["light", "drawings", "fashion", "light,fill=edge"])
def test_engine_and_numpy_agree_for_the_presets_on_images_of_28_pixels(
    preset: str, kind: Any
) -> None:
    X, augmentation = images((16, 1, 28, 28), kind), Augmentation.of(preset)
    assert augmentation is not None
    augment = EpochAugmentation(augmentation, 0, 1)
    assert as_compiled(X, augment).tobytes() == augment.apply(X, np.arange(16)).tobytes()


NETWORKS = {
    "lists": [hg.Normalize(), hg.Flatten(), hg.Dense(20), hg.ReLU(), hg.Dense()],
    "lanes": [hg.Normalize(), hg.Conv2d(4, 3), hg.BatchNorm(), hg.ReLU(), hg.Flatten(), hg.Dense()],
}


def batches(kind: Any, size: int = 24, count: int = 20) -> BatchStream:
    """Return 20 batches of 100 images; the last batch is smaller."""
    rng = np.random.default_rng(5)
    order = np.concatenate([rng.permutation(100) for _ in range(6)])[: count * size - 7]
    labels = rng.integers(0, 3, 100)
    X = images((100, 2, 11, 9), kind)
    return BatchStream(
        X, labels, None, order, size, [0.05] * count, EpochAugmentation(EVERYTHING, 3, 1)
    )


def trained(name: str, network: str, run: BatchStream, **options: Any) -> tuple[Engine, Any]:
    """Return an engine that has run the batches, and the results of its steps."""
    net = Network(NETWORKS[network], run.images.shape[1:], 3)
    net.fit_statistics(run.images)
    made = CompiledEngine(net, CONFIG, **options) if options else engine_named(name, net, CONFIG)
    return made, made.run(run)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ["compiled", "torch:cpu"])
def test_engines_agree_over_20_steps(name: str, network: str, kind: Any) -> None:
    if name.startswith("torch"):
        pytest.importorskip("torch")
    run = batches(kind)
    ours, left = trained("reference", network, run)
    theirs, right = trained(name, network, run)
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)
    for key, array in ours.net.arrays.items():  # type: ignore[attr-defined]
        found = theirs.net.arrays[key]  # type: ignore[attr-defined]
        assert np.linalg.norm(array - found) <= 1e-4 * max(np.linalg.norm(array), 1e-3), key
    plain = trained("reference", network, run._replace(augment=None))[1]
    assert np.abs(plain.losses - left.losses).max() > 0.01


@pytest.mark.parametrize("network", NETWORKS)
def test_threads_and_slices_do_not_change_the_weights(network: str) -> None:
    run, found = batches(np.uint8), []
    for workers, first in ((1, 20), (2, 7)):
        net = Network(NETWORKS[network], run.images.shape[1:], 3)
        each = CompiledEngine(net, CONFIG, workers=workers, skip_zeros=True)
        each.parallel_step_threshold = each.parallel_run_threshold = 0
        at = first * run.size
        each.run(run._replace(order=run.order[:at], lrs=run.lrs[:first]))
        each.run(run._replace(order=run.order[at:], lrs=run.lrs[first:]))
        found.append(net.arrays)
    for name, array in found[0].items():
        assert np.array_equal(array, found[1][name]), name


def test_augmented_images_do_not_depend_on_the_batch_size() -> None:
    X = images((40, 1, 8, 8), np.uint8)
    seen = {}
    for size in (1, 7, 40):
        run = BatchStream(X, np.zeros(40, int), None, np.arange(40)[::-1], size, [0.0] * 40, None)
        run = run._replace(lrs=[0.0] * -(-40 // size), augment=EpochAugmentation(EVERYTHING, 0, 4))
        seen[size] = np.concatenate([batch[0] for batch in run.in_turn()])
    assert np.array_equal(seen[1], seen[7])
    assert np.array_equal(seen[1], seen[40])


def test_batches_of_one_image_agree_with_the_reference() -> None:
    run = batches(np.uint8)._replace(size=1, order=np.arange(30), lrs=[0.05] * 30)
    left = trained("reference", "lists", run)[1]
    right = trained("compiled", "lists", run, skip_zeros=True)[1]
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)


def test_divergence_is_reported_with_augmentation_as_well() -> None:
    run = batches(np.float32)
    run.images[50, 0, 5, 4] = np.nan
    ours = ReferenceEngine(Network(NETWORKS["lists"], (2, 11, 9), 3), CONFIG)
    theirs = CompiledEngine(Network(NETWORKS["lists"], (2, 11, 9), 3), CONFIG)
    found = []
    for each in (ours, theirs):
        with pytest.raises(hg.DivergenceError) as error:
            each.run(run)
        found.append((error.value.step, error.value.layer))
    assert found[0] == found[1]


def test_the_plan_notes_the_augmentation() -> None:
    net = Network(hg.models.two_layer(), (1, 28, 28), 10)
    plan = hg.plan(net, augment="fashion")
    assert "images: augmented by shift=0.07,flip=true" in plan.notes
    assert "augment.warp_uint8" in str(plan)
    assert "augment" not in str(hg.plan(net, augment="fashion", learning=False))


@pytest.mark.parametrize(("moved", "kept"), [(True, "cpu"), (False, "meta")])
def test_augmented_images_stay_on_the_host(moved: bool, kept: str) -> None:
    """The device "meta" replaces a GPU in this test: data cannot be copied back from it."""
    torch = pytest.importorskip("torch")
    from handgrad.engines.torch.data_feed import Feed

    X, augment = (
        images((6, 1, 5, 5), np.uint8),
        EpochAugmentation(EVERYTHING, 2, 3) if moved else None,
    )
    net = Network([hg.Flatten(), hg.Dense()], (1, 5, 5), 2)
    batches = BatchStream(X, np.arange(6) % 2, None, np.arange(6), 3, [0.1, 0.1], augment)
    feed = Feed(batches, net, SoftmaxCrossEntropy(), torch.device("meta"))
    assert feed._images.device.type == kept
    arrived = list(feed)
    assert [len(y) for _, y, _ in arrived] == [3, 3]
    assert {A.device.type for batch in arrived for A in batch} == {"meta"}
