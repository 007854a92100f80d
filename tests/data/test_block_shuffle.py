import mmap

import numpy as np
import pytest

import handgrad as hg
from handgrad.data import block_shuffle
from handgrad.data.block_shuffle import mapped_file, prefetch, shuffled_indices
from handgrad.engines import BatchStream, TrainConfig, engine_named
from handgrad.random import generator

COUNT, BLOCK = 3_000, 32


@pytest.fixture
def small(monkeypatch):
    """Use blocks of 32 images of 8x8 pixels, and groups of eight blocks."""
    monkeypatch.setattr(block_shuffle, "BLOCK_BYTES", BLOCK * 64)
    monkeypatch.setattr(block_shuffle, "GROUP", 8)


@pytest.fixture
def images(tmp_path):
    """Return images in a memory-mapped file."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", rng.integers(0, 256, (COUNT, 8, 8), np.uint8))
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def test_images_in_memory_are_permuted():
    order = shuffled_indices(np.zeros((COUNT, 8, 8), np.uint8), np.random.default_rng(1))
    assert (order == np.random.default_rng(1).permutation(COUNT)).all()


def test_a_small_file_is_permuted(images):
    order = shuffled_indices(images, np.random.default_rng(1))
    assert (order == np.random.default_rng(1).permutation(COUNT)).all()


@pytest.mark.usefixtures("small")
def test_a_large_file_is_shuffled_in_groups_of_blocks(images):
    order = shuffled_indices(images, np.random.default_rng(1))
    assert sorted(order) == list(range(COUNT))
    for at in range(0, COUNT, 8 * BLOCK):
        assert len(np.unique(order[at : at + 8 * BLOCK] // BLOCK)) <= 9  # one may be cut
    # neighbours in the order are seldom neighbours in the file
    assert (abs(np.diff(order)) > BLOCK).mean() > 0.8
    assert (order != shuffled_indices(images, np.random.default_rng(2))).any()
    assert (order == shuffled_indices(images, np.random.default_rng(1))).all()


@pytest.mark.usefixtures("small")
def test_prefetch_requests_the_blocks_of_the_images(images):
    wanted = np.array([5, 17, 900, 905, COUNT - 1])  # three blocks, the last at the end
    asked = prefetch(images, wanted)
    if not hasattr(mmap.mmap, "madvise"):
        assert asked == 0
        return
    block = BLOCK * 64
    assert 2 * block < asked <= 3 * (block + mmap.PAGESIZE)
    assert prefetch(np.asarray(images)[:, None], wanted) == asked
    assert prefetch(images[100:], wanted[:2]) > 0
    assert prefetch(np.array(images), wanted) == 0
    assert prefetch(images, wanted[:0]) == 0


def test_a_dataset_keeps_images_in_their_file(images):
    data = hg.Dataset.from_arrays(images, np.arange(COUNT) % 3)
    assert np.shares_memory(data.images, images)
    assert mapped_file(data.images) is not None
    assert mapped_file(data.images[:, :, ::2]) is None
    assert mapped_file(data.take([1, 2]).images) is None


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_training_from_a_file_uses_the_block_order(images, engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    data = hg.Dataset.from_arrays(images, np.arange(COUNT) % 3)
    recipe = hg.TrainConfig(epochs=1, seed=4, patience=None)
    from_file = hg.Network([hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
    hg.fit(from_file, data, validation=None, epochs=1, seed=4, patience=None, engine=engine)

    order = shuffled_indices(images, generator(4, "shuffle", 1))
    lrs = [recipe.optimizer.lr] * -(-COUNT // recipe.batch_size)
    in_memory = hg.Network([hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
    run = engine_named(engine, in_memory, TrainConfig(recipe.loss, recipe.optimizer)).run
    X = np.array(data.images)
    run(BatchStream(X, data.labels, None, order, recipe.batch_size, lrs))
    for name, array in from_file.parameters.items():
        assert (array == in_memory.parameters[name]).all(), name
