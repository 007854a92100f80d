import csv
import os
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data.default_preprocessing import default_preprocessing, preprocessing_for_arrays
from handgrad.data.formats import image_cache
from handgrad.data.formats import image_files as reading
from handgrad.data.formats.registry import list_images
from handgrad.data.user_data import load_user_data
from handgrad.errors import DataError
from handgrad.preprocess import Invert, Preprocessing, drawing, light, plain
from tests.data.idxfiles import encode

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def save(path, X):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(X).save(path)
    return X


def images(folder, *, count=10, shape=(9, 7)):
    """Fill a folder with `count` images of the classes cat and dog; return them by path."""
    return {
        folder / label / f"{n}.png": save(
            folder / label / f"{n}.png", RNG.integers(0, 256, shape, np.uint8)
        )
        for label in ("cat", "dog")
        for n in range(count)
    }


def test_the_test_split_of_a_folder_is_reproducible(tmp_path):
    wanted = images(tmp_path / "pets")
    train, test = hg.load_data(str(tmp_path / "pets"))
    assert (train.name, test.name) == ("pets", "pets test")
    assert train.classes == test.classes == ("cat", "dog")
    assert train.counts.tolist() == [8, 8]
    assert test.counts.tolist() == [2, 2]
    seen = {X.tobytes() for data in (train, test) for X in data.images[:, 0]}
    assert seen == {X.tobytes() for X in wanted.values()}
    again = hg.load_data(str(tmp_path / "pets"))
    assert np.array_equal(again[1].images, test.images)
    assert train.preprocessing == plain((1, 9, 7))


@pytest.mark.parametrize(("held", "out"), [("test", 4), ("val", 4), (None, 2)])
def test_named_splits_are_used(tmp_path, held, out):
    images(tmp_path / "train", count=5)
    if held:
        images(tmp_path / held, count=2)
    train, test = load_user_data(tmp_path)
    assert (len(train), len(test)) == (10 if held else 8, out)


def test_validation_joins_training_if_there_is_a_test_set(tmp_path):
    for split, count in (("train", 5), ("valid", 3), ("test", 2)):
        images(tmp_path / split, count=count)
    train, test = load_user_data(tmp_path)
    assert (len(train), len(test)) == (16, 4)


def test_a_table_names_files_labels_and_splits(tmp_path):
    files = list(images(tmp_path / "all"))
    with (tmp_path / "metadata.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "label", "split"])
        for n, path in enumerate(files):
            table.writerow([path.relative_to(tmp_path), n % 3, "test" if n < 6 else "train"])
    train, test = load_user_data(tmp_path)
    assert train.classes == (0, 1, 2)
    assert (len(train), len(test)) == (14, 6)
    again, _ = load_user_data(tmp_path / "metadata.csv")
    assert np.array_equal(again.images, train.images)


def test_a_frame_with_paths(tmp_path):
    wanted = images(tmp_path)
    names = [str(path.relative_to(tmp_path)) for path in wanted]

    class Frame(dict):
        columns = property(list)

    columns = {"path": np.array(names), "label": np.array(["a", "b"] * 10)}
    frame = Frame(columns)
    data = hg.Dataset.from_frame(frame, folder=tmp_path)
    assert data.classes == ("a", "b")
    assert np.array_equal(data.images[:, 0], np.stack(list(wanted.values())))
    with pytest.raises(
        DataError, match="data: the DataFrame has no column 'kind'; it has path, label"
    ):
        hg.Dataset.from_frame(frame, label="kind")
    for path in (None, "a\0b"):
        frame["path"] = np.array([*names[:3], path, *names[4:]], object)
        with pytest.raises(DataError, match=re.escape(f"data: the path in row 3 is {path!r}; c")):
            hg.Dataset.from_frame(frame, folder=tmp_path)
    frame = Frame(columns | {"label": np.array(["a", np.nan] * 10, object)})
    with pytest.raises(DataError, match="label nan of image 1 is not a string"):
        hg.Dataset.from_frame(frame, folder=tmp_path)
    with pytest.raises(DataError, match="data: expected a pandas DataFrame, not a dict; make one"):
        hg.Dataset.from_frame(columns)
    Frame.columns = ["path", "path", "label"]
    with pytest.raises(
        DataError, match="data: the DataFrame has 2 columns 'path'; it has path, path,"
    ):
        hg.Dataset.from_frame(frame)


def test_integer_class_names_become_integers(tmp_path):
    for label in ("0", "2", "10"):
        save(tmp_path / label / "a.png", RNG.integers(0, 256, (5, 5), np.uint8))
    assert list_images(tmp_path)["train"].labels == [0, 10, 2]
    save(tmp_path / "007" / "a.png", np.zeros((5, 5), np.uint8))
    assert "007" in list_images(tmp_path)["train"].labels


def test_hidden_and_other_files_are_skipped(tmp_path):
    wanted = images(tmp_path)
    for name in ("cat/.hidden.png", "cat/notes.txt", "__MACOSX/a.png", ".git/x/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("no image")
    assert list_images(tmp_path)["train"].paths == list(wanted)


@pytest.mark.parametrize("shape", [(5, 5), (5, 5, 3)])
def test_npz_csv_and_idx_give_the_same_data(tmp_path, shape):
    X, y = RNG.integers(0, 256, (30, *shape), np.uint8), np.arange(30) % 3
    wanted = X.transpose(0, 3, 1, 2) if len(shape) == 3 else X[:, None]
    np.savez_compressed(tmp_path / "a.npz", x_train=X, y_train=y[:, None], x_test=X, y_test=y)
    rows = [[label, *x.ravel()] for label, x in zip(y, wanted, strict=True)]
    for name in ("b-train.csv", "b-test.csv"):
        (tmp_path / name).write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    files = {"train-images-idx3-ubyte": wanted, "train-labels-idx1-ubyte": y.astype(np.uint8)}
    files |= {name.replace("train", "t10k"): array for name, array in files.items()}
    for name, array in files.items():
        array = array[:, 0] if array.ndim == 4 and array.shape[1] == 1 else array
        (tmp_path / name).write_bytes(encode(array))
    for place in ("a.npz", "b-train.csv", "."):
        for data in load_user_data(tmp_path / place):
            assert np.array_equal(data.images, wanted)
            assert np.array_equal(data.labels, y)
            assert data.classes == (0, 1, 2)


def test_csv_with_names_and_text_labels(tmp_path):
    lines = ["label,p0,p1,p2,p3", '"cat",0,1,2,255', "dog,4, 5,6,7"]
    lines += ["cat,1,1,2,255", "dog,5,5,6,7"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    shows = {"cat": ([[0, 1], [2, 255]], [[1, 1], [2, 255]])}
    shows["dog"] = ([[4, 5], [6, 7]], [[5, 5], [6, 7]])
    for data in load_user_data(tmp_path / "a.csv"):
        assert data.classes == ("cat", "dog")
        for X, k in zip(data.images[:, 0], data.labels, strict=True):
            assert X.tolist() in shows[data.classes[k]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "a.csv: contains no images; add one line per image"),
        (
            "0,1,2,3,4,5\n",
            "a.csv: 5 pixels per row do not form a square grey or colour image",
        ),
        ("0,1,2,3,4\n1,2,3,4\n", "a.csv, line 2: expected 5 cells, not 4; correct it"),
        (
            "label,a,b,c,d\n0,1,2,3,256\n",
            "a.csv, line 2, column 5 `d`: 256 is out of range; whole numbers must be 0..255",
        ),
        ("0,1,2,3,4\n1,2,3,4,x\n", "a.csv, line 2, column 5: 'x' is not a number; correct it"),
        (b"\xff\xfe\0", "a.csv: is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_invalid_csv_files_are_rejected(tmp_path, content, sentence):
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=re.escape(sentence)):
        load_user_data(path)


def test_invalid_npz_files_are_rejected(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(DataError, match="contains a; images and labels must be called x_train and"):
        load_user_data(path)
    np.savez(path, x=np.array([{}, {}]), y=np.zeros(2))
    with pytest.raises(
        DataError, match=r"a.npz: x.npy has dtype object, which is neither numbers nor"
    ):
        load_user_data(path)


def test_paths_without_images_are_rejected(tmp_path):
    with pytest.raises(DataError, match="contains no images; a folder must contain FOLDER/CLASS/"):
        load_user_data(tmp_path)
    with pytest.raises(
        DataError, match=r"there is no file or folder .*none.csv;.* give a folder of"
    ):
        hg.load_data(str(tmp_path / "none.csv"))
    images(tmp_path / "train", count=2)
    save(tmp_path / "test/cow/a.png", np.zeros((9, 7), np.uint8))
    with pytest.raises(DataError, match="the test set has the class 'cow', but the training"):
        load_user_data(tmp_path)


def test_a_data_dir_with_a_path_is_rejected(tmp_path):
    sentence = f"^{tmp_path} is the path of your own images; leave out data_dir, which is for"
    with pytest.raises(hg.ConfigError, match=sentence):
        hg.load_data(str(tmp_path), tmp_path)


def test_a_broken_image_is_named(tmp_path):
    images(tmp_path)
    (tmp_path / "cat/0.png").write_bytes(b"")
    (tmp_path / "dog/0.png").write_bytes(b"x")
    (tmp_path / "dog/1.png").write_bytes(b"<html>")
    sentence = r"3 of 20 images cannot be read: .*0.png \(the file is empty\); .*0.png \(not a c"
    with pytest.raises(DataError, match=sentence) as error:
        load_user_data(tmp_path)
    assert "dog/1.png (a web page, not an image); repair or remove them" in str(error.value)
    train, test = hg.load_data(str(tmp_path), skip_broken=True)
    assert len(train) + len(test) == 17
    assert train.skipped == (
        ("cat/0.png", "the file is empty"),
        ("dog/0.png", "not a complete PNG, JPEG, GIF, BMP, WebP, TIFF, PGM, PPM or AVIF image"),
        ("dog/1.png", "a web page, not an image"),
    )


def test_an_error_names_ten_broken_images_and_counts_the_others(tmp_path):
    images(tmp_path)
    for n in range(10):
        (tmp_path / f"cat/{n}.png").write_bytes(b"x")
        (tmp_path / f"dog/{n % 3}.png").write_bytes(b"x")
    with pytest.raises(DataError, match="13 of 20 images cannot be read") as error:
        load_user_data(tmp_path)
    assert str(error.value).count(".png (") == 10
    assert "; and 3 more; repair" in str(error.value)


def test_skip_broken_is_refused_if_there_are_no_image_files(tmp_path):
    np.savez(tmp_path / "a.npz", x=RNG.integers(0, 256, (9, 4, 4), np.uint8), y=np.arange(9) % 3)
    with pytest.raises(
        hg.ConfigError, match=r"skip_broken applies to image files, but .*a.npz con"
    ):
        hg.load_data(str(tmp_path / "a.npz"), skip_broken=True)
    with pytest.raises(hg.ConfigError, match="skip_broken applies to your own images only, not to"):
        hg.load_data("digits", skip_broken=True)


def test_copies_are_on_one_side_of_the_test_split(tmp_path):
    wanted = images(tmp_path, count=30)
    for path in [*list(wanted)[:10], *list(wanted)[40:50]]:
        save(path.with_name(f"copy-{path.name}"), wanted[path])
    paths = load_user_data(tmp_path)
    train, test = ({X.tobytes() for X in data.images} for data in paths)
    assert not train & test
    assert sum(map(len, paths)) == 80
    assert len(paths[1]) == 16
    part, held = paths[0].split(0.3)
    assert not {X.tobytes() for X in part.images} & {X.tobytes() for X in held.images}


def test_images_are_cached_by_content(tmp_path, monkeypatch):
    paths = list(images(tmp_path / "pets"))
    preprocessing = plain((1, 9, 7))
    first = reading.read_images(paths, preprocessing, "pets")
    decoded = []
    monkeypatch.setattr(reading, "decode", lambda path: decoded.append(path) or first[0, 0])
    assert np.array_equal(reading.read_images(paths, preprocessing, "pets"), first)
    assert decoded == []
    inverse = Preprocessing((1, 9, 7), (*preprocessing.steps, Invert()))
    reading.read_images(paths, inverse, "pets")
    assert len(decoded) == 20
    stamp = paths[3].stat().st_mtime_ns
    save(paths[3], 255 - first[3, 0])
    assert paths[3].stat().st_mtime_ns >= stamp
    reading.read_images(paths, preprocessing, "pets")
    assert len(decoded) == 40


def test_large_arrays_are_memory_mapped(tmp_path, monkeypatch):
    paths = list(images(tmp_path / "pets"))
    small = reading.read_images(paths, plain((1, 9, 7)), "pets")
    monkeypatch.setattr(image_cache, "MAX_IN_MEMORY", 100)
    preprocessing = Preprocessing((1, 9, 7), (*plain((1, 9, 7)).steps, Invert()))
    for _ in range(2):
        large = reading.read_images(paths, preprocessing, "pets")
        assert isinstance(large, np.memmap)
        assert not large.flags.writeable
        assert np.array_equal(large, 255 - small)


def test_a_broken_cache_entry_is_read_again(tmp_path):
    paths = list(images(tmp_path / "pets"))
    first = reading.read_images(paths, plain((1, 9, 7)), "pets")
    (kept,) = (tmp_path / "cache/handgrad/images").iterdir()
    kept.write_bytes(kept.read_bytes()[:-5])
    assert np.array_equal(reading.read_images(paths, plain((1, 9, 7)), "pets"), first)


def test_temporary_files_in_the_cache_are_removed_after_an_hour(tmp_path):
    paths = list(images(tmp_path / "pets"))
    folder = tmp_path / "cache/handgrad/images"
    folder.mkdir(parents=True)
    for name, hours in ((".half-0badcafe.npy", 2), (".begun-0badcafe.npy", 0)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - 3600 * hours,) * 2)
    reading.read_images(paths, plain((1, 9, 7)), "pets")
    hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert hidden == [".begun-0badcafe.npy"]


def test_the_least_recently_used_entries_are_removed(tmp_path, monkeypatch):
    paths = list(images(tmp_path / "pets"))
    monkeypatch.setattr(image_cache, "MAX_BYTES", 3200)  # they take 1,388 to 1,748
    for side in (7, 8, 8, 7, 9):
        reading.read_images(paths, plain((1, 9, side)), "pets")
        time.sleep(0.02)
    kept = sorted((tmp_path / "cache/handgrad/images").iterdir(), key=lambda p: p.stat().st_size)
    assert [path.stat().st_size for path in kept] == [128 + 20 * 63, 128 + 20 * 81]


def test_default_preprocessing_fits_the_images(tmp_path):
    grey = list(images(tmp_path / "grey"))
    assert default_preprocessing(grey) == plain((1, 9, 7))
    assert default_preprocessing(grey, 12) == plain((1, 12, 12))
    mixed = [*grey, *images(tmp_path / "mixed", shape=(8, 8))]
    assert default_preprocessing(mixed) == plain((1, 28, 28))
    colours = [*grey, *images(tmp_path / "colours", count=2, shape=(9, 7, 3))]
    assert default_preprocessing(colours) == plain((3, 9, 7))
    glass = np.zeros((9, 7, 4), np.uint8)
    glass[2:4, 2:4, 3] = 255
    save(tmp_path / "glass.png", glass)
    on_white = replace(plain((1, 9, 7), background="white"), ink="dark")
    assert default_preprocessing([tmp_path / "glass.png"]) == on_white
    save(tmp_path / "glass.png", glass + np.uint8([255, 255, 255, 0]))
    on_black = replace(plain((1, 9, 7), background="black"), ink="light")
    assert default_preprocessing([tmp_path / "glass.png"]) == on_black


def test_images_prepared_like_mnist_are_recognised(tmp_path):
    X = np.zeros(
        (20, 32, 32), np.uint8
    )  # a box of 20 pixels, with its centre of mass in the middle
    X[:, 6:26, 14:19] = RNG.integers(60, 256, (20, 20, 5))
    for n, x in enumerate(X):
        save(tmp_path / f"{n}.png", x)
    assert default_preprocessing(sorted(tmp_path.glob("*.png"))) == drawing(32, 20)
    assert preprocessing_for_arrays(X[:, None]) == drawing(32, 20)
    dark = preprocessing_for_arrays(255 - X[:, None])
    assert dark.steps == (*drawing(32, 20).steps, Invert())
    shifted = np.roll(X, 5, axis=1)
    assert preprocessing_for_arrays(shifted[:, None]) == light((1, 32, 32))


def test_named_data_has_its_preprocessing():
    train, test = hg.load_data("digits")
    assert train.preprocessing == test.preprocessing == light((1, 8, 8))
    part, held = train.split(0.1)
    assert (
        part.preprocessing
        == held.preprocessing
        == train.take([0]).preprocessing
        == light((1, 8, 8))
    )
    with pytest.raises(DataError, match=r"preprocessing produces \(1, 28, 28\), but the images"):
        hg.Dataset(train.images, train.labels, train.classes, "digits", drawing())


@pytest.mark.slow
def test_twenty_thousand_images(tmp_path):
    X = RNG.integers(0, 256, (20_000, 28, 28), np.uint8)
    for n, x in enumerate(X):
        save(tmp_path / "all" / str(n % 10) / f"{n}.png", x)
    times = []
    for _ in range(2):
        began = time.perf_counter()
        load_user_data(tmp_path / "all", progress=False)
        times.append(time.perf_counter() - began)
    print(f"20,000 images: {times[0]:.1f} s, again {times[1]:.1f} s")
    assert times[0] < 30
    assert times[1] < 2
