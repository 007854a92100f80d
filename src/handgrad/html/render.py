"""Render HTML pages from the templates of this package, with every value escaped."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


def render(template: str, **values: Any) -> str:
    """Render a template.

    Args:
        template: the name of a file in `templates`, such as "base.html".
        values: the variables of the template. Strings are escaped; `Markup` values are not.

    Raises:
        jinja2.UndefinedError: if the template uses a variable that was not given.
    """
    return _environment().get_template(template).render(values)


def inline_code(text: str) -> Markup:
    """Escape a string and mark the parts in `backquotes` as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped)


def render_macro(template: str, name: str, *arguments: Any) -> str:
    """Render a single macro of a template.

    Args:
        template: the name of a file in `templates`.
        name: the name of the macro.
        arguments: the arguments of the macro.
    """
    macros = _environment().get_template(template).module
    return str(getattr(macros, name)(*arguments)).strip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("handgrad.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline_code"] = inline_code
    return environment
