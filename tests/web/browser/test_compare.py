"""The view Compare, used as a person would; every number that it shows equals Python's."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

import handgrad as hg
from handgrad.engine_comparison import compare_engines
from handgrad.runs import load_run
from handgrad.web.answers import some_of
from handgrad.web.lockstep import step_json
from tests.web.asking import finished_run
from tests.web.browser.conftest import DESKTOP, PHONE
from tests.web.browser.test_accessibility import check_accessibility


@pytest.fixture(scope="module")
def second(run_folder):
    """Return the folder of a second run, in the folder of runs of the server."""
    out = run_folder.parent / "runs" / "second"
    finished_run(out, data="digits", model="two-layer", epochs=3)
    (out.parent / "broken").mkdir()
    (out.parent / "broken" / "model.safetensors").write_bytes(b"no model")
    return out


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_two_runs_are_compared(visit, run_folder, second, size):
    _, test = hg.load_data("digits")
    models = [load_run(folder)[0] for folder in (run_folder, second)]
    answers = [model.logits(test).argmax(axis=1) for model in models]
    right = [given == test.labels for given in answers]
    page = visit("compare?a=&b=second", size=size, dark=size == PHONE)
    page.wait_for_selector(".agreement", timeout=30_000)
    options = page.locator("#first option").all_inner_texts()
    assert options[0] == "This model: digits-smallnet (smallnet, digits)"
    assert "second (two-layer, digits)" in options  # other tests may have added runs
    page.locator(".unreadable summary").click()
    assert "broken – " in page.inner_text(".unreadable")

    groups = {
        "differ": answers[0] != answers[1],
        "only-a": right[0] & ~right[1],
        "only-b": right[1] & ~right[0],
        "neither": ~right[0] & ~right[1],
    }
    for group, chosen in groups.items():
        button = page.locator(f"[data-group={group}]")
        assert int(button.get_attribute("data-count")) == chosen.sum()
        if chosen.any():
            (button.tap if size == PHONE else button.click)()
            expected = ",".join(map(str, np.flatnonzero(chosen)))
            page.wait_for_selector(f'.agreement [data-indices="{expected}"]')
            assert page.locator(".agreement .gallery li").count() == min(12, chosen.sum())
    assert f"{(~groups['differ']).sum()} of the {len(test)} images" in page.inner_text(".agreement")

    charts = page.locator(".curves figure").evaluate_all("(all) => all.map((c) => c.series)")
    histories = [
        json.loads((folder / "history.json").read_text())["epochs"]
        for folder in (run_folder, second)
    ]
    for chart, name in zip(charts, ("loss", "accuracy"), strict=True):
        expected = [
            [epoch[key] for epoch in history]
            for history in histories
            for key in (name, f"validation_{name}")
        ]
        assert [series["y"] for series in chart] == expected
    facts = page.inner_text(".facts")
    for model in models:
        assert f"{100 * hg.evaluate(model, test).accuracy:.1f} %" in facts
    assert "two-layer" in facts
    check_accessibility(page, size)
    page.select_option("#second", "")
    page.wait_for_selector('.agreement [data-group=differ][data-count="0"]')
    assert "a=&b=" in page.url


@pytest.mark.slow
def test_the_same_network_is_trained_by_hand_and_in_pytorch(visit, run_folder):
    if not find_spec("torch"):
        pytest.skip("PyTorch is not installed")
    page = visit("compare")
    panel = page.locator(".engines")
    panel.get_by_label("Steps").select_option("5")
    panel.get_by_role("button", name="Train side by side").click()
    page.wait_for_selector(".engines[data-over=true]", timeout=150_000)
    shown = panel.evaluate("(panel) => panel.comparison")
    check_accessibility(page, DESKTOP)
    assert (shown["error"], shown["divergence"], len(shown["steps"])) == ("", None, 5)

    train, _ = hg.load_data("digits")
    network = load_run(run_folder)[0].network
    net = hg.Network(network.layers, network.shape, network.classes)
    seen = []
    compare_engines(
        net,
        some_of(train, 512),
        engines={"reference": "reference", "again": "reference"},
        steps=5,
        watch=lambda runs: seen.append(step_json(runs)),
    )
    for step, expected in zip(shown["steps"], seen, strict=True):
        for name, values in expected["weights"]["reference"].items():
            assert step["weights"]["reference"][name] == pytest.approx(values, abs=1e-6)
            assert step["weights"]["torch"][name] == pytest.approx(values, abs=1e-5)
    largest = max(max(step["largest"]["torch"].values()) for step in shown["steps"])
    details = panel.locator("details[data-engine=torch]")
    assert float(details.get_attribute("data-largest")) == largest < 1e-3
    assert f"PyTorch: at most {largest:.0e}".split("e")[0][:-1] in details.inner_text()
    cells = details.locator("tbody tr").first.locator("td").all_inner_texts()
    name = next(iter(shown["parameters"]))
    assert [float(cell) for cell in cells[1:]] == pytest.approx(
        [step["largest"]["torch"][name] for step in shown["steps"]], rel=0.06
    )
    assert set(shown["engines"]) == set(shown["seconds"])
    assert min(shown["seconds"].values()) > 0
