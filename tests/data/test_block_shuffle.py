import mmap

import numpy as np
import pytest

import handgrad as hg
from handgrad.data import block_shuffle as stretches
from handgrad.data.block_shuffle import mapped_file, read_ahead, shuffled
from handgrad.engines import BatchStream, TrainConfig, engine_named
from handgrad.random import generator

COUNT, STEP = 3_000, 32


@pytest.fixture
def small(monkeypatch):
    """Stretches of 32 images of 8x8, mixed by eight."""
    monkeypatch.setattr(stretches, "STRETCH", STEP * 64)
    monkeypatch.setattr(stretches, "TOGETHER", 8)


@pytest.fixture
def images(tmp_path):
    """Images in a mapped file."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", rng.integers(0, 256, (COUNT, 8, 8), np.uint8))
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def test_in_memory_any_order_is_as_likely():
    order = shuffled(np.zeros((COUNT, 8, 8), np.uint8), np.random.default_rng(1))
    assert (order == np.random.default_rng(1).permutation(COUNT)).all()


def test_a_small_file_is_shuffled_as_memory_is(images):
    order = shuffled(images, np.random.default_rng(1))
    assert (order == np.random.default_rng(1).permutation(COUNT)).all()


@pytest.mark.usefixtures("small")
def test_in_a_file_each_image_has_its_turn_and_few_stretches_are_mixed(images):
    order = shuffled(images, np.random.default_rng(1))
    assert sorted(order) == list(range(COUNT))
    for at in range(0, COUNT, 8 * STEP):
        assert len(np.unique(order[at : at + 8 * STEP] // STEP)) <= 9  # one may be cut
    # neighbours in the order are seldom neighbours in the file
    assert (abs(np.diff(order)) > STEP).mean() > 0.8
    assert (order != shuffled(images, np.random.default_rng(2))).any()
    assert (order == shuffled(images, np.random.default_rng(1))).all()


@pytest.mark.usefixtures("small")
def test_what_is_asked_for_covers_the_images_and_little_more(images):
    wanted = np.array([5, 17, 900, 905, COUNT - 1])  # three stretches, the last at the end
    asked = read_ahead(images, wanted)
    if not hasattr(mmap.mmap, "madvise"):
        assert asked == 0
        return
    stretch = STEP * 64
    assert 2 * stretch < asked <= 3 * (stretch + mmap.PAGESIZE)
    assert read_ahead(np.asarray(images)[:, None], wanted) == asked
    assert read_ahead(images[100:], wanted[:2]) > 0
    assert read_ahead(np.array(images), wanted) == 0
    assert read_ahead(images, wanted[:0]) == 0


def test_a_data_set_leaves_its_images_in_their_file(images):
    data = hg.Dataset.from_arrays(images, np.arange(COUNT) % 3)
    assert np.shares_memory(data.images, images)
    assert mapped_file(data.images) is not None
    assert mapped_file(data.images[:, :, ::2]) is None
    assert mapped_file(data.take([1, 2]).images) is None


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_training_from_a_file_takes_the_images_in_that_order(images, engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    data = hg.Dataset.from_arrays(images, np.arange(COUNT) % 3)
    recipe = hg.TrainConfig(epochs=1, seed=4, patience=None)
    from_file = hg.Network([hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
    hg.fit(from_file, data, validation=None, epochs=1, seed=4, patience=None, engine=engine)

    order = shuffled(images, generator(4, "shuffle", 1))
    lrs = [recipe.optimizer.lr] * -(-COUNT // recipe.batch_size)
    in_memory = hg.Network([hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
    run = engine_named(engine, in_memory, TrainConfig(recipe.loss, recipe.optimizer)).run
    X = np.array(data.images)
    run(BatchStream(X, data.labels, None, order, recipe.batch_size, lrs))
    for name, array in from_file.parameters.items():
        assert (array == in_memory.parameters[name]).all(), name
