import numpy as np

from handgrad.preprocess import Binarize, SubtractBackground
from tests.preprocess.drawings import seven


def test_a_clean_background_is_unchanged():
    X = 255 - seven()
    assert np.array_equal(SubtractBackground()(X), X)


def test_shadows_and_noise_are_removed():
    rng = np.random.default_rng(0)
    clean = 255 - seven()
    shadow = np.linspace(0, 90, clean.shape[1])[None, :, None]
    paper = 40 + shadow + rng.normal(0, 4, clean.shape)
    photograph = np.clip(paper + clean * 0.5, 0, 255).astype(np.uint8)
    even = SubtractBackground()(photograph)
    assert even[clean == 0].max() + 80 < even[clean == 255].min()
    assert np.array_equal(Binarize(40)(even), clean)


def test_ink_without_a_margin_is_not_noise():
    X = np.full((8, 8, 1), 90, np.uint8)
    X[2:6, 2:6] = 0  # three quarters are ink
    X[0, 0] = 200
    assert SubtractBackground(32)(X)[0, 4] >= 90 - 32
    assert SubtractBackground()(X)[0, 4] == 0
