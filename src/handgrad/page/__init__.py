"""A page of HTML that needs nothing else: one look, and all pictures inside it."""

from handgrad.page.frame import page
from handgrad.page.parts import bars, facts, figure, section, table
from handgrad.page.pictures import address, picture, png

__all__ = ["address", "bars", "facts", "figure", "page", "picture", "png", "section", "table"]
