import re
from importlib.metadata import version
from pathlib import Path

import pytest

from handgrad.errors import DataError
from handgrad.verify.cases import __main__ as command
from handgrad.verify.cases.document import BEGIN, END, section, write
from handgrad.verify.cases.result import Result

PROOF = Path(__file__).parents[3] / "docs" / "proof.md"

FEW = [
    Result("Gemm", "a", 2e-7, 1e-5),
    Result("Gemm", "b", None, 1e-5, "no reason"),
    Result("Gemm", "c", 1.0, 1e-5),
]


def without_errors(text: str) -> str:
    """Return the tables without their last column: how small an error is differs by machine."""
    return re.sub(r"[^|\n]*\|$", "", text, flags=re.MULTILINE)


def test_the_document_in_the_repository_says_what_the_cases_say(onnx, opinfo):
    kept = PROOF.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    for package in ("onnx", "torch"):
        ours = f"{package} {version(package).partition('+')[0]},"
        if ours not in kept:
            pytest.skip(f"the document was made with another version than {ours[:-1]}")
    assert without_errors(kept) == without_errors(section(onnx, opinfo).strip())


def test_a_section_counts_what_passed_failed_and_was_not_run():
    text = section(FEW, FEW)
    assert re.search(r"\| `Gemm` \| .*weight αBᵀ.* \| 3 \| 1 \| 1 \| 1 \| 1e\+00 \|", text)
    assert "| `Gemm` | no reason | 1 | b |" in text


def test_writing_leaves_all_else_as_it_was(tmp_path):
    path = tmp_path / "proof.md"
    write("one", path)
    assert path.read_text() == f"{BEGIN}\n\none\n{END}\n"
    path.write_text(f"# Proof\n\nbefore\n{BEGIN}\nold\n{END}\nafter\n")
    write("two", path)
    assert path.read_text() == f"# Proof\n\nbefore\n{BEGIN}\n\ntwo\n{END}\nafter\n"
    path.write_text("# Proof\n")
    write("three", path)
    assert path.read_text() == f"# Proof\n\n{BEGIN}\n\nthree\n{END}\n"


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}\n{BEGIN}"])
def test_half_a_pair_of_marks_is_refused(tmp_path, text):
    path = tmp_path / "proof.md"
    path.write_text(text)
    with pytest.raises(DataError, match="put back the marks"):
        write("one", path)
    assert path.read_text() == text


def test_the_command_fails_where_a_case_does(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "onnx_results", lambda: FEW)
    monkeypatch.setattr(command, "opinfo_results", lambda: FEW[:2])
    assert command.main(["--write", str(tmp_path / "proof.md")]) == 1
    assert capsys.readouterr().err == "Gemm c: error 1.0e+00\n"
    monkeypatch.setattr(command, "onnx_results", lambda: FEW[:2])
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith("## Cases written by others")
