import pytest
from jinja2 import UndefinedError

from handgrad.html import inline_code, render
from handgrad.html.render import render_macro


def test_values_are_escaped():
    assert "<title>a &amp; b</title>" in render("base.html", title="a & b")
    assert render_macro("parts.html", "facts", [("<k>", "v & w")]) == (
        "<dl><div><dt>&lt;k&gt;</dt><dd>v &amp; w</dd></div></dl>"
    )
    assert 'alt="&#34;x&#34;"' in render_macro("parts.html", "figure", "data:,", '"x"')


def test_a_page_needs_no_other_file():
    text = render("base.html", title="a page")
    assert text.startswith("<!doctype html>")
    assert not any(word in text for word in ("//", "@import", "url(", "{{", "{%"))


def test_a_missing_value_is_an_error():
    with pytest.raises(UndefinedError, match="'title' is undefined"):
        render("base.html")


def test_backquotes_become_code():
    assert inline_code("a < `b & c`") == "a &lt; <code>b &amp; c</code>"


def test_a_figure_has_a_class_if_a_kind_is_given():
    assert render_macro("parts.html", "figure", "data:,", "x").startswith("<figure><div")
    assert render_macro("parts.html", "figure", "data:,", "x", "small").startswith(
        '<figure class="small"><div'
    )


def test_a_table_aligns_numbers_right_and_highlights_rows():
    text = render_macro("parts.html", "table", ["name", ">count"], [("<a>", 1), ("b", 2)], [1])
    assert '<th class="words">name</th><th>count</th>' in text
    assert '<tr><td class="words">&lt;a&gt;</td><td>1</td></tr>' in text
    assert '<tr class="shown"><td class="words">b</td><td>2</td></tr>' in text


def test_bars_are_as_long_as_their_shares():
    text = render_macro("parts.html", "bars", [("<none>", 0.805, "80.5%")])
    assert '<td>&lt;none&gt;</td><td class="bar"><div style="width:80.5%"></div></td>' in text
    assert "<td>80.5%</td>" in text
