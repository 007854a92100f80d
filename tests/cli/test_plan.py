import json
from pathlib import Path

import numpy as np
import pytest

from handgrad.cli.plan import ZEROS_OF_MNIST
from handgrad.data import load_data
from handgrad.engines.compiled.lower.sparsity import share_of_zeros
from handgrad.models import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_it_needs_no_data(handgrad, name):
    ended = handgrad("plan", name)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == f"{name} on images 1x28x28 of 10 classes"
    assert max(map(len, lines)) <= 120


def test_what_was_fused_and_what_each_kernel_computes(handgrad):
    out = handgrad("plan", "two-layer", "--optimizer", "sgd").out
    assert "pixels that are zero are skipped: 81% of those of mnist are" in out
    assert "training step of 64 images" in out
    assert "0 Normalize  folded into the images" in out
    assert "2 Dense      skips the pixels that are zero" in out
    assert "Y[o] = b[o] + Σᵢ W[o, i] X[i]" in out
    assert "W ← W − η dW" in out
    assert "all together" in out


def test_the_path_can_be_chosen(handgrad):
    for option, word, kernel in [
        ("--skip-zeros", "skipped", "images.to_csr_uint8"),
        ("--dense", "not skipped", "images.gather_uint8"),
    ]:
        out = handgrad("plan", "two-layer", option).out
        assert f"pixels that are zero are {word}: as given" in out
        assert kernel in out


def test_by_default_the_data_decides(handgrad):
    out = handgrad("plan", "two-layer", "--data", "digits").out
    assert "two-layer on images 1x8x8 of 10 classes" in out
    assert "pixels that are zero are not skipped: 49% of those of digits are" in out


def test_mnist_stands_in_for_data_that_is_not_here(handgrad):
    out = handgrad("plan", "two-layer", "--data", "kmnist").out
    assert "pixels that are zero are skipped: as with mnist, for kmnist is not here" in out


@pytest.mark.mnist
def test_the_zeros_of_mnist_are_what_they_are_said_to_be(located):
    train, _ = load_data("mnist", located("mnist"))
    assert share_of_zeros(train.images) == pytest.approx(ZEROS_OF_MNIST, abs=0.02)
    assert np.mean(train.images == 0) == pytest.approx(ZEROS_OF_MNIST, abs=0.005)


def test_where_no_linear_layer_sees_the_images_zeros_do_not_matter(handgrad):
    assert "zero are" not in handgrad("plan", "convnet").out


def test_inference(handgrad):
    out = handgrad("plan", "softmax-regression", "--inference", "--batch", "16").out
    assert "inference of 16 images" in out
    assert "step.write_logits" in out
    assert "optim" not in out


def test_a_run_with_its_own_settings(handgrad, trained: Path):
    out = handgrad("plan", trained).out
    assert f"{trained} on images 1x8x8 of 10 classes" in out
    assert "optim.adam" in out
    other = handgrad("plan", trained / "model.safetensors", "--optimizer", "sgd", "--batch", 8).out
    assert "training step of 8 images" in other
    assert "optim.sgd" in other


def test_as_json(handgrad):
    said = json.loads(handgrad("plan", "convnet", "--json", "--dense").out)
    assert (said["model"], said["skip_zeros"], said["because"]) == ("convnet", False, "as given")
    assert said["multiply_adds"] == sum(n["forward"] + n["backward"] for n in said["layers"])
    assert said["bytes"] == sum(b["bytes"] * b["times"] for b in said["buffers"])
    assert said["phases"][0]["kernels"][0]["formula"].startswith("Set the step state")


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["convnt"], 2, "model must be one of softmax-regression, two-layer, convnet"),
        (["convnet", "--batch", "0"], 2, "batch_size must be at least 1, not '0'"),
        (["convnet", "--optimizer", "sdg"], 2, "the nearest is sgd"),
        (["convnet", "--data", "minst"], 2, "the nearest is mnist"),
        (["lenet5", "--data", "digits"], 1, "lenet5 cannot take the images of digits (1x8x8)"),
        (["."], 1, "is no run: there is no file model.safetensors"),
    ],
)
def test_what_cannot_be_planned(handgrad, words, status, sentence):
    ended = handgrad("plan", *words)
    assert (ended.status, ended.out) == (status, "")
    assert sentence in ended.err
