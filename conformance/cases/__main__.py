"""The command `python -m conformance.cases`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance.cases import onnx_results, opinfo_results
from conformance.cases.document import SECTION, section
from handgrad.errors import HandgradError
from handgrad.markdown_sections import write


def main(words: list[str] | None = None) -> int:
    """Run all cases, write or print the results, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.cases",
        description="Run published test cases. The exit status is 1 if a case fails.",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables to FILE")
    target = parser.parse_args(words).write
    try:
        onnx, opinfo = onnx_results(), opinfo_results()
        text = section(onnx, opinfo)
        if target is None:
            print(text)
        else:
            write(SECTION, text, target)
    except HandgradError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    wrong = [result for result in onnx + opinfo if not result.passed and not result.listed]
    for result in wrong:
        print(f"{result.operator} {result.case}: error {result.error:.1e}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
