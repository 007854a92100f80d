"""The results as a section of a document."""

from __future__ import annotations

import inspect
import math
from importlib.metadata import version

from conformance.cases.onnx_cases import selected
from conformance.cases.onnx_operators import OPERATORS
from conformance.cases.result import Result
from handgrad.markdown_sections import table

SECTION = "cases written by others"
NAMED = 6  # cases of one reason that are named


def section(onnx: list[Result], opinfo: list[Result]) -> str:
    """Return the section in Markdown."""
    rule = (inspect.getdoc(selected) or "").split("\n\n")[1].replace("\n", " ")
    return f"""## Cases written by others

Made by `python -m conformance.cases --write docs/proof.md`.

A case either runs through our code and is compared, or it is listed below with the reason why it
does not concern us. An adapter lays out arrays, folds a factor into a weight or makes a sum of the
loss, which is a mean; all else is our code.

### ONNX's operator cases

onnx {version("onnx")}, its cases for our operators, as far as they lie in our field. {rule}

The outputs are compared element by element in float32, at a relative {onnx[0].limit:.0e}; the
cases have no gradients.

{_counts(onnx, _ways())}

Not ours:

{_reasons(onnx, named=True)}

### PyTorch's sample inputs

torch {version("torch").partition("+")[0]}, all samples of `OpInfo` for our operations, in float64:
the output, and with a random cotangent the gradient of every input, at a relative
{opinfo[0].limit:.0e} as a norm over each array. Softmax and its logarithm are compared forward
alone, for we differentiate them only inside the loss.

{_counts(opinfo)}

Not ours:

{_reasons(opinfo)}

### Other witnesses

`tests/verify/cases/test_witnesses.py` holds the loss against scikit-learn's `log_loss` on drawn
logits, at 1e-12, and the gradients of five networks against JAX's `grad`, at 1e-13, in float64.
JAX is no dependency: where it is missing that test is skipped by name.
"""


def _counts(results: list[Result], ways: dict[str, str] | None = None) -> str:
    """Return the table of how many cases of each operator passed."""
    rows = []
    for operator in dict.fromkeys(result.operator for result in results):
        own = [result for result in results if result.operator == operator]
        way = [ways[operator]] if ways else []
        rows.append([f"`{operator}`", *way, *_sums(own)])
    rows.append(["all", *([""] if ways else []), *_sums(results)])
    headings = ["operation", *(["by way of"] if ways else [])]
    return table([*headings, ">cases", ">pass", ">fail", ">not ours", ">error at most"], rows)


def _sums(results: list[Result]) -> list[str]:
    """Return how many there are, passed, failed, and were not run, and the worst error."""
    errors = [result.error for result in results if result.error is not None]
    passed, listed = sum(r.passed for r in results), sum(r.listed for r in results)
    counts = len(results), passed, len(results) - passed - listed, listed
    return [*(f"{count:,}" for count in counts), _rounded(max(errors)) if errors else ""]


def _rounded(error: float) -> str:
    """Return the power of ten that an error is at most: its digits differ between machines."""
    return f"{10.0 ** math.ceil(math.log10(error)):.0e}" if error else "0"


def _reasons(results: list[Result], named: bool = False) -> str:
    """Return the table of reasons, with how many cases each has, and their names if wanted."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.listed:
            groups.setdefault((result.operator, result.reason), []).append(result.case)
    rows = [
        [f"`{operator}`", why, str(len(cases)), *([", ".join(cases[:NAMED])] if named else [])]
        for (operator, why), cases in groups.items()
    ]
    return table(["operation", "why", ">cases", *(["which"] if named else [])], rows)


def _ways() -> dict[str, str]:
    """Return by which way each of ONNX's operators runs: what its function says of itself."""
    return {
        name: (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        for name, function in OPERATORS.items()
    }
