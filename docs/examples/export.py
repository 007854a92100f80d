"""Write the example page again, from the model in it. Run it with `python docs/examples/export.py`.

The model was trained by `handgrad train digits --model two-layer`.
"""

from __future__ import annotations

from pathlib import Path

from handgrad.export.html_file import read_html, write_html

PAGE = Path(__file__).parent / "digits.html"

write_html(
    read_html(PAGE).model,
    PAGE,
    title="Handwritten digits",
    description="Draw a digit from 0 to 9, or open photographs of digits. A network with 2,260 "
    "parameters, trained by handgrad on 1,438 scanned digits of 8 x 8 pixels, says which it is.",
)
