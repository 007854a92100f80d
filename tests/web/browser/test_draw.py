"""The view Draw, used as a person would."""

import math
import re

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.train.evaluate import accuracy_interval
from tests.web.browser.conftest import DESKTOP, PHONE


def draw(page, points) -> None:
    """Draw one stroke through points, given as shares of the pad's side."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    place = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*place[0])
    page.mouse.down()
    for x, y in place[1:]:
        page.mouse.move(x, y)
    page.mouse.up()


def eight() -> list[tuple[float, float]]:
    """Return the points of an 8."""
    angles = [2 * math.pi * i / 24 for i in range(25)]
    return [(0.5 + 0.14 * math.sin(2 * a), 0.5 - 0.3 * math.sin(a)) for a in angles]


def one() -> list[tuple[float, float]]:
    return [(0.52 - 0.006 * i, 0.2 + 0.06 * i) for i in range(11)]


def shown(page) -> dict:
    """Return the prediction behind the figures of the page."""
    return page.evaluate(
        """() => {
          const {logits, probabilities, predicted, reason, score, input} =
            document.getElementById("answer").parentElement.prediction;
          return {logits: [...logits], probabilities: [...probabilities], predicted, reason, score,
                  input: [...input.data]};
        }"""
    )


def pad_pixels(page) -> np.ndarray:
    """Return the pixels of the pad, (H, W, 4)."""
    data = page.evaluate(
        """() => { const pad = document.getElementById("pad");
          return [...pad.getContext("2d").getImageData(0, 0, pad.width, pad.height).data]; }"""
    )
    return np.array(data, np.uint8).reshape(280, 280, 4)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_eight_is_answered_eight_with_the_numbers_of_python(visit, run_folder, size):
    page = visit("draw", size=size)
    model = hg.load_model(run_folder)
    assert page.locator("#answer").inner_text() == "–"
    draw(page, eight())
    found = shown(page)
    assert found["predicted"] == 8
    assert page.locator("#answer").inner_text() in ("8", "don't know")

    prepared = model.preprocessing.apply(pad_pixels(page))
    assert np.array_equal(np.array(found["input"]).reshape(prepared.shape), prepared)
    X = prepared[np.newaxis]
    Z = model.logits(X, pixel_range="raw")
    np.testing.assert_allclose(found["logits"], Z[0], rtol=0, atol=1e-5 * np.abs(Z).max())
    p = model.predict_proba(X, pixel_range="raw")[0]
    np.testing.assert_allclose(found["probabilities"], p, atol=1e-5)
    assert found["reason"] == model.doubt(X, pixel_range="raw")[0]
    meters = page.locator("#probabilities .meter")
    for n in range(meters.count()):
        name = int(meters.nth(n).get_attribute("data-name"))
        assert float(meters.nth(n).get_attribute("data-probability")) == pytest.approx(
            p[name], abs=1e-5
        )
        assert meters.nth(n).inner_text().split()[-2:] == [f"{100 * p[name]:.1f}", "%"]
    assert page.locator("#steps li").count() == len(model.preprocessing.steps) + 2

    page.locator("#nearest li").first.wait_for()
    train, _ = hg.load_data("digits")
    features = hg.features(model, model.pixels(train))
    own = hg.features(model, X)
    distances = np.sort(np.sqrt(((features - own) ** 2).sum(axis=1)))
    for n, item in enumerate(page.locator("#nearest li").all()):
        assert float(item.get_attribute("data-distance")) == pytest.approx(distances[n], rel=1e-4)

    page.get_by_role("button", name="Undo").click()
    assert page.locator("#answer").inner_text() == "–"


def test_a_file_gets_the_answer_of_python(visit, run_folder, tmp_path):
    model, (_, test) = hg.load_model(run_folder), hg.load_data("digits")
    digit = np.kron(test.images[7, 0], np.ones((20, 20), np.uint8))
    sheet = 255 - np.pad(digit, ((30, 60), (90, 20)))
    blank = np.full((120, 90), 250, np.uint8)
    page = visit("draw")
    for name, image in (("seven.png", sheet), ("blank.png", blank)):
        Image.fromarray(image).save(tmp_path / name)
        page.locator("input[type=file]").first.set_input_files(tmp_path / name)
        page.locator(f"#pad[width='{image.shape[1]}']").wait_for()
        prepared, problem = model.preprocessing.check(image)
        found = shown(page)
        assert np.array_equal(np.array(found["input"]).reshape(prepared.shape), prepared)
        X = prepared[np.newaxis]
        assert found["predicted"] == model.predict(X, pixel_range="raw")[0]
        assert found["reason"] == (problem or model.doubt(X, pixel_range="raw")[0])
    assert found["reason"] == "nothing drawn"
    assert page.locator("#answer").inner_text() == "don't know"
    assert page.locator("#reason").inner_text() == "Nothing is drawn, or it is too faint."

    (tmp_path / "text.png").write_text("no image")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "text.png")
    page.locator("#status", has_text="text.png cannot be read as an image").wait_for()


def test_the_keyboard_draws_too(visit):
    page = visit("draw")
    page.locator("#pad").focus()
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(24):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert shown(page)["predicted"] == 1


def test_a_test_image_is_judged_and_its_link_opens_it_again(visit, run_folder):
    page = visit("draw?image=5")
    page.locator("#tally", has_text="1 test images").wait_for()
    model = hg.load_model(run_folder)
    _, test = hg.load_data("digits")
    image = model.pixels(test.take([5]))
    expected, label = model.predict(image)[0], test.classes[test.labels[5]]
    assert shown(page)["predicted"] == expected
    assert ("✓ right" in page.locator("#answer").inner_text()) == (expected == label)
    page.locator("#test-image").click()
    page.locator("#tally", has_text="of 2").wait_for()
    assert re.search(r"image=\d+", page.evaluate("location.hash"))


def test_twenty_drawings_are_counted_and_learned(visit, run_folder):
    page = visit("draw")
    page.get_by_role("button", name="Begin").click()
    asked = []
    for _ in range(20):
        asked.append(int(re.search(r"this: (\d)", page.locator("#wanted").inner_text())[1]))
        draw(page, one() if asked[-1] == 1 else eight())
        page.get_by_role("button", name="Next").click()
    assert sorted(asked) == sorted([*range(10), *range(10)])
    right = int(page.locator("#series").get_attribute("data-right"))
    text = page.locator("#series-result").inner_text()
    assert text.startswith(f"{right} of 20 right: {5 * right} %")
    low, high = (round(100 * end) for end in accuracy_interval(right, 20))
    assert f"between {low} and {high} %" in text

    page.get_by_role("button", name="Learn my handwriting").click()
    page.locator("#learning", has_text="is in the folder").wait_for(timeout=60_000)
    name = re.search(r"folder (\S+)\.", page.locator("#learning").inner_text())[1]
    folder = run_folder.parent / "runs" / name
    new, (_, test) = hg.load_model(folder), hg.load_data("digits")
    rows = page.locator("#learning tbody tr")
    expected = [
        f"{100 * hg.evaluate(m, test).accuracy:.1f} %" for m in (hg.load_model(run_folder), new)
    ]
    assert rows.nth(1).locator("td").all_inner_texts()[1:] == expected
    assert rows.nth(0).locator("td").all_inner_texts()[1] == f"{5 * right:.1f} %"
    assert new.classes == tuple(range(10))
