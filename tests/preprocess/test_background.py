import numpy as np

from handgrad.preprocess import EvenPaper, TwoTones
from tests.preprocess.drawings import seven


def test_a_clean_ground_is_left_as_it_is():
    X = 255 - seven()
    assert np.array_equal(EvenPaper()(X), X)


def test_shadows_and_grain_are_taken_off():
    rng = np.random.default_rng(0)
    clean = 255 - seven()
    shadow = np.linspace(0, 90, clean.shape[1])[None, :, None]
    paper = 40 + shadow + rng.normal(0, 4, clean.shape)
    photograph = np.clip(paper + clean * 0.5, 0, 255).astype(np.uint8)
    even = EvenPaper()(photograph)
    assert even[clean == 0].max() + 80 < even[clean == 255].min()
    assert np.array_equal(TwoTones(40)(even), clean)


def test_ink_without_a_margin_is_no_grain():
    X = np.full((8, 8, 1), 90, np.uint8)
    X[2:6, 2:6] = 0  # three quarters are ink
    X[0, 0] = 200
    assert EvenPaper(32)(X)[0, 4] >= 90 - 32
    assert EvenPaper()(X)[0, 4] == 0
