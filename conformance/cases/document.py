"""Formats the results as a section of a Markdown document."""

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
    """Return the results as a section in Markdown."""
    rule = (inspect.getdoc(selected) or "").split("\n\n")[1].replace("\n", " ")
    return f"""## Published test cases

Written by `python -m conformance.cases --write docs/proof.md`.

Each case is either computed by our code and compared, or listed below with the reason why it does
not apply. Adapters only rearrange arrays, multiply a weight by a factor, or convert the loss from a
mean to a sum; everything else is computed by our code.

### ONNX's operator cases

onnx {version("onnx")}, all cases of the operators that we have. {rule}

The outputs are compared element by element in float32, with a relative tolerance of
{onnx[0].limit:.0e}. The cases contain no gradients.

{_counts(onnx, _adapters())}

Not applicable:

{_reasons(onnx, named=True)}

### PyTorch's sample inputs

torch {version("torch").partition("+")[0]}, all samples in `OpInfo` of the operations that we have,
in float64. The output and, for a random cotangent, the gradient of every input are compared; the
norm of each difference must be at most {opinfo[0].limit:.0e} of the norm of the array. Only the
forward pass of softmax and log-softmax is compared, because we differentiate them only as a part of
the loss.

{_counts(opinfo)}

Not applicable:

{_reasons(opinfo)}

### scikit-learn and JAX

`tests/conformance/cases/test_other_libraries.py` compares the loss on random logits with
scikit-learn's `log_loss` (tolerance 1e-12), and the gradients of five networks in float64 with
JAX's `grad` (tolerance 1e-13). JAX is not a dependency; if it is missing, the test is skipped.
"""


def _counts(results: list[Result], adapters: dict[str, str] | None = None) -> str:
    """Return a table with the numbers of passed and failed cases of each operator."""
    rows = []
    for operator in dict.fromkeys(result.operator for result in results):
        own = [result for result in results if result.operator == operator]
        adapter = [adapters[operator]] if adapters else []
        rows.append([f"`{operator}`", *adapter, *_sums(own)])
    rows.append(["all", *([""] if adapters else []), *_sums(results)])
    headings = ["operation", *(["our code"] if adapters else [])]
    return table([*headings, ">cases", ">pass", ">fail", ">not applicable", ">largest error"], rows)


def _sums(results: list[Result]) -> list[str]:
    """Return the numbers of all, passed, failed and omitted cases, and the largest error."""
    errors = [result.error for result in results if result.error is not None]
    passed, listed = sum(r.passed for r in results), sum(r.listed for r in results)
    counts = len(results), passed, len(results) - passed - listed, listed
    return [*(f"{count:,}" for count in counts), _rounded(max(errors)) if errors else ""]


def _rounded(error: float) -> str:
    """Round an error up to a power of ten, because its digits differ between machines."""
    return f"{10.0 ** math.ceil(math.log10(error)):.0e}" if error else "0"


def _reasons(results: list[Result], named: bool = False) -> str:
    """Return a table of the reasons, with the number of cases and optionally their names."""
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
    """Return how our code computes each ONNX operator, from its function's docstring."""
    return {
        name: (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        for name, function in OPERATORS.items()
    }
