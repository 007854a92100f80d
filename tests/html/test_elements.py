from handgrad.html import bars, facts, figure, section, table


def test_words_are_escaped_and_content_is_not():
    text = section("a < b", "<p>c</p>", "here")
    assert text == '<section id="here">\n<h2>a &lt; b</h2>\n<p>c</p>\n</section>'
    assert facts([("<k>", "v & w")]) == "<dl><div><dt>&lt;k&gt;</dt><dd>v &amp; w</dd></div></dl>"
    assert 'alt="&quot;x&quot;"' in figure("data:,", '"x"')


def test_a_figure_has_a_caption_where_there_are_words_for_one():
    assert "<figcaption>below</figcaption>" in figure("data:,", "x", "below")
    assert "figcaption" not in figure("data:,", "x")
    assert figure("data:,", "x", kind="small").startswith('<figure class="small"><div')


def test_a_table_sets_numbers_to_the_right_and_marks_rows():
    text = table(["name", ">count"], [("<a>", 1), ("b", 2)], shown=[1])
    assert '<th class="words">name</th><th>count</th>' in text
    assert '<tr><td class="words">&lt;a&gt;</td><td>1</td></tr>' in text
    assert '<tr class="shown"><td class="words">b</td><td>2</td></tr>' in text


def test_bars_are_as_long_as_shares():
    text = bars([("<none>", 0.805, "80.5%")])
    assert '<td>&lt;none&gt;</td><td class="bar"><div style="width:80.5%"></div></td>' in text
    assert "<td>80.5%</td>" in text
