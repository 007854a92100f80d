from handgrad.html import page


def test_a_page_needs_no_other_file():
    text = page("a & b", "<p>in it</p>", ".own { color: red; }")
    assert "<title>a &amp; b</title>" in text
    assert "<h1>a &amp; b</h1>\n<p>in it</p>\n</body>" in text
    assert ".own { color: red; }" in text
    assert not any(word in text for word in ("//", "@import", "url(", "$"))
