import numpy as np
import pytest

from handgrad.data.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from handgrad.errors import ConfigError

X = np.zeros((6, 1, 12, 12), np.uint8)
X[:, 0, 3:9, 5:7] = 200  # an upright bar
COLOURS = np.random.default_rng(0).integers(0, 256, (3, 3, 7, 5), np.uint8)


def test_there_are_fifteen_corruptions():
    assert len(CORRUPTIONS) == 15


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("strength", [None, *STRENGTHS])
@pytest.mark.parametrize("images", [X, COLOURS, X[:1, :, :1, :1], X[:0]])
def test_each_changes_images_and_keeps_their_form(name, strength, images):
    before = images.copy()
    found = corrupt(images, name, seed=3, strength=strength)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, before)
    assert np.array_equal(found, corrupt(images, name, seed=3, strength=strength))
    if not len(images):
        return
    if images.shape[2] > 1:
        assert (found != images).any()


@pytest.mark.parametrize("name", ["noise", "shift", "rotated", "occluded", "brighter"])
def test_the_result_depends_on_seed_and_index(name):
    one, other = corrupt(X, name, seed=0), corrupt(X, name, seed=1)
    assert (one != other).any()
    assert (one[0] != one[1]).any()


def test_effects():
    ink = X[0].sum()
    done = {name: corrupt(X, name)[0, 0].astype(int) for name in CORRUPTIONS}
    assert np.array_equal(done["inverted"], 255 - X[0, 0])
    assert done["thicker"].sum() > 1.5 * ink > ink > 1.2 * done["thinner"].sum()
    assert done["blur"].max() < 200
    assert abs(done["blur"].sum() - ink) < 0.02 * ink
    assert done["pixelated"][2:4, 4:6].tolist() == [[50, 50], [50, 50]]
    assert done["larger"].sum() > 1.2 * ink > ink > 1.1 * done["smaller"].sum()
    assert (done["occluded"] == 128).sum() == 16
    assert done["brighter"].min() >= 50
    assert np.ptp(done["paler"]) <= 100
    for name in ("shift", "rotated", "sheared"):
        assert abs(done[name].sum() - ink) < 0.1 * ink
    assert 30 < (corrupt(X, "specks") != X).sum() < 0.2 * X.size


def test_a_quarter_turn_is_exact():
    from handgrad.data.corruptions import _rotations, _warped

    turned = _warped(COLOURS[:, :, :5], _rotations(np.full(3, np.pi / 2)))
    assert np.array_equal(turned, np.rot90(COLOURS[:, :, :5], -1, axes=(2, 3))) or np.array_equal(
        turned, np.rot90(COLOURS[:, :, :5], 1, axes=(2, 3))
    )


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_greater_strength_changes_the_images_more(name):
    rng = np.random.default_rng(0)
    images = np.zeros((40, 1, 28, 28), np.uint8)
    for image in images:
        top, left = rng.integers(3, 12, 2)
        image[0, top : top + 12, left : left + 4] = rng.integers(120, 256)
    standard = CORRUPTIONS[name].standard
    assert np.array_equal(corrupt(images, name), corrupt(images, name, strength=standard))
    changes = [
        np.abs(corrupt(images, name, strength=strength).astype(float) - images).mean()
        for strength in STRENGTHS
    ]
    assert changes == sorted(changes)
    assert len(set(changes)) == 5


@pytest.mark.parametrize(
    ("name", "strength", "sentence"),
    [
        ("noise", 0, "strength must be 1, 2, 3, 4 or 5, not 0"),
        ("noise", 6, "strength must be 1, 2, 3, 4 or 5, not 6"),
        ("noise", 2.5, "strength must be 1, 2, 3, 4 or 5, not 2.5"),
        (
            "rotate",
            2,
            "there is no corruption 'rotate'; did you mean rotated?; the corruptions are",
        ),
    ],
)
def test_an_unknown_corruption_or_strength_is_refused(name, strength, sentence):
    with pytest.raises(ConfigError) as refused:
        corrupt(X, name, strength=strength)
    assert str(refused.value).startswith(sentence)
