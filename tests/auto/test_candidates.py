import numpy as np
import pytest

import handgrad as hg
from handgrad.auto.candidates import (
    augmentations,
    averaged,
    networks,
    preprocessings,
    shifted,
    words,
)
from handgrad.auto.data_profile import Look
from handgrad.runs.settings import configure

BASE = configure({"data": "digits"}, {})
FILES = Look(files=True, own_test=False, ground=0.8, dark=True, issues=())


def images(*shape):
    return hg.Dataset.from_arrays(np.zeros((4, *shape), np.uint8), [0, 1, 0, 1])


def test_networks_that_cannot_take_the_images_are_not_tried():
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
        ((3, 28, 28), {}, []),
        ((1, 28, 28), {"files": False}, []),
        ((1, 28, 28), {"ground": 0.1}, []),
    ],
)
def test_preprocessings_are_for_grey_files_of_things_on_a_ground(shape, change, names):
    look = Look(**(vars(FILES) | change))
    found = preprocessings(configure({"data": "/x"}, {}), images(*shape), look)
    assert [config.preprocessing for config in found] == names
    assert all(config.size == 28 for config in found)


def test_all_augmentations_are_tried_but_the_one_that_was():
    first = shifted(BASE, FILES)
    assert first.augment == "shift=0.07"
    others = augmentations(first, FILES)
    assert [config.augment for config in others][:2] == ["none", "shift=0.07,flip=true"]
    assert first.augment not in [config.augment for config in others]
    assert len(augmentations(BASE, FILES)) == len(others) == 4


def test_on_a_light_ground_the_edge_goes_on():
    light = Look(**(vars(FILES) | {"dark": False}))
    assert shifted(BASE, light).augment == "shift=0.07,fill=edge"
    assert all(c.augment.endswith("fill=edge") for c in augmentations(BASE, light))


def test_the_mean_of_the_weights_is_for_long_epochs():
    many = hg.Dataset.from_arrays(np.zeros((20_000, 1, 1), np.uint8), np.arange(20_000) % 2)
    (config,) = averaged(BASE, many)
    assert config.average_weights == 1
    assert words(config) == "smallnet, learning rate 0.01, mean of the weights"
    assert averaged(BASE, images(8, 8)) == []


def test_settings_in_words():
    assert words(BASE) == "smallnet, learning rate 0.01"
    assert words(shifted(BASE, FILES)) == "smallnet, learning rate 0.01, shifted"
    own = configure({"data": "/x", "preprocessing": "light", "lr": 0.003, "augment": "light"}, {})
    assert words(own) == "smallnet, learning rate 0.003, prepared as light, distorted"
    odd = configure({"augment": "shift=0.2"}, {})
    assert words(odd) == "smallnet, learning rate 0.01, shift=0.2"
