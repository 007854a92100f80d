"""Notebooks and the Python prompt display networks, classifiers, data, histories and results."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.train import Epoch, Evaluation, History
from tests.html.test_display import SvgReader

NAMES = ["<i>a & b</i>", '"c"', "d"]


def data(classes: int = 3) -> hg.Dataset:
    images = np.arange(12 * classes * 16, dtype=np.int64).reshape(-1, 1, 4, 4) % 251
    names = NAMES if classes == 3 else range(classes)
    labels = [names[k % classes] for k in range(12 * classes)]
    return hg.Dataset.from_arrays(images.astype(np.uint8), labels, name="<data>")


def network() -> hg.Network:
    return hg.Network([hg.Flatten(), hg.Dense(5), hg.ReLU(), hg.Dense()], (1, 4, 4), 3, seed=0)


def history(count: int, validation: bool = True) -> History:
    return History(
        [
            Epoch(
                n, 1 / n, 1 - 1 / n, 2 / n if validation else None,
                0.5 if validation else None, 0.01, 0.2, 5000.0, n < 9,
            )
            for n in range(1, count + 1)
        ]
    )  # fmt: skip


def evaluation() -> Evaluation:
    return Evaluation(0.25, np.array([[9, 1, 0], [0, 4, 0], [2, 0, 4]]), tuple(NAMES))


def evaluation_of_40_classes() -> Evaluation:
    diagonal, beside = np.eye(40, dtype=np.int64), np.eye(40, k=3, dtype=np.int64)
    return Evaluation(0.25, diagonal + beside)


def comparison() -> Any:
    numbered = hg.Dataset(data().images, data().labels, (0, 1, 2))
    engines = {"reference": "reference", "<again>": "reference"}
    return hg.compare_engines(network(), numbered, engines=engines, steps=2, batch_size=8)


DISPLAYS = {
    "network": network,
    "classifier": lambda: hg.Classifier(network(), NAMES),
    "dataset": data,
    "dataset of 12 classes": lambda: data(12),
    "history": lambda: history(12),
    "history without validation": lambda: history(1, validation=False),
    "empty history": History,
    "evaluation": evaluation,
    "evaluation without names": lambda: Evaluation(0.25, evaluation().confusion),
    "evaluation of 40 classes": evaluation_of_40_classes,
    "gradient check": lambda: hg.gradcheck(hg.Tanh(), (3,)),
    "comparison of engines": comparison,
    "explained step": lambda: hg.explain_step(hg.Classifier(network(), NAMES), data().images[0]),
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_display_is_well_formed_escaped_and_has_no_external_link(name: str) -> None:
    page = DISPLAYS[name]()._repr_html_()
    read = SvgReader(page)
    assert all(link.startswith("data:image/png;base64,") for link in read.links)
    words = re.sub(r'src="[^"]*"|xmlns="[^"]*"', "", page)
    assert not re.search(r"//|@import|url\(|<script|<style|<i>|<data>|<again>", words)


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_repr_has_no_memory_address_and_few_lines(name: str) -> None:
    text = repr(DISPLAYS[name]())
    assert " at 0x" not in text
    assert text.count("\n") < 12


def test_a_network_shows_its_summary() -> None:
    page = _text(network()._repr_html_())
    assert "1 Dense 5 85 80" in page
    assert "total 103 95" in page


def test_a_classifier_shows_classes_preprocessing_calibration_and_layers() -> None:
    calibration = hg.Calibration(temperature=1.5)
    model = hg.Classifier(network(), NAMES, calibration=calibration)
    page = _text(model._repr_html_())
    for words in (
        "classes &lt;i&gt;a &amp; b&lt;/i&gt;, &#34;c&#34;, d",
        "preprocessing none",
        "calibration ",
        "temperature",
        "1.5",
        "1 Dense",
    ):
        assert words in page


def test_a_history_shows_curves_and_the_last_epochs() -> None:
    records = history(12)
    page = records._repr_html_()
    assert page.count("<polyline") == 4
    rows = re.findall(r"<tr><td[^>]*>(\d+)</td>", page)
    assert rows == ["8", "9", "10", "11", "12"]
    assert "12 0.0833 91.67% 0.1667 50.00% 0.01 0.20 5,000" in _text(page)
    assert repr(records) == (
        "History(12 epochs; best epoch 8: validation loss 0.2500, validation accuracy 50.00%)"
    )
    assert repr(History()) == "History(0 epochs)"
    records.stopped_early = True
    assert repr(records).startswith("History(12 epochs, stopped early; best epoch 8")


def test_an_evaluation_shows_accuracy_loss_and_the_confusion_matrix() -> None:
    found = evaluation()
    assert repr(found) == "Evaluation(accuracy 85.00% (17 of 20 correct), loss 0.2500)"
    page = _text(found._repr_html_())
    assert "accuracy 85.00% (17 of 20 correct), loss 0.2500" in page
    assert "&lt;i&gt;a &amp; b&lt;/i&gt; 9 1" in page


def test_an_evaluation_of_many_classes_lists_the_pairs_confused_most_often() -> None:
    counts = np.eye(40, dtype=np.int64)
    counts[3, 7], counts[8, 2] = 5, 6
    page = _text(Evaluation(0.25, counts)._repr_html_())
    assert "true predicted images 8 2 6 3 7 5" in page


def test_evaluate_records_the_names_of_the_classes() -> None:
    test = data()
    assert hg.evaluate(hg.Classifier(network(), test.classes), test).classes == test.classes


def _text(page: str) -> str:
    """Return the text of a page, with tags replaced by spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).strip()
