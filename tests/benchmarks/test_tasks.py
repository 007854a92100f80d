from dataclasses import replace

import numpy as np
import pytest

from benchmarks.tasks import ONLINE, TRAINING, Work, flops_per_image, with_noise
from handgrad.models import MODELS

DIGITS = replace(TRAINING["two-layer"], data="digits", images=100)


def test_every_named_model_is_measured():
    assert set(TRAINING) == set(MODELS)


def test_an_epoch_has_each_image_once_in_the_same_order_for_all():
    work = Work(DIGITS)
    assert sorted(work.order(1)) == list(range(100))
    assert (work.order(1) == Work(DIGITS).order(1)).all()
    assert (work.order(1) != work.order(2)).any()
    assert [len(batch) for batch in work.batches(work.order(1))] == [64, 36]


def test_more_images_than_there_are_come_again():
    work = Work(replace(DIGITS, images=3 * 1438))
    assert np.bincount(work.order(0)).tolist() == [3] * 1438


def test_file_order_goes_on_where_the_last_round_ended():
    work = Work(replace(ONLINE, data="digits", images=1000))
    assert work.order(0)[:3].tolist() == [0, 1, 2]
    assert work.order(1)[436:440].tolist() == [1436, 1437, 0, 1]


def test_inputs_are_standardized_where_the_network_begins_so():
    inputs = Work(DIGITS).inputs
    assert (float(inputs.mean()), float(inputs.std())) == pytest.approx((0, 1), abs=1e-4)
    plain = Work(replace(DIGITS, network="online-mlp")).inputs
    assert (float(plain.min()), float(plain.max())) == (0, 1)


def test_noise_leaves_no_zero_and_keeps_the_image():
    images = Work(DIGITS).images
    noisy = with_noise(images)
    assert noisy.dtype == np.float32
    assert (noisy == 0).mean() < 1e-4
    assert float(noisy.std()) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(noisy.ravel(), images.ravel())[0, 1] == pytest.approx(0.71, abs=0.03)


def test_the_first_layer_is_spared_the_gradient_of_the_images():
    work = Work(DIGITS)  # 64-30-10
    assert flops_per_image(work.net) == 2 * (2 * 64 * 30 + 3 * 30 * 10)
