import numpy as np
import pytest

import handgrad as hg
from handgrad.automl.candidates import (
    augmentations,
    describe,
    networks,
    preprocessings,
    weight_averaging,
    with_shift,
)
from handgrad.automl.data_profile import DataProfile
from handgrad.runs.settings import configure

BASE = configure({"data": "digits"}, {})
FILES = DataProfile(
    can_preprocess=True, has_test=False, background=0.8, dark_background=True, issues=()
)


def images(*shape):
    return hg.Dataset.from_arrays(np.zeros((4, *shape), np.uint8), [0, 1, 0, 1])


def test_networks_that_do_not_accept_the_images_are_no_candidates():
    small = {config.model for config in networks(BASE, images(1, 8, 8))}
    large = {config.model for config in networks(BASE, images(1, 28, 28))}
    assert large - small == {"convnet", "lenet5"}
    assert networks(BASE, images(1, 8, 8))[0].model == "smallnet"
    for config in networks(BASE, images(3, 32, 32)):
        config.network(images(3, 32, 32))


@pytest.mark.parametrize(
    ("shape", "change", "names"),
    [
        ((1, 20, 28), {}, ["light", "drawing"]),
        ((3, 28, 28), {}, ["drawing"]),
        ((1, 28, 28), {"can_preprocess": False}, []),
        ((1, 28, 28), {"background": 0.1}, []),
    ],
)
def test_other_preprocessings_are_for_images_with_a_background(shape, change, names):
    profile = DataProfile(**(vars(FILES) | change))
    found = preprocessings(configure({"data": "/x"}, {}), images(*shape), profile)
    assert [config.preprocessing for config in found] == names
    assert all(config.size == 28 for config in found)


def test_all_other_augmentations_are_candidates():
    first = with_shift(BASE, FILES)
    assert first.augment == "shift=0.07"
    others = augmentations(first, FILES)
    assert [config.augment for config in others][:2] == ["none", "shift=0.07,flip=true"]
    assert first.augment not in [config.augment for config in others]
    assert len(augmentations(BASE, FILES)) == len(others) == 4


def test_edges_are_extended_on_a_light_background():
    light = DataProfile(**(vars(FILES) | {"dark_background": False}))
    assert with_shift(BASE, light).augment == "shift=0.07,fill=edge"
    assert all(c.augment.endswith("fill=edge") for c in augmentations(BASE, light))


def test_weight_averaging_needs_long_epochs():
    many = hg.Dataset.from_arrays(np.zeros((20_000, 1, 1), np.uint8), np.arange(20_000) % 2)
    (config,) = weight_averaging(BASE, many)
    assert config.average_weights == 1
    assert describe(config) == "smallnet, learning rate 0.01, weight averaging"
    assert weight_averaging(BASE, images(8, 8)) == []


def test_describe_names_the_settings_that_differ():
    assert describe(BASE) == "smallnet, learning rate 0.01"
    assert describe(with_shift(BASE, FILES)) == "smallnet, learning rate 0.01, images shifted"
    own = configure({"data": "/x", "preprocessing": "light", "lr": 0.003, "augment": "light"}, {})
    assert describe(own) == "smallnet, learning rate 0.003, preprocessing light, images distorted"
    odd = configure({"augment": "shift=0.2"}, {})
    assert describe(odd) == "smallnet, learning rate 0.01, images shift=0.2"
