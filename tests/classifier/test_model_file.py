from __future__ import annotations

from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.classifier.architecture import KINDS as LAYERS
from handgrad.classifier.architecture import describe
from handgrad.models import MODELS
from handgrad.preprocess import Grayscale, Preprocessing
from handgrad.preprocess.preprocessing import KINDS as STEPS
from handgrad.preprocess.version1 import KINDS as VERSION_1
from tests.classifier.forging import forged


def saved(path: Path, change: dict[str, Any] | None = None, drop: str | None = None) -> Path:
    """Save a small network, after editing its description or its arrays and updating the digest."""
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    hg.Classifier(net, ["a", "b"]).save(path, {"seed": 7})
    if change is not None or drop is not None:
        forged(path, description=change or {}, drop=drop)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_a_built_in_network_is_unchanged_after_saving_and_loading(
    name: str, tmp_path: Path
) -> None:
    net = hg.Network(MODELS[name](), (1, 28, 28), 10, seed=3)
    X = np.random.default_rng(0).random((4, 1, 28, 28), np.float32)
    net.fit_statistics(X)
    hg.Classifier(net).save(tmp_path / "m.safetensors")
    back = hg.load_model(tmp_path / "m.safetensors")
    assert back.network.layers == net.layers
    assert back.classes == tuple(range(10))
    assert back.network.is_fitted
    assert np.array_equal(back.logits(X), net.logits(X))


def test_nested_layers_pairs_labels_and_float64_are_restored(tmp_path: Path) -> None:
    layers = [
        hg.Residual((hg.Conv2d(1, (3, 1), padding=(1, 0)), hg.BatchNorm(momentum=0.2))),
        hg.Flatten(),
        hg.Dense(initializer=hg.init.Normal(0.5)),
    ]
    net = hg.Network(layers, (1, 4, 4), 2, dtype=np.float64)
    hg.Classifier(net, ["cat", "dog"]).save(tmp_path / "m.safetensors")
    back = hg.load_model(tmp_path / "m.safetensors")
    assert back.network.layers == net.layers
    assert back.classes == ("cat", "dog")
    assert back.network.parameters["2.weight"].dtype == np.float64


def without_defaults(described: Any) -> Any:
    """Leave out each field that has a default, as if the field had been added later."""
    if isinstance(described, list):
        return [without_defaults(entry) for entry in described]
    if not isinstance(described, dict):
        return described
    kind = (LAYERS | STEPS)[described["kind"]]
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    kept = needed | {"kind"}
    return {name: without_defaults(value) for name, value in described.items() if name in kept}


def test_a_field_that_an_earlier_file_did_not_have_takes_its_default(tmp_path: Path) -> None:
    layers = [hg.Normalize(), hg.Conv2d(4, 3), hg.BatchNorm(), hg.ReLU(), hg.MaxPool2d(2)]
    layers += [hg.Residual((hg.BatchNorm(), hg.LeakyReLU())), hg.Dropout(), hg.Flatten()]
    steps = (
        VERSION_1["CompositeAlpha"](),
        Grayscale(),
        VERSION_1["SubtractBackground"](),
        VERSION_1["Binarize"](64),
        VERSION_1["ScaleToFit"](),
        VERSION_1["Resize"](8, 8),
    )
    net = hg.Network([*layers, hg.Dense()], (1, 8, 8), 3)
    preprocessing = Preprocessing((1, 8, 8), steps)
    path = tmp_path / "m.safetensors"
    hg.Classifier(net, preprocessing=preprocessing).save(path)
    before = without_defaults(describe(net)["layers"])
    prepared = without_defaults(preprocessing.to_json()["steps"])
    assert before[1] == {"kind": "Conv2d", "channels": 4, "kernel": 3}
    assert prepared[-1] == {"kind": "Resize", "height": 8, "width": 8}
    earlier = {"layers": before, "preprocessing": {"shape": [1, 8, 8], "steps": prepared}}
    back = hg.load_model(forged(path, description=earlier))
    assert (back.network.layers, back.preprocessing) == (net.layers, preprocessing)


def test_additional_metadata_is_restored(tmp_path: Path) -> None:
    assert read_bundle(saved(tmp_path / "m.safetensors")).about == {"seed": 7}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"format": 3},
            "its format is 3, but this version of handgrad reads 1 to 2; install a newer handgrad",
        ),
        (
            {"format": "x"},
            "its format is 'x', but this version of handgrad reads 1 to 2; save it again",
        ),
        ({"about": []}, "its description of the network is corrupted"),
        ({"layers": [5]}, "is not consistent: 5 is not a layer"),
        ({"layers": [{"kind": "HeNormal"}]}, "is not consistent: .* is not a layer"),
        ({"layers": [{"kind": "Dense", "units": 10**15}]}, "a size of 1e.15 is larger than every"),
        ({"classes": 10**18}, "is not consistent"),
        ({"shape": [1, 0, 2]}, "is not consistent: the shape must contain integers of at least 1"),
        ({"layers": [{"kind": "Path", "x": "/"}]}, "is not consistent: .*no layer 'Path'"),
        ({"layers": [{"kind": "Dense", "size": 2}]}, "is not consistent"),
        ({"layers": []}, "is not consistent"),
        ({"classes": ["a", "b", "c"]}, "is not consistent"),
        ({"dtype": "float13"}, "is not consistent"),
    ],
)
def test_a_wrong_description_is_refused(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "m.safetensors", change)
    with pytest.raises(hg.ModelError, match=sentence) as caught:
        hg.load_model(path)
    assert str(path) in str(caught.value)


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.safetensors", drop="1.bias")
    with pytest.raises(hg.ModelError, match=r"array 1\.bias is missing"):
        hg.load_model(path)


def test_files_that_are_not_handgrad_models_are_refused(tmp_path: Path) -> None:
    foreign, text, cut = (tmp_path / f"{n}.safetensors" for n in ("foreign", "text", "cut"))
    save_file({"x": np.zeros(1)}, foreign)
    text.write_text("hello")
    whole = saved(tmp_path / "m.safetensors").read_bytes()
    cut.write_bytes(whole[:-5])
    for path, sentence in [
        (foreign, "not saved by handgrad"),
        (text, "not a complete safetensors file"),
        (cut, "not a complete safetensors file"),
        (tmp_path / "none.safetensors", "there is no such file"),
    ]:
        with pytest.raises(hg.ModelError, match=sentence) as caught:
            hg.load_model(path)
        assert str(path) in str(caught.value)


def test_any_truncation_gives_a_one_sentence_error(tmp_path: Path) -> None:
    whole = saved(tmp_path / "m.safetensors").read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in range(0, len(whole), 3):
        cut.write_bytes(whole[:length])
        with pytest.raises(hg.ModelError):
            hg.load_model(cut)


@pytest.mark.parametrize(
    "change",
    [
        {"arrays": {"1.bias": np.ones(2, np.float32)}},
        {"arrays": {"golden.logits": np.ones((6, 2), np.float32)}},
        {"description": {"classes": ["b", "a"]}},
        {"description": {"about": {"seed": 8}}},
        {"drop": "1.bias"},
    ],
)
def test_a_file_that_was_changed_has_a_wrong_digest(change: dict[str, Any], tmp_path: Path) -> None:
    path = forged(saved(tmp_path / "m.safetensors"), **change, sealed=False)
    with pytest.raises(hg.ModelError, match=r"its digest is .*changed or corrupted after"):
        hg.load_model(path)


def test_any_flipped_bit_is_detected(tmp_path: Path) -> None:
    whole = saved(tmp_path / "m.safetensors").read_bytes()
    path = tmp_path / "flipped.safetensors"
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(hg.ModelError):
            hg.load_model(path)


def test_a_user_defined_layer_cannot_be_saved(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Dense(hg.Dense):
        pass

    net = hg.Network([hg.Flatten(), Dense()], (1, 2, 2), 2)
    with pytest.raises(hg.ModelError, match=r"layer 1 \(Dense\) is not one of handgrad's"):
        hg.Classifier(net).save(tmp_path / "m.safetensors")
    with pytest.raises(hg.ModelError, match=r"must be named something\.safetensors"):
        hg.Classifier(net).save(tmp_path / "m.pt")
    assert list(tmp_path.iterdir()) == []


def test_values_that_json_does_not_support_are_refused(tmp_path: Path) -> None:
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    with pytest.raises(hg.ModelError, match="about contains a value that JSON cannot represent"):
        hg.Classifier(net).save(tmp_path / "m.safetensors", {"set": {1}})
    assert list(tmp_path.iterdir()) == []


def test_a_network_saved_before_its_statistics_were_fitted_is_fitted_later(tmp_path: Path) -> None:
    train, _ = hg.load_data("digits")
    net = hg.Network([hg.Normalize(), hg.Flatten(), hg.Dense()], train.shape, len(train.classes))
    hg.Classifier(net).save(tmp_path / "m.safetensors")
    back = hg.load_model(tmp_path / "m.safetensors")
    assert not back.network.is_fitted
    hg.fit(back, train, epochs=1, engine="reference")
    assert back.network.buffers["0.std"] != 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(key=st.sampled_from(["layers", "shape", "classes", "dtype", "is_fitted"]), value=JSON)
def test_any_description_gives_a_network_or_a_one_sentence_error(
    key: str, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = saved(tmp_path_factory.mktemp("m") / "m.safetensors", {key: value})
    with suppress(hg.ModelError):
        assert isinstance(hg.load_model(path), hg.Classifier)


def test_numbers_of_numpy_can_be_saved(tmp_path: Path) -> None:
    layer = hg.LeakyReLU()
    object.__setattr__(layer, "slope", np.float32(0.25))
    layers = [hg.Flatten(), layer, hg.Dense()]
    net = hg.Network(layers, (1, 2, 2), np.int64(2))
    hg.Classifier(net, np.unique([4, 6])).save(tmp_path / "m.safetensors")
    back = hg.load_model(tmp_path / "m.safetensors")
    assert back.classes == (4, 6)
    assert back.network.layers[1] == hg.LeakyReLU(0.25)


def test_a_network_of_nan_and_a_folder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    model = hg.Classifier(net)
    model.save(path)
    forged(path, arrays={"1.bias": np.array([np.nan, 0], np.float32)})
    with pytest.raises(hg.ModelError, match=r"array 1\.bias contains NaN or infinity"):
        hg.load_model(path)
    net.parameters["1.bias"] = np.array([np.nan, 0])
    with pytest.raises(hg.ModelError, match=r"cannot be saved: array 1\.bias contains NaN"):
        model.save(path)
    net.parameters["1.bias"] = 0
    net.parameters["1.weight"] = 3e38
    with pytest.raises(hg.ModelError, match=r"cannot be saved: the network's logits contain NaN"):
        model.save(path)
    with pytest.raises(hg.ModelError, match=r"this folder has no model\.safetensors"):
        hg.load_model(tmp_path)


def test_a_path_that_cannot_be_read_gives_a_one_sentence_error(tmp_path: Path) -> None:
    with pytest.raises(hg.ModelError, match=r"cannot be read \(File name too long\)"):
        hg.load_model(tmp_path / ("m" * 300))


def test_the_folder_of_a_run_is_loaded_by_its_model_file(tmp_path: Path) -> None:
    saved(tmp_path / "model.safetensors")
    assert hg.load_model(tmp_path).classes == ("a", "b")
    assert hg.load_model(tmp_path).classes == ("a", "b")
