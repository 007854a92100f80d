"""The frame of the page: its views, theme and language."""

import pytest

from tests.web.browser.conftest import DESKTOP, PHONE, VIEWS


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_each_view_opens_from_its_tab(visit, size):
    page = visit(size=size)
    for view, title in VIEWS.items():
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_selector(f"main[data-ready={view}]")
        assert page.evaluate("location.hash").startswith(f"#/{view}")
        assert page.get_by_role("heading", level=1).inner_text() == title
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"{view} is {width} pixels wide"


def test_the_token_disappears_from_the_address(visit):
    page = visit()
    assert "token" not in page.url


def test_the_other_language_and_theme_are_kept(visit):
    page = visit()
    page.get_by_role("button", name="Deutsch").click()
    page.get_by_role("link", name="Zeichnen").wait_for()
    page.get_by_role("button", name="Dunkel").click()
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.reload()
    page.get_by_role("link", name="Zeichnen").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
