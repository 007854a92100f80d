"""The exported HTML file: its size, its escaping, and its self-test, which runs in V8 here."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.errors import ConfigError, ModelError
from handgrad.export import html_file
from handgrad.export.html_file import embedded_models, html_page, pack, read_html, write_html
from handgrad.export.v8 import run_html, run_javascript
from handgrad.export.verify import verify_html
from handgrad.models import MODELS
from handgrad.pixel_range import BYTES, PixelRange
from handgrad.preprocess import Preprocessing, light, plain
from tests.classifier.forging import forged
from tests.export.test_verify import model as saved
from tests.extras import needs
from tests.web.runtime.test_classifier import trained

LIMIT = 350_000  # bytes of the page of convnet
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "digits.html"

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"><img src=x onerror=alert(1)>'",
    "</title></style></textarea>",
    "{{ 7 * 7 }}{% raw %}&lt;&amp;",
    "é \u2028 \u202e 数字 \U0001f600 \\u003c \x7f",
]


class Page(HTMLParser):
    """The tags, the attributes that run code, and the texts of a page by the tag around them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.texts.setdefault(self.tags[-1] if self.tags else "", []).append(data)


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Path:
    """Return the file of a small model of the digits with calibration and score."""
    path = tmp_path_factory.mktemp("scored") / "model.safetensors"
    trained("dense").save(path, golden=hg.load_data("digits")[1].images[:9])
    return path


@pytest.fixture
def page(scored, tmp_path) -> Path:
    path = tmp_path / "app.html"
    write_html(scored.read_bytes(), path)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_the_page_of_a_built_in_network_passes_its_self_test(name, tmp_path):
    needs("py_mini_racer")
    file, app = saved(name, tmp_path / "m.safetensors"), tmp_path / "app.html"
    write_html(file.read_bytes(), app)
    found = read_html(app)
    assert found.model == file.read_bytes()
    check = run_html(found)
    assert (check.right, check.total, check.changed) == (6, 6, ())
    assert check.difference <= 1e-5
    np.testing.assert_allclose(check.logits, read_bundle(file).golden.logits, rtol=1e-4, atol=1e-4)
    if name == "convnet":
        assert app.stat().st_size < LIMIT


def test_the_score_can_be_left_out(scored, tmp_path):
    needs("py_mini_racer")
    bundle, app = read_bundle(scored), tmp_path / "small.html"
    content, smaller = embedded_models(bundle, scored)
    assert content == scored.read_bytes()
    write_html(smaller, app)
    assert len(smaller) < len(content) - 300_000
    found = html_file.read_bytes(smaller).classifier
    assert found.ood is None
    assert found.calibration == bundle.classifier.calibration
    assert verify_html(bundle, scored, app).difference <= 1e-5
    assert "unlike" not in read_html(app).settings


def kinds_of_models() -> dict[str, hg.Classifier]:
    """Return models without preprocessing, with other ranges of pixels, types and channels."""

    def made(shape=(1, 6, 6), dtype=np.float32, **parts):
        layers = [hg.layers.Flatten(), hg.layers.Dense()]
        return hg.Classifier(hg.Network(layers, shape, 3, dtype=dtype), **parts)

    for_arrays = Preprocessing.from_json(light((1, 6, 6)).to_json() | {"for_arrays": True})
    return {
        "bare": made(),
        "float64": made(dtype=np.float64),
        "colour": made((3, 5, 7), preprocessing=plain((3, 5, 7))),
        "unknown range": made(pixel_range=PixelRange(-2.0, 5.0, is_known=False)),
        "known range": made(pixel_range=PixelRange(0.0, 1.0, is_known=True)),
        "arrays": made(preprocessing=for_arrays, pixel_range=BYTES),
        "names": made(classes=["\r\n", "7", 'é\t"\\\x00']),
    }


@pytest.mark.parametrize("kind", kinds_of_models())
def test_models_of_every_kind_pass_their_self_test(kind, tmp_path):
    needs("py_mini_racer")
    classifier, file = kinds_of_models()[kind], tmp_path / "m.safetensors"
    golden = None
    if kind == "unknown range":
        golden = np.random.default_rng(0).uniform(-2, 5, (4, 1, 6, 6)).astype(np.float32)
    classifier.save(file, {"scores": {"loss": float("nan")}}, golden=golden)
    write_html(file.read_bytes(), tmp_path / "app.html")
    check = run_html(read_html(tmp_path / "app.html"))
    assert (check.right, check.changed) == (check.total, ())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_text(text, tmp_path):
    needs("py_mini_racer")
    net = hg.Network([hg.layers.Flatten(), hg.layers.Dense()], (1, 4, 4), 2)
    file = tmp_path / "m.safetensors"
    hg.Classifier(net, ["a", text]).save(file, {"config": {"model": text}})
    plain = Page(html_page(file.read_bytes(), title="t", description="d", labels=["p", "q"]))
    for arguments in (
        {},
        {"title": text, "description": text, "labels": ["p", text]},
    ):
        app = tmp_path / "app.html"
        write_html(file.read_bytes(), app, **arguments)
        found = Page(app.read_text("utf-8"))
        assert found.tags == plain.tags
        assert text in "".join(found.texts["title"])
        assert text in found.texts["h1"][0]
        assert text in found.texts["p"][0]
        parts = read_html(app)
        assert json.loads(parts.settings)["labels"][1] == text
        assert run_html(parts).changed == ()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        min_size=2,
        max_size=4,
        unique=True,
    ).filter(lambda names: all(name.strip() for name in names))
)
def test_any_labels_have_the_digest_that_the_page_computes(scored_v8, names):
    assert scored_v8(json.dumps(names)) == html_file.labels_digest(names)


@pytest.fixture(scope="module")
def scored_v8():
    from tests.web.runtime.v8 import Runtime

    js = Runtime()
    js.eval(
        "const digest = (json) => handgrad.sha256([handgrad.utf8_encode("
        "JSON.stringify(JSON.parse(json)))]);"
    )
    yield lambda text: js._v8.call("digest", text)
    js.close()


def changes(path: Path) -> dict[str, dict]:
    """Return changes of a model file that `forged` makes, by the component that they change."""
    bundle = read_bundle(path)
    classifier, golden = bundle.classifier, bundle.golden
    weight = classifier.network.arrays["2.weight"].copy()
    weight[0, 0] += np.float32(0.01)
    steps = classifier.preprocessing.to_json()
    logits = golden.logits.copy()
    logits[2, 1] += 0.001
    raw = golden.raw.copy()
    raw[0, 15:, 10:] = 255
    calibration = classifier.calibration.to_json()
    return {
        "weights": {"arrays": {"2.weight": weight}},
        "labels": {"description": {"classes": [*range(9), 77]}},
        "preprocessing": {
            "description": {
                "preprocessing": steps
                | {"steps": [s for s in steps["steps"] if s["kind"] != "StretchContrast"]}
            }
        },
        "calibration": {
            "description": {
                "calibration": calibration | {"temperature": calibration["temperature"] * 1.5}
            }
        },
        "ood": {"arrays": {"ood.threshold": classifier.ood.threshold - 1}},
        "golden.logits": {"arrays": {"golden.logits": logits}},
        "golden.raw": {"arrays": {"golden.raw": raw}},
    }


@pytest.mark.parametrize(
    "part",
    [
        *("weights", "labels", "preprocessing", "calibration", "ood"),
        *("golden.logits", "golden.raw"),
    ],
)
def test_a_change_of_the_embedded_model_is_found(part, scored, page, tmp_path):
    needs("py_mini_racer")
    copy = tmp_path / "forged.safetensors"
    text, bundle = page.read_text(), read_bundle(scored)
    for sealed in (False, True):
        copy.write_bytes(scored.read_bytes())
        forged(copy, **changes(scored)[part], sealed=sealed)
        page.write_text(text.replace(pack(scored.read_bytes()), pack(copy.read_bytes())))
        with pytest.raises(ModelError, match=r"another model|changed or corrupted"):
            verify_html(bundle, scored, page)
        if not sealed:
            with pytest.raises(ModelError, match="changed or corrupted after it was saved"):
                run_html(read_html(page))
            continue
        found = run_html(read_html(page))
        if part.startswith("golden"):
            assert found.right < found.total
        else:
            assert part in found.changed
    if part != "golden.raw":
        alone = run_javascript(copy.read_bytes())
        assert part in alone.changed or alone.difference > 1e-5


@pytest.mark.parametrize(
    ("pattern", "replacement", "part"),
    [
        (r'"labels": \["0", "1"', '"labels": ["1", "0"', "labels"),
        (r'"labels": \["0", ', '"labels": [', "labels"),
        (r'"label": "(\d)"', '"label": "other"', "answers"),
        (r'"percent": [\d.]+', '"percent": 12.3', "answers"),
        (r'"reason": "[^"]*"', '"reason": "because"', "answers"),
        (r'\{"label": [^{}]*\}, ', "", "answers"),
    ],
)
def test_a_change_of_the_names_and_answers_in_the_page_is_found(
    pattern, replacement, part, scored, page
):
    needs("py_mini_racer")
    text = page.read_text()
    assert re.search(pattern, text)
    page.write_text(re.sub(pattern, replacement, text, count=1))
    assert part in run_html(read_html(page)).changed
    with pytest.raises(ModelError, match=part):
        verify_html(read_bundle(scored), scored, page)


def test_a_damaged_page_is_refused(page, tmp_path):
    text = page.read_text()
    packed = read_html(page).packed
    for damaged in (packed[:-40], packed[:500] + "AAAA" + packed[504:], "", "!!"):
        page.write_text(text.replace(packed, damaged))
        with pytest.raises(ModelError):
            read_html(page)
    page.write_text("<p>")
    with pytest.raises(ModelError, match="contains no model"):
        read_html(page)
    with pytest.raises(ModelError, match="cannot be read"):
        read_html(tmp_path / "none.html")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], "has 1 names, but the model has 10 classes"),
        ([*"abcdefghi", "a"], "the name 'a' twice"),
        ([*"abcdefghi", " "], "is empty"),
        ([*"abcdefghi", "\ud800"], "not valid text"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message, scored):
    with pytest.raises(ConfigError, match=message):
        html_page(scored.read_bytes(), labels=labels)


def test_a_network_without_images_is_refused(tmp_path):
    for shape in ((5,), (2, 4, 4)):
        net = hg.Network([hg.layers.Flatten(), hg.layers.Dense()], shape, 2)
        hg.Classifier(net).save(tmp_path / "m.safetensors")
        with pytest.raises(ModelError, match="needs grey or RGB images"):
            html_page((tmp_path / "m.safetensors").read_bytes())


def test_the_page_asks_for_nothing_from_outside(page):
    text = page.read_text()
    without_model = text.replace(read_html(page).packed, "")
    assert not re.findall(r"https?://", without_model)
    assert not re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|eval)\(|\bimport\b", without_model)
    assert "default-src 'none'" in text


def test_the_example_in_the_documentation_is_in_step():
    """If this fails after a change to the page or the runtime, run docs/examples/export.py."""
    needs("py_mini_racer")
    example = read_html(EXAMPLE)
    assert EXAMPLE.stat().st_size < 200_000
    assert example.script == html_file.page_script()
    assert html_file.page_style() in EXAMPLE.read_text("utf-8")
    check = run_html(example)
    assert (check.right, check.total, check.changed) == (6, 6, ())
