import types

import numpy as np
import pytest

import handgrad as hg
from handgrad.data.formats import registry
from handgrad.data.formats.reader import Contents, ImagesAndLabels
from handgrad.errors import DataError
from tests.data.idxfiles import encode

X, Y = np.arange(8 * 4, dtype=np.uint8).reshape(8, 2, 2), np.arange(8) % 2


def write_idx(folder):
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(encode(X))
    (folder / "train-labels-idx1-ubyte").write_bytes(encode(Y.astype(np.uint8)))
    return folder


def write_npz(folder):
    folder.mkdir()
    np.savez(folder / "a.npz", x=X, y=Y)
    return folder / "a.npz"


def write_pixels(folder):
    folder.mkdir()
    np.savetxt(folder / "a.csv", np.column_stack([Y, X.reshape(8, 4)]), "%d", delimiter=",")
    return folder / "a.csv"


def write_table(folder):
    folder.mkdir()
    (folder / "metadata.csv").write_text("file_name,label\na.png,x\n")
    return folder


def write_folder(folder):
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "a.png").touch()
    return folder


@pytest.mark.parametrize(
    ("write", "reader"),
    [
        (write_idx, registry.idx_folder),
        (write_npz, registry.npz),
        (write_pixels, registry.pixel_table),
        (write_table, registry.file_table),
        (write_folder, registry.image_folder),
    ],
)
def test_each_format_is_accepted_by_its_reader_first(tmp_path, write, reader):
    path = write(tmp_path / "data")
    assert next(r for r in registry.READERS if r.accepts(path)) is reader
    assert set(registry.read_contents(path).splits) == {"train"}


def test_a_reader_in_the_table_is_used(tmp_path, monkeypatch):
    fake = types.SimpleNamespace(
        accepts=lambda path: path.suffix == ".fake",
        read=lambda _: Contents({"train": ImagesAndLabels(X, Y)}),
    )
    monkeypatch.setattr(registry, "READERS", (fake, *registry.READERS))
    (tmp_path / "a.fake").touch()
    train, test = hg.load_data(str(tmp_path / "a.fake"))
    assert len(train) + len(test) == 8


def test_arrays_are_not_listed_as_image_files(tmp_path):
    with pytest.raises(
        DataError, match="contains arrays, not image files; give a folder of images"
    ):
        registry.list_images(write_npz(tmp_path / "data"))
