"""`handgrad export --html` and `handgrad verify --html`."""

import json

import pytest

from handgrad.export.html_file import read_html


def labels_in(path) -> list[str]:
    return json.loads(read_html(path).settings)["labels"]


def test_a_page_is_written_and_verified(handgrad, trained, tmp_path):
    ended = handgrad("export", trained, "--html", "app.html", "--title", "Digits & <more>")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("wrote the page to app.html (")
    page = tmp_path / "app.html"
    assert "<h1>Digits &amp; &lt;more&gt;</h1>" in page.read_text("utf-8")
    assert read_html(page).model == (trained / "model.safetensors").read_bytes()
    ended = handgrad("verify", trained, "--html", "app.html")
    assert ended.status == 0
    assert " app.html " in ended.out
    ended = handgrad("verify", "app.html", "--json")
    (entry,) = json.loads(ended.out)["models"]
    assert entry["passed"]
    names = [e["engine"] for e in entry["engines"]]
    assert "JavaScript" in names
    assert names[-1] == "app.html"


def test_the_owner_names_the_classes(handgrad, trained, tmp_path):
    names = [f"number {n}" for n in range(10)]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n", "utf-8")
    for labels in ("names.txt", ", ".join(names)):
        ended = handgrad("export", trained, "--html", "app.html", "--labels", labels)
        assert ended.status == 0, ended.err
        assert labels_in(tmp_path / "app.html") == names
        assert "<b>" not in (tmp_path / "app.html").read_text("utf-8")
        assert 'class="golden-label">number ' in (tmp_path / "app.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--title", "T"], "--title applies to the page only; give --html FILE.html"),
        (["--description", "T"], "--description applies to the page only"),
        (["--labels", "a,b"], "--labels applies to the page only"),
        (["--without-score"], "--without-score applies to the page only"),
        (["--html", "a.html", "--labels", "a,b"], "has 2 names, but the model has 10 classes"),
        (["--html", "a.html", "--labels", "names"], "there is no such file; give names separated"),
        (["--html", "a.html", "--without-score"], "has no out-of-distribution score to leave out"),
        (["--html", "a.html", "--raw"], "--raw applies to the ONNX graph only"),
    ],
)
def test_an_option_without_effect_is_refused(handgrad, trained, tmp_path, options, message):
    if "--html" not in options:
        options = [*options, "--onnx", "m.onnx"]
    ended = handgrad("export", trained, *options)
    assert ended.status == 2
    assert message in " ".join(ended.err.split())
    assert not list(tmp_path.glob("*.html"))


def test_the_page_of_another_model_is_refused(handgrad, trained, tmp_path):
    assert handgrad("export", trained, "--html", "app.html").status == 0
    page = tmp_path / "app.html"
    ended = handgrad("verify", trained, trained, "--html", "app.html")
    assert ended.status == 2
    assert "give one model file or run" in " ".join(ended.err.split())
    page.write_text(page.read_text("utf-8").replace('"percent": ', '"percent": 1'), "utf-8")
    ended = handgrad("verify", trained, "--html", "app.html")
    assert ended.status == 1
    assert "its self-test fails" in " ".join(ended.err.split())
    ended = handgrad("verify", "app.html")
    assert ended.status == 1
    assert "its self-test fails" in " ".join(ended.err.split())
    ended = handgrad("verify", trained, "--html", "none.html")
    assert ended.status == 1
    assert "cannot be read" in ended.err
