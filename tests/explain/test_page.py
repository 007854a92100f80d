import re
from html.parser import HTMLParser

import numpy as np
import pytest

import handgrad as hg
from handgrad.explain import explain_step, page


class Reader(HTMLParser):
    """A parser that collects the links of a page and checks that its tags are nested."""

    VOID = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        found = dict(attrs)
        self.links += [found[key] for key in ("href", "src") if key in found]
        self.ids += [found["id"]] if "id" in found else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text():
    layers = [hg.Conv2d(3, 3), hg.ReLU(), hg.Flatten(), hg.Dense()]
    model = hg.Classifier(hg.Network(layers, (1, 6, 6), 2), ["<cat>", "dog"])
    x = np.random.default_rng(0).integers(0, 256, (1, 6, 6), np.uint8)
    return page(explain_step(model, x, "<cat>"), "a & b")


def test_the_page_is_complete_and_has_no_external_links(text):
    read = Reader(text)
    assert all(link.startswith(("#s", "data:image/png;base64,")) for link in read.links)
    assert {link[1:] for link in read.links if link.startswith("#")} == set(read.ids)
    words = re.sub(r'src="[^"]*"', "", text)
    assert not re.search(r"//|@import|url\(", words)


def test_each_step_is_there_with_its_formula_and_its_images(text):
    assert len(re.findall("<section", text)) == 9
    assert "Y = X Wᵀ + b" in text
    assert text.count('alt="Y, ') == 6  # three channels, after the convolution and the ReLU
    assert text.count('alt="dweight, ') == 3


def test_class_names_and_titles_are_escaped(text):
    assert "<cat>" not in text
    assert "<td>&lt;cat&gt;</td>" in text
    assert "<title>a &amp; b</title>" in text


def test_the_loss_is_shown_as_a_number(text):
    assert '<tr class="shown"><td>&lt;cat&gt;</td>' in text
    assert re.search(r"L = −log p\(&lt;cat&gt;\) = \d", text)
