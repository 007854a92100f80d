"""The view Evaluate, used as a person would; every number that it shows equals Python's."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

import handgrad as hg
from handgrad.calibration import reliability
from handgrad.data.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from handgrad.runs import load_run
from tests.web.browser.conftest import DESKTOP, PHONE
from tests.web.browser.test_accessibility import check_accessibility


def indices(page, selector):
    """Return the indices of the images of a gallery, once they are shown."""
    text = page.wait_for_selector(f"{selector}[data-indices]").get_attribute("data-indices")
    return [int(index) for index in text.split(",") if index]


class Python(NamedTuple):
    """What Python computes for the model that the page shows."""

    classifier: hg.Classifier
    test: hg.Dataset
    p: np.ndarray
    scores: np.ndarray
    evaluation: hg.Evaluation

    @property
    def answers(self):
        return self.p.argmax(axis=1)

    @property
    def confidence(self):
        return self.p.max(axis=1)


@pytest.fixture(scope="module")
def python(run_folder):
    classifier, _ = load_run(run_folder)
    _, test = hg.load_data("digits")
    scores = classifier.ood.scores(classifier.network, test.images, classifier.logits(test))
    p = classifier.predict_proba(test)
    return Python(classifier, test, p, scores, hg.evaluate(classifier, test))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_model_is_judged(visit, python, size):
    page = visit("evaluate", size=size, dark=size == PHONE)
    page.wait_for_selector(".damage[data-curve=noise]", timeout=30_000)
    check_summary_and_matrix(page, python)
    cell, opened = open_a_cell(page, python, page.tap if size == PHONE else page.click)
    check_mistakes(page, python)
    move_the_thresholds(page, python)
    check_reliability(page, python)
    curve = damage_the_images(page, python)
    check_accessibility(page, size)

    settings = set(page.url.split("?")[1].split("&"))
    assert {"kind=rotated", "strength=4", f"cell={cell}", "threshold=0.9"} <= settings
    page.reload()
    page.wait_for_selector(".damage[data-curve=rotated]", timeout=30_000)
    assert float(page.get_attribute(".damage", "data-accuracy")) == curve[4]
    assert float(page.get_attribute(".thresholds", "data-threshold")) == 0.9
    assert indices(page, ".opened > div") == opened


def check_summary_and_matrix(page, python):
    summary = page.locator(".summary")
    assert float(summary.get_attribute("data-accuracy")) == python.evaluation.accuracy
    low, high = python.evaluation.interval
    assert f"{100 * low:.1f} % to {100 * high:.1f} %" in summary.inner_text()
    counts = page.locator(".matrix tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.querySelectorAll('[data-count]')]"
        ".map((cell) => Number(cell.dataset.count)))"
    )
    assert counts == python.evaluation.confusion.tolist()


def open_a_cell(page, python, press):
    """Open a cell of mistakes; return its name and the indices of its images."""
    confusion = python.evaluation.confusion
    i, j = map(int, np.argwhere(confusion * (1 - np.eye(10, dtype=int)))[0])
    cell = f'[data-cell="{i}-{j}"]'
    press(cell)
    page.wait_for_selector(f"{cell}[aria-pressed=true]")
    opened = np.flatnonzero((python.test.labels == i) & (python.answers == j)).tolist()
    assert indices(page, ".opened > div") == opened
    image = page.locator(".opened canvas").first
    pixels = image.evaluate(
        "(c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    assert pixels[::4] == python.test.images[opened[0]].ravel().tolist()
    probability = f"{100 * python.confidence[opened[0]]:.1f} %"
    assert image.get_attribute("aria-label") == f"✗ {i}, answered {j}, {probability}"
    page.get_by_role("button", name="Percent of each row").click()
    share = confusion[i, j] / confusion[i].sum()
    assert page.inner_text(cell) == f"{100 * share:.1f}\u202f%"
    return f"{i}-{j}", opened


def check_mistakes(page, python):
    mistakes = np.flatnonzero(python.answers != python.test.labels)
    order = np.argsort(-python.confidence[mistakes], kind="stable")
    assert indices(page, ".mistakes") == mistakes[order].tolist()


def move_the_thresholds(page, python):
    panel, limit = page.locator(".thresholds"), float(python.classifier.ood.threshold[0])
    stored = python.classifier.calibration.threshold
    for threshold, highest in ((stored, limit), (0.9, limit), (0.9, 0.5)):
        if threshold != stored:
            page.get_by_label("Lowest probability of an answer").fill(str(threshold))
        if highest != limit:
            slider = page.get_by_label("Highest out-of-distribution score")
            slider.evaluate("(s, v) => { s.step = 'any'; s.value = v; s.oninput(); }", highest)
        given = (python.confidence >= threshold) & (python.scores <= highest)
        correct = (python.answers == python.test.labels)[given].mean()
        assert float(panel.get_attribute("data-coverage")) == pytest.approx(given.mean())
        assert float(panel.get_attribute("data-accuracy")) == pytest.approx(correct)
        assert f"{100 * given.mean():.1f} % of the images get an answer" in panel.inner_text()
    coverage = panel.locator("figure").evaluate("(chart) => chart.series[0].y")
    half = (python.confidence >= 0.5) & (python.scores <= 0.5)
    assert coverage[50] == pytest.approx(half.mean())


def check_reliability(page, python):
    diagram = reliability(python.p, python.test.labels)
    shown = page.locator(".reliability").evaluate("(panel) => panel.reliability")
    assert shown["error"] == pytest.approx(diagram.error)
    assert shown["counts"] == diagram.counts.tolist()
    assert f"{100 * diagram.error:.1f} %" in page.inner_text(".reliability")


def damage_the_images(page, python):
    """Rotate the images; return the accuracy at each strength."""
    damage = page.locator(".damage")
    damage.get_by_role("slider", name="Kind of damage").fill(
        str(list(CORRUPTIONS).index("rotated"))
    )
    damage.get_by_role("slider", name="Strength").fill("4")
    page.wait_for_selector(".damage[data-curve=rotated]", timeout=30_000)
    damaged = [corrupt(python.test.images, "rotated", strength=s) for s in STRENGTHS]
    curve = [
        hg.evaluate(python.classifier, replace(python.test, images=X)).accuracy
        for X in (python.test.images, *damaged)
    ]
    assert float(damage.get_attribute("data-accuracy")) == curve[4]
    assert damage.locator("figure").last.evaluate("(chart) => chart.series[0].y") == curve
    assert damage.locator(".gallery li").count() == 12
    return curve
