"""Every command with --json prints one object that starts with `version` and `ok`."""

import json

import pytest
from PIL import Image

from tests.cli.test_app import COMMANDS
from tests.extras import without

WITH_JSON = {words for words, c in COMMANDS.items() if any("--json" in p.opts for p in c.params)}
LINES = {
    ("models",): [],
    ("evaluate",): ["{run}"],
    ("predict",): ["{run}", "0", "1"],
    ("plan",): ["softmax-regression"],
    ("gradcheck",): ["Dense"],
    ("data", "list"): [],
    ("data", "check"): ["{images}"],
    ("train",): ["--model", "softmax-regression", "--epochs", "1", "--no-figures"],
}


def document(ended):
    found = json.loads(ended.out)
    assert list(found)[:2] == ["version", "ok"]
    assert found["version"] == 1
    assert found["ok"] is (ended.status == 0)
    assert len(found) > 2
    return found


@pytest.mark.parametrize("words", sorted(LINES), ids=" ".join)
def test_json_has_version_and_ok(handgrad, trained, tmp_path, words):
    if words not in WITH_JSON:
        pytest.skip(f"{' '.join(words)} has no --json")
    for number in range(4):
        folder = tmp_path / "images" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 40 * number).save(folder / f"{number}.png")
    places = {"run": trained, "images": tmp_path / "images"}
    ended = handgrad(*words, *(word.format(**places) for word in LINES[words]), "--json")
    document(ended)


@without("torch")
def test_a_model_that_does_not_verify_is_not_ok(handgrad, trained, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    ended = handgrad("verify", "broken.safetensors", trained, "--json")
    assert not document(ended)["ok"]
    assert document(handgrad("verify", trained, "--json"))["ok"]


def test_an_error_prints_no_json(handgrad):
    ended = handgrad("evaluate", "nothing", "--json")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("error: ")


def test_models_are_listed_with_their_size(handgrad):
    models = document(handgrad("models", "--json"))["models"]
    sizes = {model["name"]: model["parameters"] for model in models}
    assert sizes["softmax-regression"] == 7_850
