"""The exported HTML file in Chromium, opened from `file://` without a network, and in Firefox."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.export.html_file import pack, read_html, write_html
from tests.classifier.forging import forged
from tests.web.browser.conftest import DESKTOP, PHONE
from tests.web.browser.test_accessibility import AXE, MEASURE
from tests.web.browser.test_draw import draw, eight, pad_pixels, shown

GOOD = {False: (0, 107, 79), True: (79, 208, 165)}  # the band, in the light and the dark theme
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.fixture(scope="module")
def app(run_folder: Path, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("app") / "app.html"
    model = (run_folder / "model.safetensors").read_bytes()
    write_html(model, path, title="Digits <1>", labels=[f"<{n}>" for n in range(10)])
    return path


@pytest.fixture
def open_file(browser):
    """Return a function that opens a file, and fails if the page logs an error or asks for more."""
    contexts, problems = [], []

    def open_page(path: Path, *, size=DESKTOP, dark=False, javascript=True):
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            has_touch=size == PHONE,
            locale="en-US",
            offline=True,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda r: (
                problems.append(f"request to {r.url}")
                if not r.url.startswith((path.as_uri(), "data:", "blob:"))
                else None
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["1440", "390"])
def test_the_file_answers_as_python_does(open_file, app, run_folder, size, dark, tmp_path):
    page = open_file(app, size=size, dark=dark)
    page.wait_for_selector("#app[data-ready]")
    band = page.locator("#band").inner_text()
    assert re.fullmatch(
        r"✓ 6 of 6 answers as on the day it was saved, largest difference \de-\d\.", band
    )
    colour = page.evaluate("getComputedStyle(document.getElementById('band')).backgroundColor")
    assert colour == f"rgb{GOOD[dark]}"

    model = hg.load_model(run_folder)
    draw(page, eight())
    found = shown(page)
    prepared = model.preprocessing.apply(pad_pixels(page))
    assert np.array_equal(np.array(found["input"]).reshape(prepared.shape), prepared)
    Z = model.logits(prepared[None], pixel_range="raw")
    np.testing.assert_allclose(found["logits"], Z[0], rtol=0, atol=1e-5 * np.abs(Z).max())
    assert found["predicted"] == "<8>"
    assert found["reason"] == model.doubt(prepared[None], pixel_range="raw")[0]
    assert page.locator("#steps li").count() == len(model.preprocessing.steps) + 2

    page.locator("summary", has_text="What each layer computes").click()
    layers = page.locator("#layers figure")
    layers.first.wait_for()
    network = model.network
    outputs = {step.path: step.Y for step in network.walk(prepared[None])}
    for figure in layers.all():
        path = figure.get_attribute("data-path")
        if path in outputs:
            for side, value in (("low", outputs[path].min()), ("high", outputs[path].max())):
                assert float(figure.get_attribute(f"data-{side}")) == pytest.approx(
                    float(value), abs=1e-4
                )

    paths = image_files(tmp_path)
    page.locator("#open").set_input_files(paths)
    page.locator("#files-progress", has_text=f"{len(paths)} of {len(paths)}").wait_for()
    page.locator("#files table").wait_for()
    rows = [line.split("\t") for line in page.locator("#files-text").input_value().splitlines()]
    assert rows[0] == ["file", "label", "probability", "sure", "reason"]
    expected = predicted(model, paths[:-1])
    assert len(rows) == len(paths) + 1
    for row, (name, label, p, reason) in zip(rows[1:-1], expected, strict=True):
        assert row[:2] == [name, f"<{label}>"]
        assert float(row[2]) == pytest.approx(p, abs=2e-5)
        assert row[3:] == [str(reason == "").lower(), reason]
    assert rows[-1][:4] == ["text.png", "", "", "false"]
    page.locator("#copy-csv").click()
    assert page.locator("#files-text").input_value().startswith("file,label,probability")

    page.evaluate(AXE.read_text())
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(v["id"], v["nodes"][0]["html"][:100]) for v in results["violations"]] == []
    sizes = page.evaluate(MEASURE)
    assert not sizes["small"], sizes["small"]
    assert not sizes["controls"], sizes["controls"]
    assert sizes["width"] <= size[0]


def image_files(folder: Path) -> list[Path]:
    """Write PNG files of several kinds, and return their paths; the last one is no image."""
    _, test = hg.load_data("digits")
    large = np.kron(test.images[:4, 0], np.ones((1, 9, 9), np.uint8))
    colours = np.stack([255 - large[2], 255 - large[2] // 2, 250 - large[2] // 3], axis=2)
    ink = np.zeros((72, 72, 4), np.uint8)
    ink[:, :, 3] = np.where(large[3] > 100, 255, 0)
    images = {
        "grey.png": 255 - np.pad(large[0], ((10, 40), (30, 5))),
        "light on dark.png": large[1],
        "colour.png": colours,
        "transparent.png": ink,
        "blank.png": np.full((50, 60), 240, np.uint8),
        "small.png": test.images[8, 0],
        "dot.png": np.zeros((1, 1), np.uint8),
    }
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / name)
    (folder / "text.png").write_text("no image")
    return [folder / name for name in (*images, "text.png")]


def predicted(model: hg.Classifier, paths: list[Path]) -> list[tuple[str, int, float, str]]:
    """Return the name, the most probable class, its probability and the reason of each file."""
    found = []
    for path in paths:
        with Image.open(path) as image:
            prepared, problem = model.preprocessing.check(np.asarray(image))
        X = prepared[None]
        p = model.predict_proba(X, pixel_range="raw")[0]
        reason = problem or str(model.doubt(X, pixel_range="raw")[0])
        found.append((path.name, model.classes[p.argmax()], float(p.max()), reason))
    return found


def test_a_changed_file_shows_what_was_changed(open_file, app, run_folder, tmp_path):
    text, packed = app.read_text("utf-8"), read_html(app).packed
    file = Path(shutil.copy(run_folder / "model.safetensors", tmp_path))
    weight = read_bundle(file).classifier.network.arrays["1.weight"].copy()
    weight.flat[0] += 0.5
    forged(file, arrays={"1.weight": weight})
    cases = {
        text.replace(packed, pack(file.read_bytes())): "✗ 0 of 6 answers",
        text.replace(packed, packed[:-99]): "✗ The model in this file cannot be used",
        re.sub(
            r'(golden-label">)[^<]*', r"\g<1>other", text, count=1
        ): "Changed since then: the answers",
    }
    for number, (changed, expected) in enumerate(cases.items()):
        path = tmp_path / f"{number}.html"
        path.write_text(changed, "utf-8")
        page = open_file(path)
        page.locator("#band.band-bad").wait_for()
        shown_text = page.locator("#band").inner_text()
        assert expected in shown_text
        if number == 0:
            assert "the weights" in shown_text


def test_names_that_html_cannot_hold_are_no_alarm(open_file, run_folder, tmp_path):
    names = [f"</b>&amp;\r\n\0 {n}" for n in range(10)]
    model = (run_folder / "model.safetensors").read_bytes()
    write_html(model, tmp_path / "app.html", labels=names)
    page = open_file(tmp_path / "app.html")
    page.locator("#band.band-good").wait_for()


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["1440", "390"])
def test_without_javascript_the_stored_answers_are_shown(open_file, app, run_folder, size, dark):
    page = open_file(app, size=size, dark=dark, javascript=False)
    assert page.locator("#band").inner_text().startswith("Not checked")
    assert "iPhones" in page.locator("#app").inner_text()
    assert page.locator("h1").inner_text() == "Digits <1>"
    golden = read_bundle(run_folder).golden
    figures = page.locator("#golden figure")
    assert figures.count() == len(golden.images)
    for figure, logits in zip(figures.all(), golden.logits, strict=True):
        assert figure.locator(".golden-label").inner_text() == f"<{logits.argmax()}>"
        assert figure.locator("img").bounding_box()["width"] == 96
    assert page.locator("canvas").count() == 0


@pytest.mark.skipif(FIREFOX is None, reason="Firefox is not installed: apt-get install firefox-esr")
def test_firefox_shows_the_verdict_as_a_green_band(app, tmp_path):
    picture = tmp_path / "screen.png"
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(tmp_path / "profile")]
    (tmp_path / "profile").mkdir()
    command += ["--window-size", "1440,900", "--screenshot", str(picture), app.as_uri()]
    subprocess.run(command, check=True, timeout=120)
    pixels = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    assert max((pixels == GOOD[dark]).all(axis=1).sum() for dark in GOOD) > 10_000
