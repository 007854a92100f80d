"""Self-contained HTML pages and notebook displays, which embed images as data URIs."""

from handgrad.html.display import (
    class_table,
    confusion,
    curves,
    image_grid,
    paragraph,
    table,
)
from handgrad.html.images import data_uri, image_uri, png_uri
from handgrad.html.render import inline_code, render

__all__ = [
    "class_table",
    "confusion",
    "curves",
    "data_uri",
    "image_grid",
    "image_uri",
    "inline_code",
    "paragraph",
    "png_uri",
    "render",
    "table",
]
