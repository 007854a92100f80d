"""What pages are made of. Words are plain words and escaped here; content is HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def section(heading: str, content: str, name: str = "") -> str:
    """Return a part of the page under a heading.

    Args:
        heading: its words.
        content: its HTML.
        name: what a link calls it; "": there is none.
    """
    at = f' id="{escape(name)}"' if name else ""
    return f"<section{at}>\n<h2>{escape(heading)}</h2>\n{content}\n</section>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names, each with what is to be said of it."""
    rows = (f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f"<dl>{''.join(rows)}</dl>"


def figure(source: str, words: str, caption: str = "", kind: str = "") -> str:
    """Return a drawing.

    Args:
        source: its data address.
        words: what it shows, for those who do not see it.
        caption: what stands below.
        kind: what the page's style calls it.
    """
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    image = f'<img src="{source}" alt="{escape(words)}">'
    sort = f' class="{escape(kind)}"' if kind else ""
    return f'<figure{sort}><div class="wide">{image}</div>{below}</figure>'


def table(headings: Sequence[str], rows: Iterable[Iterable[Any]], shown: Iterable[int] = ()) -> str:
    """Return a table, which scrolls by itself where there is no room for it.

    Args:
        headings: what stands above the columns; one that begins with > is set to the right.
        rows: the values, as many in each row.
        shown: the places of rows that stand out.
    """
    kinds = ["" if heading.startswith(">") else ' class="words"' for heading in headings]
    pairs = zip(kinds, headings, strict=True)
    head = "".join(f"<th{kind}>{escape(words.removeprefix('>'))}</th>" for kind, words in pairs)
    marked = {*shown}
    lines = []
    for at, row in enumerate(rows):
        cells = zip(kinds, row, strict=True)
        values = "".join(f"<td{kind}>{escape(str(value))}</td>" for kind, value in cells)
        mark = ' class="shown"' if at in marked else ""
        lines.append(f"<tr{mark}>{values}</tr>")
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table>{body}</table></div>'


def bars(rows: Iterable[tuple[str, float, str]]) -> str:
    """Return shares as bars.

    Args:
        rows: for each its name, the share, 0 to 1, and what is said of it.
    """
    lines = (
        f"<tr><td>{escape(name)}</td>"
        f'<td class="bar"><div style="width:{100 * share:.1f}%"></div></td>'
        f"<td>{escape(said)}</td></tr>"
        for name, share, said in rows
    )
    body = "".join(lines)
    return f'<table class="bars"><tbody>{body}</tbody></table>'
