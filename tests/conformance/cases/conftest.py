import pytest

from conformance.cases import Result, opinfo_results
from conformance.cases.onnx_cases import all_cases, run, selected
from conformance.cases.onnx_operators import Case
from tests.extras import needs


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """All of ONNX's cases for our operators, by name."""
    return {case.name: case for case in all_cases()}


@pytest.fixture(scope="session")
def onnx(cases: dict[str, Case]) -> list[Result]:
    """What became of those selected."""
    return [run(case) for case in cases.values() if selected(case)]


@pytest.fixture(scope="session")
def opinfo() -> list[Result]:
    """What became of PyTorch's samples."""
    needs("torch")
    return opinfo_results()
