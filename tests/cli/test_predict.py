import json
import re

import numpy as np
import pytest
from PIL import Image

import handgrad as hg


@pytest.fixture
def net(trained):
    return hg.load_model(trained / "model.safetensors")


def predictions(ended):
    return json.loads(ended.out)["predictions"]


def test_numbers_are_test_images(handgrad, trained, net):
    ended = handgrad("predict", trained, 0, 17, 358, "--json")
    told, test = predictions(ended), hg.load_data("digits")[1]
    assert ended.err == ""
    for entry, number in zip(told, (0, 17, 358), strict=True):
        p = net.predict_proba(test.images[[number]])[0]
        assert entry["image"] == str(number)
        assert entry["label"] == test.labels[number]
        assert entry["predicted"] == p.argmax()
        by_label = {one["label"]: one["p"] for one in entry["probabilities"]}
        assert np.allclose([by_label[k] for k in range(10)], p)
        assert sorted(by_label.values(), reverse=True) == list(by_label.values())


def test_files_are_images_and_dark_ink_is_inverted(handgrad, trained, tmp_path):
    X, y = hg.load_data("digits")[1][:1]
    for name, pixels in (("light.png", X[0, 0]), ("dark.png", 255 - X[0, 0])):
        Image.fromarray(np.kron(pixels, np.ones((4, 4), np.uint8))).save(tmp_path / name)
    light = json.loads(handgrad("predict", trained, "light.png", "0", "--json").out)["predictions"]
    dark = json.loads(handgrad("predict", trained, "dark.png", "--invert", "--json").out)[
        "predictions"
    ]
    assert light[0]["probabilities"] == light[1]["probabilities"] == dark[0]["probabilities"]
    assert (light[0]["label"], light[1]["label"]) == (None, y[0])


def test_files_are_preprocessed_like_the_training_images(handgrad, trained, tmp_path):
    X, _ = hg.load_data("digits")[1][:1]
    for name, pixels in (("light.png", X[0, 0]), ("dark.png", 255 - X[0, 0])):
        Image.fromarray(pixels).save(tmp_path / name)
    light, dark = json.loads(handgrad("predict", trained, "light.png", "dark.png", "--json").out)[
        "predictions"
    ]
    assert light["probabilities"] == dark["probabilities"]
    words = ("predict", trained, "dark.png", "--preprocessing", "plain", "--json")
    assert predictions(handgrad(*words))[0]["probabilities"] != dark["probabilities"]
    inverted = predictions(handgrad(*words, "--invert"))
    assert inverted[0]["probabilities"] == dark["probabilities"]
    ended = handgrad("predict", trained, "dark.png", "--preprocessing", "paint")
    assert (ended.status, ended.err) == (
        2,
        "error: there is no preprocessing called 'paint'; choose from plain, light, drawing; "
        "did you mean plain?\n",
    )


def test_the_preprocessing_is_drawn_step_by_step(handgrad, trained, tmp_path):
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(tmp_path / "a.png")
    ended = handgrad("predict", trained, "a.png", "--show-preprocessing", "way.png")
    assert (ended.status, ended.err) == (0, "")
    with Image.open("way.png") as drawn:
        drawn.load()
        assert drawn.width > 5 * 150  # five stages of more than an inch
    ended = handgrad("predict", trained, "3", "--show-preprocessing", "way.png")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "error: --show-preprocessing needs at least one image file\n"


@pytest.mark.parametrize("image", ["a.png", "./a.png"])
def test_an_input_image_is_not_overwritten(handgrad, trained, tmp_path, image):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    ended = handgrad("predict", trained, image, "--show-preprocessing", "a.png")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "error: a.png is an input file; choose a different output file\n"
    assert (tmp_path / "a.png").read_bytes() == before


def test_the_table_has_the_three_most_probable(handgrad, trained, net, tmp_path):
    Image.radial_gradient("L").save(tmp_path / "a [b].png")
    ended = handgrad("predict", trained, 5, "a [b].png")
    test = hg.load_data("digits")[1]
    p = net.predict_proba(test.images[[5]])[0]
    top = " +".join(f"{k} {p[k]:.1%}" for k in (-p).argsort()[:3])
    assert re.search(rf"^ 5 +{test.labels[5]} +{top} *$", ended.out, re.MULTILINE)
    assert re.search(r"^ a \[b\]\.png +\d \d", ended.out, re.MULTILINE)


def test_without_test_images_there_is_no_truth_to_show(handgrad, trained, tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    headings = handgrad("predict", trained, "a.png").out.split("\n")[1]
    assert headings.split() == ["image", "predicted"]


def test_a_network_of_two_classes_shows_both(handgrad, tmp_path):
    net = hg.Network([hg.Flatten(), hg.Dense()], (3, 2, 2), 2)
    hg.Classifier(net, ["cat", "dog"]).save(tmp_path / "m.safetensors")
    Image.new("RGB", (9, 5)).save(tmp_path / "a.png")
    assert "cat 50.0%   dog 50.0%" in handgrad("predict", "m.safetensors", "a.png").out


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("359", "there is no image 359; digits test has images 0 to 358"),
        ("9" * 5000, f"there is no image {'9' * 18}...; digits test has images 0 to 358"),
        ("none.png", "none.png: there is no such file; give an image file, or the index of a"),
        ("text.png", "text.png: cannot be read (not a complete PNG, JPEG, GIF"),
    ],
)
def test_failures(handgrad, trained, tmp_path, image, sentence):
    (tmp_path / "text.png").write_text("hello")
    ended = handgrad("predict", trained, "3", image)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {sentence}")
    assert handgrad("predict", "nothing", "3").status == 1
