"""Tests of `Augmentation`: parsing, formatting, presets and checks of its settings."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad as hg
from handgrad.data.augment import PRESETS, Augmentation, as_augmentation
from handgrad.data.augment.augmentation import MAX


@st.composite
def augmentations(draw: st.DrawFn) -> Augmentation:
    """Generate an augmentation with random settings."""
    settings: dict[str, Any] = {
        name: draw(st.sampled_from([0.0, largest * draw(st.floats(0, 1))]))
        for name, largest in MAX.items()
    }
    settings["smoothness"] = 1 / draw(st.integers(1, 16))
    settings["flip"] = draw(st.booleans())
    settings["fill"] = draw(st.sampled_from([0.0, None, 255.0, 0.37]))
    return Augmentation(**settings)


@given(augmentations())
def test_text_round_trips(augmentation: Augmentation) -> None:
    again = Augmentation.of(str(augmentation))
    for name, value in vars(augmentation).items():
        found = getattr(again, name)
        assert found == value or found == pytest.approx(value, rel=1e-11), name


def test_settings_override_a_preset() -> None:
    found = Augmentation.of("light, rotation=20, flip=true, fill=edge")
    assert found is not None
    assert (found.rotation, found.flip, found.fill) == (20, True, None)
    assert found.elastic == PRESETS["light"].elastic


def test_an_augmentation_that_changes_nothing_is_none() -> None:
    for nothing in (None, "none", "shift=0", Augmentation(), Augmentation(smoothness=0.5)):
        assert as_augmentation(nothing) is None
    assert as_augmentation("flip=true") == Augmentation(flip=True)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_change_images_of_every_size(name: str) -> None:
    for side in (8, 28, 64):
        X = np.random.default_rng(0).integers(0, 256, (3, 1, side, side), np.uint8)
        seen = PRESETS[name].apply(X)
        assert (seen.shape, seen.dtype) == (X.shape, X.dtype)
        assert not np.array_equal(seen, X)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "lite",
            "there is no preset 'lite'; choose none, light, drawings, fashion, or settings",
        ),
        ("shit=1", "there is no setting 'shit'; did you mean 'shift'"),
        ("zzz=1", "there is no setting 'zzz'; choose from shift, "),
        ("messy-hands", "choose none, light, drawings, fashion, or settings"),
        ("shift=1.5", "shift must be a number from 0 to 1, not 1.5"),
        ("shift=far", "shift must be a number from 0 to 1, not 'far'"),
        ("light,flip=2", "flip must be true or false, not 2.0"),
        ("smoothness=0.01", "smoothness must be a number from 0.0625 to 1, not 0.01"),
        ("fill=nan", "fill must be a pixel value, or None to repeat the edge pixels, not nan"),
        (7, 'augment must be a string such as "light", or Augmentation(shift=0.1), not 7'),
    ],
)
def test_invalid_settings_are_rejected(given: Any, sentence: str) -> None:
    with pytest.raises(hg.ConfigError, match=re.escape(sentence)):
        as_augmentation(given)


def test_too_large_images_are_rejected() -> None:
    with pytest.raises(
        hg.DataError, match="images of 8x513 pixels are too large to augment; resize"
    ):
        PRESETS["light"].apply(np.zeros((1, 1, 8, 513), np.uint8))
