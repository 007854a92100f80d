"""The results as a section of a document."""

from __future__ import annotations

import inspect
import math
from importlib.metadata import version

from conformance.cases.onnx_cases import selected
from conformance.cases.onnx_operators import OPERATORS
from conformance.cases.result import Result
from handgrad.markdown_sections import table

SECTION = "published test cases"
NAMED = 6  # the number of cases named for each reason


def section(onnx: list[Result], opinfo: list[Result]) -> str:
    """Return the section in Markdown."""
    rule = (inspect.getdoc(selected) or "").split("\n\n")[1].replace("\n", " ")
    return f"""## Published test cases

Written by `python -m conformance.cases --write docs/proof.md`.

A case either runs through our code and is compared, or it is listed below with the reason why it
does not apply. An adapter arranges arrays, multiplies a factor into a weight, or turns the loss,
which is a mean, into a sum; everything else is our code.

### ONNX's operator cases

onnx {version("onnx")}, the cases of our operators within our scope. {rule}

The outputs are compared element by element in float32, at a relative {onnx[0].limit:.0e}; the
cases have no gradients.

{_counts(onnx, _adapters())}

Not applicable:

{_reasons(onnx, named=True)}

### PyTorch's sample inputs

torch {version("torch").partition("+")[0]}, all samples of `OpInfo` for our operations, in float64:
the output, and with a random cotangent the gradient of every input, at a relative
{opinfo[0].limit:.0e} as a norm over each array. Softmax and log-softmax are compared in
the forward pass only, because we differentiate them only inside the loss.

{_counts(opinfo)}

Not applicable:

{_reasons(opinfo)}

### scikit-learn and JAX

`tests/conformance/cases/test_other_libraries.py` compares the loss with scikit-learn's `log_loss`
on random logits, at 1e-12, and the gradients of five networks with JAX's `grad`, at 1e-13, in
float64. JAX is not a dependency: without it, the test is skipped.
"""


def _counts(results: list[Result], adapters: dict[str, str] | None = None) -> str:
    """Return the table of how many cases of each operator passed."""
    rows = []
    for operator in dict.fromkeys(result.operator for result in results):
        own = [result for result in results if result.operator == operator]
        adapter = [adapters[operator]] if adapters else []
        rows.append([f"`{operator}`", *adapter, *_sums(own)])
    rows.append(["all", *([""] if adapters else []), *_sums(results)])
    headings = ["operation", *(["our code"] if adapters else [])]
    return table([*headings, ">cases", ">pass", ">fail", ">not applicable", ">largest error"], rows)


def _sums(results: list[Result]) -> list[str]:
    """Return the number of cases, passed, failed and not run, and the largest error."""
    errors = [result.error for result in results if result.error is not None]
    passed, listed = sum(r.passed for r in results), sum(r.listed for r in results)
    counts = len(results), passed, len(results) - passed - listed, listed
    return [*(f"{count:,}" for count in counts), _rounded(max(errors)) if errors else ""]


def _rounded(error: float) -> str:
    """Round an error up to a power of ten, because its digits differ between machines."""
    return f"{10.0 ** math.ceil(math.log10(error)):.0e}" if error else "0"


def _reasons(results: list[Result], named: bool = False) -> str:
    """Return the table of reasons, with the number of cases and optionally their names."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.listed:
            groups.setdefault((result.operator, result.reason), []).append(result.case)
    rows = [
        [f"`{operator}`", why, str(len(cases)), *([", ".join(cases[:NAMED])] if named else [])]
        for (operator, why), cases in groups.items()
    ]
    return table(["operation", "reason", ">cases", *(["names"] if named else [])], rows)


def _adapters() -> dict[str, str]:
    """Return how each ONNX operator runs: the first line of its function's docstring."""
    return {
        name: (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        for name, function in OPERATORS.items()
    }
