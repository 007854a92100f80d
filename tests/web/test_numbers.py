"""The page's numbers as texts, and its interval of an accuracy."""

import json
from pathlib import Path

import pytest

import handgrad
from handgrad.javascript import bundle
from handgrad.train.evaluate import accuracy_interval
from tests.extras import needs

NUMBERS = Path(handgrad.__file__).parent / "web" / "page" / "numbers.js"


@pytest.fixture(scope="module")
def value_of():
    """Return a function that returns the value of an expression with the module as `it`."""
    with needs("py_mini_racer").MiniRacer() as v8:
        v8.eval(bundle(NUMBERS, "it"))
        yield lambda code: json.loads(v8.eval(f"JSON.stringify({code})"))


def test_the_interval_of_the_page_is_that_of_python(value_of):
    cases = [(k, n) for n in (0, 1, 2, 20, 359, 10_000) for k in {0, 1, n // 2, n} if k <= n]
    found = value_of(f"{json.dumps(cases)}.map(([k, n]) => it.accuracyInterval(k, n))")
    for case, interval in zip(cases, found, strict=True):
        assert interval == pytest.approx(accuracy_interval(*case), abs=1e-14), case


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("it.percent(0.98765)", "98.8 %"),
        ("it.percent(0.98765, { decimals: 2 })", "98.77 %"),
        ("[0.5, 0.25].map(it.percent).join()", "50.0 %,25.0 %"),
        ("it.percent(null)", "–"),
        ("it.percent(NaN)", "–"),
        ("it.short(1234.56)", "1235"),
        ("it.short(0.000123456)", "1.23e-4"),
        ("it.short(Infinity)", "–"),
        ("it.digits(-0.5)", "−0.5"),
    ],
)
def test_numbers_are_texts(value_of, code, text):
    assert value_of(code) == text
