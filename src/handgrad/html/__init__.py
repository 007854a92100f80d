"""HTML pages and notebook displays that need no other file: images are data URIs."""

from handgrad.html.display import confusion, curves, image_grid, table
from handgrad.html.images import data_uri, image_uri, png_uri
from handgrad.html.render import inline_code, render

__all__ = [
    "confusion",
    "curves",
    "data_uri",
    "image_grid",
    "image_uri",
    "inline_code",
    "png_uri",
    "render",
    "table",
]
