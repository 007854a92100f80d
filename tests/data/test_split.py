import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data import Dataset
from handgrad.data.split import first_copies, stratified


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_every_class_has_its_share(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    chosen = stratified(labels, share, seed)
    assert np.array_equal(chosen, stratified(labels, share, seed))
    for k, count in enumerate(counts):
        taken = int(chosen[labels == k].sum())
        if count < 2:
            assert taken == 0
        else:
            assert 1 <= taken <= count - 1
            assert taken in (1, count - 1) or abs(taken - share * count) < 1


def test_the_total_is_correct_despite_rounding():
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # MNIST's training set
    chosen = stratified(np.repeat(np.arange(10), counts), 1 / 6, seed=0)
    assert chosen.sum() == 10_000


def test_each_image_of_a_class_is_equally_likely():
    labels = np.arange(40) % 2
    times = sum(stratified(labels, 0.25, seed).astype(int) for seed in range(400))
    assert times.sum() == 400 * 10
    assert times.min() > 60  # 100 expected, standard deviation 8.7
    assert times.max() < 140


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    kinds=st.integers(1, 60),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_copies_are_on_one_side_of_the_split(labels, kinds, share, seed):
    labels = np.array(labels)
    images = np.random.default_rng(seed).integers(0, kinds, (len(labels), 1)).astype(np.uint8)
    first = first_copies(images)
    assert np.array_equal(images[first], images)
    assert (first <= np.arange(len(first))).all()
    chosen = stratified(labels, share, seed, first)
    assert np.array_equal(chosen, chosen[first])
    for k in range(4):
        own = labels == k
        with_one_label = [i for i in set(first[own]) if (labels[first == i] == k).all()]
        if len(set(first[own])) >= 2 and with_one_label:
            assert 0 < chosen[own].sum() < own.sum()
        else:
            assert not chosen[own].any()


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_without_copies_the_choice_depends_on_the_labels_only(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    different = np.arange(len(labels))
    assert np.array_equal(
        stratified(labels, share, seed), stratified(labels, share, seed, different)
    )


def test_a_split_with_copies_has_the_requested_size():
    X = np.random.default_rng(0).integers(0, 256, (300, 4, 4), np.uint8)
    X[200:270], X[270:] = X[:70], X[:30]
    y = np.random.default_rng(1).integers(0, 10, 200)
    train, held = Dataset.from_arrays(X, np.concatenate([y, y[:70], y[:30]])).split(0.2)
    assert len(held) == 60
    kept = {x.tobytes() for x in train.images}
    assert not any(x.tobytes() in kept for x in held.images)
