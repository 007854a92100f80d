from dataclasses import replace

import numpy as np
import pytest

from benchmarks.tasks import ONLINE, TRAINING, Workload, flops_per_image, with_noise
from handgrad.models import MODELS

DIGITS = replace(TRAINING["two-layer"], data="digits", images=100)


def test_every_built_in_network_is_measured():
    assert set(TRAINING) == set(MODELS)


def test_an_epoch_has_each_image_once_in_a_fixed_order():
    work = Workload(DIGITS)
    assert sorted(work.order(1)) == list(range(100))
    assert (work.order(1) == Workload(DIGITS).order(1)).all()
    assert (work.order(1) != work.order(2)).any()
    assert [len(batch) for batch in work.batches(work.order(1))] == [64, 36]


def test_images_repeat_if_a_round_is_longer_than_the_data_set():
    work = Workload(replace(DIGITS, images=3 * 1438))
    assert np.bincount(work.order(0)).tolist() == [3] * 1438


def test_file_order_continues_where_the_last_round_ended():
    work = Workload(replace(ONLINE, data="digits", images=1000))
    assert work.order(0)[:3].tolist() == [0, 1, 2]
    assert work.order(1)[436:440].tolist() == [1436, 1437, 0, 1]


def test_inputs_are_standardized_if_the_network_starts_with_normalize():
    inputs = Workload(DIGITS).inputs
    assert (float(inputs.mean()), float(inputs.std())) == pytest.approx((0, 1), abs=1e-4)
    plain = Workload(replace(DIGITS, network="online-mlp")).inputs
    assert (float(plain.min()), float(plain.max())) == (0, 1)


def test_noise_leaves_no_zeros_and_keeps_the_image():
    images = Workload(DIGITS).images
    noisy = with_noise(images)
    assert noisy.dtype == np.float32
    assert (noisy == 0).mean() < 1e-4
    assert float(noisy.std()) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(noisy.ravel(), images.ravel())[0, 1] == pytest.approx(0.71, abs=0.03)


def test_the_first_layer_has_no_input_gradient():
    work = Workload(DIGITS)  # 64-30-10
    assert flops_per_image(work.net) == 2 * (2 * 64 * 30 + 3 * 30 * 10)
