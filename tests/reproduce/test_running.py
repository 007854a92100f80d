from dataclasses import dataclass
from pathlib import Path

import pytest

from handgrad.errors import MissingExtraError
from handgrad.reproduce.experiment import Outcome, Setting
from handgrad.reproduce.running import digests, left, run
from handgrad.reproduce.store import Piece, Store, pieces
from tests.reproduce.samples import Listener, digits, notebook


@dataclass(frozen=True)
class InTorch:
    def run(self, setting: Setting) -> Outcome:
        raise MissingExtraError("PyTorch is not installed; pip install 'handgrad[torch]'")


def test_each_piece_is_kept_as_soon_as_it_is_there_and_the_rest_is_left(tmp_path: Path) -> None:
    data = {"digits": digits()}
    store = Store(tmp_path, digests(data), "reference")
    work = pieces([notebook()], seeds=2)
    with pytest.raises(KeyboardInterrupt):
        run(left(work, store), store, data, Listener(stop_after=2))
    assert left(work, store) == work[2:]

    listener = Listener()
    run(left(work, store), store, data, listener)
    assert [what for what, _, _ in listener.ended] == [piece.what for piece in work[2:]]
    assert listener.shares[-1] == 1.0
    assert left(work, store) == []
    assert not list(tmp_path.rglob("*.unfinished"))


def test_what_needs_a_missing_package_is_left_out_by_name(tmp_path: Path) -> None:
    data = {"digits": digits()}
    store, listener = Store(tmp_path, digests(data)), Listener()
    run([Piece("small", "digits", "twin", InTorch(), 0)], store, data, listener)
    why = "PyTorch is not installed; pip install 'handgrad[torch]'"
    assert listener.ended == [("twin", False, why)]
