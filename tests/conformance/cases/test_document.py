import re
from importlib.metadata import version
from pathlib import Path

import pytest

from conformance.cases import __main__ as command
from conformance.cases.document import SECTION, section
from conformance.cases.result import Result
from handgrad.markdown_sections import read
from tests.extras import needs

PROOF = Path(__file__).parents[3] / "docs" / "proof.md"

FEW = [
    Result("Gemm", "a", 2e-7, 1e-5),
    Result("Gemm", "b", None, 1e-5, "no reason"),
    Result("Gemm", "c", 1.0, 1e-5),
]


def without_errors(text: str) -> str:
    """Return the tables without the last column, because errors differ between machines."""
    return re.sub(r"[^|\n]*\|$", "", text, flags=re.MULTILINE)


def test_the_document_in_the_repository_matches_the_cases(onnx, opinfo):
    kept = read(SECTION, PROOF)
    for package in ("onnx", "torch"):
        ours = f"{package} {version(package).partition('+')[0]},"
        if ours not in kept:
            pytest.skip(f"the document was made with another version than {ours[:-1]}")
    assert without_errors(kept) == without_errors(section(onnx, opinfo).strip())


def test_a_section_counts_the_cases_that_passed_failed_or_did_not_run():
    needs("torch")  # its version is in the text
    text = section(FEW, FEW)
    assert re.search(r"\| `Gemm` \| .*weight αBᵀ.* \| 3 \| 1 \| 1 \| 1 \| 1e\+00 \|", text)
    assert "| `Gemm` | no reason | 1 | b |" in text


def test_the_command_fails_if_a_case_fails(monkeypatch, capsys, tmp_path):
    needs("torch")
    monkeypatch.setattr(command, "onnx_results", lambda: FEW)
    monkeypatch.setattr(command, "opinfo_results", lambda: FEW[:2])
    assert command.main(["--write", str(tmp_path / "proof.md")]) == 1
    assert capsys.readouterr().err == "Gemm c: error 1.0e+00\n"
    monkeypatch.setattr(command, "onnx_results", lambda: FEW[:2])
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith("## Published test cases")
