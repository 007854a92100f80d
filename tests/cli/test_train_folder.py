import json

import pytest
from PIL import Image

import handgrad as hg

QUICK = ["--model", "softmax-regression", "--engine", "reference", "--no-figures"]


@pytest.fixture
def pets(tmp_path):
    """Write 60 images of digits, of which two are cut off, and a file that is not an image."""
    train, _ = hg.load_data("digits")
    folder = tmp_path / "pets"
    for n, (X, k) in enumerate(zip(*train[:60], strict=True)):
        (folder / str(k)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[0]).save(folder / str(k) / f"{n:02}.png")
    for path in sorted(folder.glob("*/*.png"))[:2]:
        path.write_bytes(path.read_bytes()[:40])
    (folder / "notes.txt").write_text("hello")
    return folder


def test_broken_images_are_named_and_can_be_left_out(handgrad, pets):
    ended = handgrad("train", str(pets), *QUICK)
    assert ended.status == 1
    assert "error: pets: 2 of 60 images cannot be read: " in ended.err
    assert "leave them out with --skip-broken" in ended.err
    ended = handgrad("train", str(pets), *QUICK, "--epochs", "2", "--skip-broken", "--json")
    assert ended.status == 0
    assert "10 classes, one folder for each\n" in ended.err
    assert "warning: left out: 1 (not an image): notes.txt; 2 (not a complete PNG" in ended.err
    told = json.loads(ended.out)
    assert told["data"]["summary"] == "10 classes, one folder for each"
    assert [entry["path"] for entry in told["data"]["skipped"]] == ["notes.txt", *_cut(pets)]
    assert handgrad("evaluate", told["run"]).status == 0


def _cut(folder):
    return [str(path.relative_to(folder)) for path in sorted(folder.glob("*/*.png"))[:2]]


def test_few_images_get_more_epochs_unless_a_number_is_given(handgrad, pets):
    ended = handgrad("train", str(pets), *QUICK, "--skip-broken", "--json")
    assert "epochs: 200, which makes 200 updates, because the images are few; --epochs" in ended.err
    assert json.loads(ended.out)["epochs"] == 200
    ended = handgrad("train", str(pets), *QUICK, "--skip-broken", "--epochs", "3", "--json")
    assert "because the images are few" not in ended.err
    assert json.loads(ended.out)["epochs"] == 3


def test_skip_broken_is_refused_without_image_files(handgrad):
    ended = handgrad("train", "digits", *QUICK, "--skip-broken")
    assert ended.status == 2
    assert "skip_broken applies to your own images only, not to digits; remove" in ended.err
