import csv
import json
import re

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.cli.app import app
from handgrad.prediction import job, read
from handgrad.prediction.answers import predict_batch


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
    ],
)
def test_failures(handgrad, trained, image, sentence):
    ended = handgrad("predict", trained, "3", image)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {sentence}")
    assert handgrad("predict", "nothing", "3").status == 1


def test_a_single_image_that_cannot_be_read_is_an_error(handgrad, trained, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    ended = handgrad("predict", trained, "text.png")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("error: text.png: cannot be read (not a complete PNG, JPEG, GIF")


def save_test_images(folder, count=3):
    """Save test images of digits as FOLDER/CLASS/INDEX.png, and return their labels."""
    X, y = hg.load_data("digits")[1][:count]
    for index, (x, k) in enumerate(zip(X, y, strict=True)):
        (folder / str(k)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(x[0]).save(folder / str(k) / f"{index:03}.png")
    return y.tolist()


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_is_written_to_a_csv_file(handgrad, trained, net, tmp_path):
    y = save_test_images(tmp_path / "d", 150)
    ended = handgrad("predict", trained, "d", "--csv", "out.csv", "--top", 2)
    assert (ended.status, ended.err) == (0, "")
    found = {row["file"]: row for row in rows("out.csv")}
    X = hg.load_data("digits")[1].images[:150]
    for index, p in enumerate(net.predict_proba(X)):
        first, second = (-p).argsort(kind="stable")[:2]
        row = found[f"d/{y[index]}/{index:03}.png"]
        assert (row["true"], row["label"], row["label2"]) == (
            str(y[index]),
            str(first),
            str(second),
        )
        assert float(row["probability"]) == pytest.approx(p[first], abs=2e-6)
        assert float(row["probability2"]) == pytest.approx(p[second], abs=2e-6)
        assert (row["sure"], row["reason"]) == ("true", "")
    correct = sum(row["true"] == row["label"] for row in found.values())
    assert f"accuracy {correct / 150:.2%} ({correct} of 150 images with a known label)" in ended.out
    assert "150 images: 150 answered\n" in ended.out
    assert ended.out.endswith("answers in out.csv\n")
    assert not list(tmp_path.glob("out.csv.*"))


@pytest.mark.parametrize("path", ["kaggle/test.csv", "kaggle"])
def test_kaggles_form(handgrad, trained, net, tmp_path, path):
    X, y = hg.load_data("digits")[1][:6]
    (tmp_path / "kaggle").mkdir()
    names = [f"pixel{i}" for i in range(64)]
    for file, labels, images in (("train.csv", y[:3], X[:3]), ("test.csv", None, X[3:])):
        head = names if labels is None else ["label", *names]
        lines = [",".join(map(str, image.ravel())) for image in images]
        if labels is not None:
            lines = [f"{k},{line}" for k, line in zip(labels, lines, strict=True)]
        (tmp_path / "kaggle" / file).write_text("\n".join([",".join(head), *lines]))
    words = ("--csv", "s.csv", "--columns", "ImageId=id,Label=label")
    ended = handgrad("predict", trained, path, *words)
    assert ended.status == 0
    assert ("only the images without labels are classified" in ended.err) == (path == "kaggle")
    with open("s.csv") as file:
        lines = file.read().splitlines()
    assert lines == ["ImageId,Label", *(f"{i},{k}" for i, k in enumerate(net.predict(X[3:]), 1))]


def test_broken_images_are_named_and_the_others_are_answered(handgrad, trained, tmp_path):
    save_test_images(tmp_path / "d", 12)
    for name in ("a.png", "b.png"):
        (tmp_path / "d" / "0" / name).write_text("hello")
    (tmp_path / "d" / "notes.txt").write_text("hello")
    ended = handgrad("predict", trained, "d", "--csv", "out.csv")
    assert ended.status == 1
    empty = [row for row in rows("out.csv") if not row["label"]]
    assert len(rows("out.csv")) == 14
    assert [row["file"] for row in empty] == ["d/0/a.png", "d/0/b.png"]
    assert all(row["reason"].startswith(f"{row['file']}: cannot be read") for row in empty)
    assert [row["sure"] for row in empty] == ["", ""]
    assert "warning: 2 images cannot be read: d/0/a.png: cannot be read" in ended.err
    assert "warning: 1 file was left out (not an image): d/notes.txt\n" in ended.err
    ended = handgrad("predict", trained, "d", "--json")
    told = json.loads(ended.out)
    assert (ended.status, told["ok"]) == (1, False)
    assert told["skipped"] == [{"file": "d/notes.txt", "reason": "not an image"}]
    assert [e["image"] for e in told["predictions"] if e["error"]] == ["d/0/a.png", "d/0/b.png"]
    assert handgrad("predict", trained, "d").out.count("cannot be read") == 2


def test_many_answers_are_summarized_without_a_csv_file(handgrad, trained, tmp_path):
    save_test_images(tmp_path / "d", 101)
    ended = handgrad("predict", trained, "d")
    assert "101 images: 101 answered\n" in ended.out
    assert "these are the first 10; --csv FILE writes all answers to a file\n" in ended.out
    assert ended.out.count(".png") == 10
    assert len(predictions(handgrad("predict", trained, "d", "--json"))) == 101


@pytest.mark.parametrize("images", [["d"], ["d.npz"]])
def test_an_interrupted_command_continues(handgrad, trained, tmp_path, images, monkeypatch):
    X, y = hg.load_data("digits")[1][:100]
    save_test_images(tmp_path / "d", 100)
    np.savez("d.npz", x_train=X, y_train=y)
    words = ("predict", trained, *images, "--csv")
    handgrad(*words, "whole.csv")
    monkeypatch.setattr(read, "BATCH", 40)
    monkeypatch.setattr(read, "CHUNK", 20)
    answered = []

    def interrupted(classifier, batch, top, one_by_one):
        if sum(answered) >= 80:
            raise KeyboardInterrupt
        answered.append(len(batch.names))
        return predict_batch(classifier, batch, top, one_by_one=one_by_one)

    monkeypatch.setattr(job, "predict_batch", interrupted)
    ended = handgrad(*words, "out.csv")
    assert (ended.status, answered) == (130, [40, 40])
    assert not (tmp_path / "out.csv").exists()
    assert "run the same command again to continue" in ended.err
    answered.clear()
    ended = handgrad(*words, "out.csv")
    assert (ended.status, answered) == (0, [20])
    assert "80 of 100 images were classified before; continuing\n" in ended.err
    assert rows("out.csv") == rows("whole.csv")
    assert not list(tmp_path.glob("out.csv.*"))


@pytest.mark.parametrize("change", ["image", "top", "preprocessing"])
def test_a_changed_command_starts_again(handgrad, trained, tmp_path, change, monkeypatch):
    save_test_images(tmp_path / "d", 5)
    words = ["predict", trained, "d", "--csv", "out.csv"]
    with monkeypatch.context() as patch:
        patch.setattr("handgrad.prediction.csv_file.replacing", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            app([str(word) for word in words])
    assert (tmp_path / "out.csv.part").exists()
    if change == "image":
        Image.new("L", (8, 8), 77).save(tmp_path / "d" / "x.png")
    words += {"top": ["--top", "2"], "preprocessing": ["--preprocessing", "plain"]}.get(change, [])
    assert "continuing" not in handgrad(*words).err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["0", "--columns", "id"], "--columns needs --csv FILE, the file with these columns"),
        (["0", "--csv", "o.csv", "--columns", "ids"], "there is no column 'ids'; choose from file"),
        (["a.png", "--data", "digits"], "--data and --data-dir choose the test images that"),
        (["a.png", "--data-dir", "."], "--data and --data-dir choose the test images that"),
        (["a.png", "--csv", "a.png"], "a.png is an input file; choose a different output file"),
        (["d", "--show-preprocessing", "s.png"], "--show-preprocessing draws at most 100 image"),
    ],
)
def test_options_without_effect_are_refused(handgrad, trained, tmp_path, words, sentence):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    if "d" in words:
        save_test_images(tmp_path / "d", 101)
    ended = handgrad("predict", trained, *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {sentence}")


def test_arrays_are_preprocessed_on_request(handgrad, trained):
    X, y = hg.load_data("digits")[1][:2]
    np.savez("a.npz", x_train=X, y_train=y)
    np.savez("dark.npz", x_train=255 - X, y_train=y)
    np.savez("large.npz", x_train=np.kron(X, np.ones((4, 4), np.uint8)), y_train=y)
    np.savez("float.npz", x_train=X / np.float32(255), y_train=y)
    plain = predictions(handgrad("predict", trained, "a.npz", "--json"))
    assert [entry["label"] for entry in plain] == y.tolist()
    for words in (["dark.npz", "--preprocessing", "plain", "--invert"], ["large.npz"]):
        found = predictions(handgrad("predict", trained, *words, "--json"))
        assert [e["probabilities"] for e in found] == [e["probabilities"] for e in plain], words
    ended = handgrad("predict", trained, "float.npz", "--invert")
    assert (ended.status, ended.out) == (1, "")
    assert "error: arrays of float32 cannot be preprocessed like image files" in ended.err


def test_top_limits_the_classes(handgrad, trained):
    assert len(predictions(handgrad("predict", trained, 0, "--json"))[0]["probabilities"]) == 10
    found = predictions(handgrad("predict", trained, 0, "--json", "--top", 2))
    assert len(found[0]["probabilities"]) == 2
    assert handgrad("predict", trained, 0, "--top", 5).out.count("%") == 5
