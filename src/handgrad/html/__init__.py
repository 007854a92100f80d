"""A page of HTML that needs nothing else: one look, and all images inside it."""

from handgrad.html.elements import bars, facts, figure, section, table
from handgrad.html.images import address, image, png
from handgrad.html.page import page

__all__ = ["address", "bars", "facts", "figure", "image", "page", "png", "section", "table"]
