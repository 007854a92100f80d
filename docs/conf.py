"""Sphinx configuration. `sphinx-build -W docs docs/_build` builds the site offline."""

import re
from pathlib import Path

_SOURCE = (Path(__file__).parent.parent / "src/handgrad/__init__.py").read_text()

project = "handgrad"
author = "The handgrad maintainers"
copyright = "The handgrad maintainers, MIT licence"  # noqa: A001 (Sphinx's own name)
release = version = re.findall(r'__version__ = "(.+)"', _SOURCE)[0]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"handgrad {release}"
html_copy_source = False
html_show_sphinx = False
