"""The view Inside, used as a person would: what it shows equals Python's numbers."""

import json

import numpy as np
import pytest

import handgrad as hg
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.walk import walk_back
from handgrad.web.edits import Edit, edited
from tests.web.browser.conftest import DESKTOP, PHONE


class Python:
    """Every number of one test image, computed by the layers in float64."""

    def __init__(self, model, n: int) -> None:
        _, self.test = hg.load_data("digits")
        net = model.network
        self.net = hg.Network(
            net.layers, net.shape, net.classes, dtype=np.float64, arrays=net.arrays, is_fitted=True
        )
        self.image = model.pixels(self.test.take([n]))
        self.label = int(self.test.labels[n])
        steps = list(self.net.walk(self.image, inner=True))
        self.outputs = {step.path: step.Y for step in steps}
        caches = [step.cache for step in steps if "." not in step.path]
        self.logits = self.outputs[str(len(net.layers) - 1)]
        self.loss, dlogits = SoftmaxCrossEntropy()(self.logits, np.array([self.label]))
        back = walk_back(self.net.layers, self.net.params, caches, dlogits, inner=True)
        self.slopes = {step.path: step.dY for step in back}
        self.gradients = self.net.backward(caches, dlogits)


def data(page, selector: str) -> dict[str, str]:
    """Return the data attributes of an element."""
    return page.locator(selector).first.evaluate("element => ({...element.dataset})")


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def shown_terms(page) -> list[list[float]]:
    """Return the factors of each term of the number, after "show all"."""
    everything = page.locator("#number > div .all-terms")
    if everything.count() and everything.get_attribute("aria-expanded") == "false":
        everything.click()
    items = page.locator("#number > div .terms > li")
    texts = items.evaluate_all("items => items.map((item) => item.dataset.factors)")
    return [numbers(text) for text in texts]


def tap(page, path: str, picture: int, x: float, y: float, touch: bool) -> None:
    """Tap a place in a picture of a layer, given as shares of its width and height."""
    target = page.locator(f'.layer[data-path="{path}"] button.plane').nth(picture)
    target.scroll_into_view_if_needed()
    box = target.locator("canvas").bounding_box()
    at = (box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.touchscreen.tap(*at) if touch else page.mouse.click(*at)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_tapped_number_is_the_sum_of_its_terms_and_its_gradient_is_proven(
    visit, run_folder, size
):
    page = visit("inside?image=5", size=size)
    own = Python(hg.load_model(run_folder), 5)
    cards = page.locator(".layer[data-path]").evaluate_all(
        "cards => cards.map((card) => ({...card.dataset}))"
    )
    assert {card["path"] for card in cards} == {"input", *own.outputs}
    for card in cards[1:]:
        Y = own.outputs[card["path"]]
        assert card["shape"] == ",".join(map(str, Y.shape[1:]))
        limits = [float(card["low"]), float(card["high"])]
        assert limits == pytest.approx([Y.min(), Y.max()], rel=1e-5, abs=1e-6)

    _, H, W = own.outputs["8.body.0"].shape[1:]
    tap(page, "8.body.0", 2, 1.5 / W, 2.5 / H, size == PHONE)
    page.wait_for_selector('#number > div[data-path="8.body.0"]')
    found = data(page, "#number > div")
    index = (2 * H + 2) * W + 1
    assert int(found["index"]) == index
    value, slope = (a["8.body.0"].flat[index] for a in (own.outputs, own.slopes))
    assert float(found["value"]) == pytest.approx(value, rel=1e-5)
    assert float(found["gradient"]) == pytest.approx(slope, rel=1e-5, abs=1e-12)
    terms = shown_terms(page)
    weight, bias = (own.net.arrays[f"8.body.0.{name}"] for name in ("weight", "bias"))
    window = np.pad(own.outputs["7"][0], [(0, 0), (1, 1), (1, 1)])[:, 2:5, 1:4]
    expected = [[w, x] for w, x in zip(weight[2].ravel(), window.ravel(), strict=True)]
    np.testing.assert_allclose(
        sorted(t for t in terms if len(t) == 2), sorted(expected), rtol=1e-5, atol=1e-7
    )
    assert [t for t in terms if len(t) == 1] == [[pytest.approx(bias[2])]]
    assert sum(np.prod(t) for t in terms) == pytest.approx(value, rel=1e-5, abs=1e-7)

    page.locator('#number button[data-mode="gradient"]').click()
    page.wait_for_selector('#number > div[data-mode="gradient"]')
    assert page.locator("#gradients-shown h3").inner_text() == "Gradients dL/d(…)"
    assert "0 is black" not in page.locator("#layers").inner_text()
    total = float(data(page, "#number > div .sum")["sum"])
    assert total == pytest.approx(slope, rel=1e-5, abs=1e-12)

    page.locator("#prove").click()
    page.wait_for_selector("#proof[data-agrees]")
    proof, chosen = data(page, "#proof"), data(page, "#weight")
    assert proof["agrees"] == "true"
    assert float(proof["difference"]) < 1e-4
    gradient = own.gradients[chosen["array"]].flat[int(chosen["index"])]
    assert float(proof["gradient"]) == pytest.approx(gradient, rel=1e-4, abs=1e-10)
    assert float(proof["slope"]) == pytest.approx(gradient, rel=2e-4, abs=1e-10)
    assert (float(proof["plus"]) + float(proof["minus"])) / 2 == pytest.approx(own.loss, rel=1e-4)

    softmax = data(page, "#softmax")
    p = np.exp(own.logits[0] - own.logits.max())
    assert numbers(softmax["powers"]) == pytest.approx(p, rel=1e-5)
    assert float(softmax["sum"]) == pytest.approx(p.sum(), rel=1e-5)
    assert float(softmax["loss"]) == pytest.approx(own.loss, rel=1e-5)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0], f"the page is {width} pixels wide"


def check_effect(page, classifiers, test) -> None:
    """Compare what stands at the switch with models after and before the edits."""
    button = page.locator("#switch-off")
    assert button.inner_text() == "Switched off"
    assert button.get_attribute("aria-pressed") == "true"
    effect = page.locator("#effect").inner_text()
    for model in classifiers:
        p = model.predict_proba(test.take([7]))[0]
        assert f"{model.classes[p.argmax()]} ({100 * p.max():.1f} %)" in effect
        assert f"{100 * hg.evaluate(model, test).accuracy:.2f} %" in effect


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_edits_in_the_lab_change_what_python_says(visit, run_folder, size):
    page = visit("inside?image=7&layer=1&at=100", size=size)
    model = hg.load_model(run_folder)
    _, test = hg.load_data("digits")

    def check(edits: list[dict], *, accuracy: bool = False) -> None:
        new = edited(model, [Edit.model_validate(edit) for edit in edits])
        shown = page.locator("#edits [data-edit]").evaluate_all(
            "items => items.map((item) => JSON.parse(item.dataset.edit))"
        )
        assert shown == edits
        Z = new.logits(test.take([7]))
        found = data(page, "#inside-answer")
        assert numbers(found["logits"]) == pytest.approx(
            Z[0].tolist(), abs=1e-5 * float(np.abs(Z).max())
        )
        assert numbers(found["probabilities"]) == pytest.approx(
            new.predict_proba(test.take([7]))[0].tolist(), abs=1e-5
        )
        if not accuracy:
            return
        page.wait_for_selector("#scores[data-after]")
        scores = json.loads(data(page, "#scores")["after"])
        own = hg.evaluate(new, test)
        assert scores["accuracy"] == own.accuracy
        assert scores["loss"] == pytest.approx(own.loss, rel=1e-5)
        cell = page.locator("#scores tbody tr").first.locator("td").nth(2)
        assert cell.inner_text() == f"{100 * own.accuracy:.2f} %"

    check([])
    page.locator("#switch-off").click()
    off = {"kind": "off", "array": "1", "index": 1, "value": None}
    check([off], accuracy=True)
    check_effect(page, [edited(model, [Edit.model_validate(off)]), model], test)
    page.locator("#undo-last").click()
    check([])
    page.locator("#switch-off").click()
    page.locator("#weight-array").select_option("14.bias")
    page.locator("#weight-value").fill("2.5")
    page.locator("#set-weight").click()
    bias = {"kind": "weight", "array": "14.bias", "index": 0, "value": 2.5}
    check([off, bias])
    page.locator("#prune-percent").fill("60")
    page.locator("#prune").click()
    prune = {"kind": "prune", "array": None, "index": None, "value": 60}
    check([off, bias, prune])
    page.locator("#temperature").fill("4")
    page.locator("#temperature").press("Enter")
    temperature = {"kind": "temperature", "array": None, "index": None, "value": 4}
    check([off, bias, prune, temperature])
    page.locator("#edits button.undo").nth(1).click()
    check([off, prune, temperature])
    page.reload()
    page.wait_for_selector("main[data-ready=inside]")
    check([off, prune, temperature], accuracy=True)
    page.locator("#undo-all").click()
    check([], accuracy=True)


def test_a_neuron_a_map_and_an_occlusion_map_show_the_numbers_of_python(visit, run_folder):
    page = visit("inside?image=3&layer=1&at=0")
    model = hg.load_model(run_folder)
    _, test = hg.load_data("digits")
    page.locator("#excite").click()
    page.wait_for_selector("#exciting [data-index]")
    images = page.locator("#exciting [data-index]").evaluate_all(
        "items => items.map((item) => [Number(item.dataset.index), Number(item.dataset.value)])"
    )
    channels = model.network.arrays["1.bias"].size
    outputs = (
        hg.features(model.network, model.pixels(test), "1")
        .reshape(len(test), channels, -1)[:, 0]
        .max(axis=1)
    )
    assert [value for _, value in images] == pytest.approx(np.sort(outputs)[::-1][:8], rel=1e-5)
    assert outputs[[n for n, _ in images]] == pytest.approx([v for _, v in images], rel=1e-5)

    page.locator("#map-layer").select_option("13")
    page.wait_for_selector("#map[data-count]")
    X = hg.features(model.network, model.pixels(test), "13").astype(np.float64)
    X -= X.mean(axis=0)
    _, S, V = np.linalg.svd(X, full_matrices=False)
    assert numbers(data(page, "#map")["explained"]) == pytest.approx(S[:2] ** 2 / (S**2).sum())
    own = numbers(data(page, "#map")["own"])
    assert np.abs(own) == pytest.approx(np.abs(X[3] @ V[:2].T), rel=1e-4)
    page.locator("#map summary").click()
    page.locator("#map tbody tr").first.wait_for()
    assert page.locator("#map tbody tr").count() == len(test)

    page.locator("#occlude").click()
    page.wait_for_selector("#occlusion[data-ready]")
    values = page.evaluate("document.getElementById('occlusion').values")
    image = model.pixels(test.take([3]))
    hidden = np.repeat(image, 64, axis=0)
    for n in range(64):
        row, column = divmod(n, 8)
        top, left = max(0, row - 1), max(0, column - 1)
        hidden[n, :, top : row + 1, left : column + 1] = np.sort(image.ravel())[32]
    best = int(model.logits(image, pixel_range="raw").argmax())
    expected = model.predict_proba(hidden, pixel_range="raw")[:, best]
    assert values == pytest.approx(expected.tolist(), abs=1e-5)

    page.locator("#exciting [data-index] button").first.click()
    page.locator("#image-name", has_text=f"Test image {images[0][0]} (of").wait_for()
    assert f"image={images[0][0]}&" in page.url
    page.locator("#number .arrows button").first.focus()
    before = data(page, "#number > div")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    width = model.network.shape[2]
    assert int(data(page, "#number > div")["index"]) == int(before["index"]) + 1 + width
    page.get_by_role("link", name="Draw", exact=True).click()
    page.wait_for_selector("main[data-ready=draw]")
    page.locator("#pad").focus()
    for key in ["Space", *["ArrowDown"] * 12, "Space"]:
        page.keyboard.press(key)
    page.get_by_role("link", name="Look inside").click()
    page.wait_for_selector("main[data-ready=inside]")
    assert page.locator("#image-name").inner_text() == "Your drawing"


def test_a_link_with_settings_that_do_not_fit_opens_the_view(visit):
    wrong = "image=abc&layer=99&at=-1&label=77&map=12.x&show=all"
    page = visit(f"inside?{wrong}&edits=off~__proto__~0~!zzz!weight~1.bias~0~1!prune~~~200")
    page.locator("#status", has_text="3 edits of this address do not fit").wait_for()
    assert page.locator("#image-name").inner_text().startswith("Test image 0 (of 0 to ")
    assert page.locator("#edits [data-edit]").count() == 1
    page.locator("#scores[data-after]").wait_for()
    assert page.evaluate("location.hash").count("edits=") == 1
