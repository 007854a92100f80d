"""The view Train as a person uses it, at 1440 pixels and with touch at 390 pixels."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from tests.web.browser.conftest import DESKTOP, PHONE, serving

RUN = "runs/digits-softmax-regression-1"
LONG = 60_000  # milliseconds


def set_field(page, name: str, value: str) -> None:
    field = page.locator(f"[name={name}]")
    if field.evaluate("element => element.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)


def wait_for_phase(page, phase: str) -> None:
    page.wait_for_selector(f"main[data-phase={phase}]", timeout=LONG)


def press(page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    button.tap() if page.evaluate("matchMedia('(pointer: coarse)').matches") else button.click()


def wait_for_fact(page, name: str, text: str | re.Pattern) -> None:
    from playwright.sync_api import expect

    expect(page.locator(f"[data-fact={name}]")).to_have_text(text, timeout=LONG)


def step_of(page) -> int:
    return int(page.locator("[data-fact=step]").inner_text())


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_train_pause_step_change_stop_and_resume_from_the_command_line(visit, tmp_path, size):
    with serving(cwd=tmp_path) as url:
        page = visit("train", size=size, url=url)
        page.get_by_text("Advanced settings").click()
        choices = {"model": "softmax-regression", "epochs": "2000", "schedule": "constant"}
        for name, value in {**choices, "patience": "0", "figures": "false"}.items():
            set_field(page, name, value)
        page.wait_for_url(re.compile("epochs=2000"))
        press(page, "Train")
        wait_for_fact(page, "step", re.compile(r"\d{3,}"))
        press(page, "Pause")
        wait_for_phase(page, "paused")
        page.wait_for_selector(".predictions li")

        before = step_of(page)
        press(page, "One step")
        wait_for_fact(page, "step", str(before + 1))

        assert page.locator("[name=seed]").is_disabled()
        set_field(page, "lr", "0.002")
        set_field(page, "epochs", str(before // 21 + 3))
        press(page, "Apply changes")
        press(page, "One step")
        wait_for_fact(page, "step", str(before + 2))
        wait_for_fact(page, "lr", "0.002")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"the page is {width} pixels wide"

        press(page, "Stop")
        wait_for_phase(page, "stopped")
        assert page.get_by_text(f"handgrad train --resume {RUN}").is_visible()
        shown = page.evaluate(
            "[...document.querySelectorAll('figure')].map((figure) => figure.series)"
        )[0]
        page.close()
        command = [sys.executable, "-m", "handgrad", "train", "-q", "--resume", RUN]
        subprocess.run(command, check=True, cwd=tmp_path)
        run = tmp_path / RUN
        epochs = json.loads((run / "history.json").read_text())["epochs"]
        assert "lr = 0.002" in (run / "config.toml").read_text()
        for series, name in zip(shown[1:], ("loss", "validation_loss"), strict=True):
            count = len(series["x"])
            assert count >= 4
            assert series["x"] == [record["number"] for record in epochs[:count]]
            assert series["y"] == [record[name] for record in epochs[:count]]


def test_a_first_network_is_trained_with_one_click_and_then_broken(visit, tmp_path):
    with serving(cwd=tmp_path) as url:
        page = visit("train?model=two-layer&epochs=4&figures=false", url=url)
        press(page, "Train")
        wait_for_phase(page, "finished")
        run = tmp_path / "runs/digits-two-layer-1"
        page.get_by_role("link", name="Draw with it").wait_for()
        assert "digits-two-layer-1" in page.locator("#about-model").inner_text()
        about = read_bundle(run / "model.safetensors").about
        shown = float(page.locator("[data-accuracy]").get_attribute("data-accuracy"))
        assert shown == about["scores"]["test_accuracy"]
        history = json.loads((run / "history.json").read_text())["epochs"]
        accuracy = page.evaluate("document.querySelectorAll('figure')[1].series[2].y")
        assert accuracy == [record["validation_accuracy"] for record in history]

        page.locator("select").filter(has_text="dW is transposed").select_option("missing-n")
        press(page, "Train both")
        page.locator("[data-cause='missing 1/N']").wait_for(timeout=LONG)
        curves = page.evaluate("document.querySelector('.break figure').series")
        assert [len(curve["x"]) for curve in curves] == [40, 40]
        outcome = page.evaluate("document.querySelector('.break').outcome")
        assert outcome["verdict"] == "fails"
        assert f"{100 * outcome['wrong']['test_accuracy']:.1f} %" in page.inner_text(".verdict")
        page.close()


def test_a_remedy_is_applied_and_weights_and_predictions_are_those_of_the_network(visit, tmp_path):
    settings = "model=two-layer&lr=3&schedule=constant&epochs=100000&patience=0&figures=false"
    with serving(cwd=tmp_path) as url:
        page = visit(f"train?{settings}", url=url)
        press(page, "Train")
        hint = page.locator("[data-hint=dead-relus]")
        hint.wait_for(timeout=LONG)
        assert float(hint.get_attribute("data-number")) >= 0.5
        hint.get_by_role("button", name="Set lr = 1.5").click()
        wait_for_fact(page, "lr", "1.5")
        press(page, "Pause")
        wait_for_phase(page, "paused")
        step = step_of(page) + 1
        press(page, "One step")
        page.wait_for_selector(f".predictions[data-step='{step}']")
        press(page, "Stop")
        wait_for_phase(page, "stopped")
        tiles = page.locator(".predictions li")
        answers = [int(tile.get_attribute("data-answer")) for tile in tiles.all()]
        p = [float(tile.get_attribute("data-p")) for tile in tiles.all()]
        weights = page.evaluate("[...document.querySelector('.weights').weights]")
        page.close()
    from handgrad.runs import find_checkpoint

    found = find_checkpoint(Path(tmp_path, "runs/digits-two-layer-1")).state
    train, test = hg.load_data("digits")
    net = hg.Network(hg.models.two_layer(), train.shape, 10)
    net.restore(found.arrays, is_fitted=True)
    logits = net.logits(test.images[:16]).astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert answers == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose(p, expected.max(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(np.float32(weights), found.arrays["2.weight"][:16].ravel())
