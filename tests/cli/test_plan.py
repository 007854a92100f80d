import json
from pathlib import Path

import numpy as np
import pytest

from handgrad.cli.plan import MNIST_ZEROS
from handgrad.data import load_data
from handgrad.engines.compiled.lower.sparsity import share_of_zeros
from handgrad.models import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_built_in_network_needs_no_data(handgrad, name):
    ended = handgrad("plan", name)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == f"{name} on images 1x28x28 of 10 classes"
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_no_line_is_longer_than_80_columns(handgrad, monkeypatch, name, optimizer):
    monkeypatch.setattr("handgrad.cli.plan.MAX_WIDTH", 80)
    lines = handgrad("plan", name, "--optimizer", optimizer).out.splitlines()
    assert max(map(len, lines)) == 80
    assert not any("…" in line for line in lines)


def test_fused_layers_and_formulas_are_shown(handgrad):
    out = handgrad("plan", "two-layer", "--optimizer", "sgd").out
    assert "zero pixels are skipped: 81% of the pixels of mnist are zero" in out
    assert "training step of 64 images" in out
    assert "0 Normalize  fused with reading the images" in out
    assert "2 Dense      skips the pixels that are zero" in out
    assert "Y[o] = b[o] + Σᵢ W[o, i] X[i]" in out
    assert "W ← W − η dW" in out
    assert out.splitlines()[-1].split()[0] == "total"


def test_skipping_zeros_can_be_chosen(handgrad):
    for option, word, kernel in [
        ("--skip-zeros", "skipped", "images.to_csr_uint8"),
        ("--dense", "not skipped", "images.gather_uint8"),
    ]:
        out = handgrad("plan", "two-layer", option).out
        assert f"zero pixels are {word}: as requested" in out
        assert kernel in out


def test_by_default_the_data_set_decides(handgrad):
    out = handgrad("plan", "two-layer", "--data", "digits").out
    assert "two-layer on images 1x8x8 of 10 classes" in out
    assert "zero pixels are not skipped: 49% of the pixels of digits are zero" in out


def test_a_missing_data_set_is_assumed_to_be_like_mnist(handgrad):
    out = handgrad("plan", "two-layer", "--data", "kmnist").out
    assert "zero pixels are skipped: kmnist is not on this machine, so MNIST is assumed" in out


@pytest.mark.mnist
def test_the_share_of_zeros_in_mnist(located):
    train, _ = load_data("mnist", located("mnist"))
    assert share_of_zeros(train.images) == pytest.approx(MNIST_ZEROS, abs=0.02)
    assert np.mean(train.images == 0) == pytest.approx(MNIST_ZEROS, abs=0.005)


def test_zeros_are_not_mentioned_if_a_convolution_comes_first(handgrad):
    assert "zero pixels" not in handgrad("plan", "convnet").out


def test_the_plan_of_inference(handgrad):
    out = handgrad("plan", "softmax-regression", "--inference", "--batch", "16").out
    assert "inference of 16 images" in out
    assert "step.write_logits" in out
    assert "optim" not in out


def test_a_run_is_planned_with_its_settings(handgrad, trained: Path):
    out = handgrad("plan", trained).out
    assert f"{trained} on images 1x8x8 of 10 classes" in out
    assert "optim.adam" in out
    other = handgrad("plan", trained / "model.safetensors", "--optimizer", "sgd", "--batch", 8).out
    assert "training step of 8 images" in other
    assert "optim.sgd" in other


def test_json_output(handgrad):
    report = json.loads(handgrad("plan", "convnet", "--json", "--dense").out)
    assert (report["model"], report["skip_zeros"], report["reason"]) == (
        "convnet",
        False,
        "as requested",
    )
    assert report["multiply_adds"] == sum(n["forward"] + n["backward"] for n in report["layers"])
    assert report["bytes"] == sum(b["bytes"] * b["times"] for b in report["buffers"])
    assert report["phases"][0]["kernels"][0]["formula"].startswith("Store the batch")


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["convnt"], 2, "model must be one of softmax-regression, two-layer, convnet"),
        (["convnet", "--batch", "0"], 2, "batch_size must be at least 1, not '0'"),
        (["convnet", "--optimizer", "sdg"], 2, "did you mean sgd?"),
        (["convnet", "--data", "minst"], 2, "did you mean mnist?"),
        (["lenet5", "--data", "digits"], 1, "lenet5 cannot take the images of digits (1x8x8)"),
        (["."], 1, "is not a run: it has no file model.safetensors"),
    ],
)
def test_invalid_options_are_rejected(handgrad, words, status, sentence):
    ended = handgrad("plan", *words)
    assert (ended.status, ended.out) == (status, "")
    assert sentence in ended.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["convnet", "--skip-zeros"], "--skip-zeros has no effect for convnet, whose first layer"),
        (["two-layer", "--inference", "--optimizer", "sgd"], "--optimizer has no effect with"),
        (["two-layer", "--inference", "--augment", "light"], "--augment has no effect with"),
        (["two-layer", "--dense", "--data-dir", "."], "--data-dir has no effect with"),
    ],
)
def test_an_option_without_effect_is_refused(handgrad, words, sentence):
    ended = handgrad("plan", *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {sentence}")
