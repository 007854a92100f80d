import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data.split import stratified


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
