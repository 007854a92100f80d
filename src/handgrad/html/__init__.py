"""HTML pages and notebook displays that need no other file: images are data URIs."""

from handgrad.html.images import data_uri, image_uri, png_uri
from handgrad.html.render import inline_code, part, render

__all__ = ["data_uri", "image_uri", "inline_code", "part", "png_uri", "render"]
