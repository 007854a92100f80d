from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.errors import DataError
from handgrad.prediction import ImageFiles, ImageRows, Job, read
from handgrad.preprocess import plain

SHAPE = (1, 6, 6)


def job(count, layers=(hg.Flatten(), hg.Dense(9), hg.ReLU(), hg.Dense())):
    X = np.random.default_rng(0).integers(0, 256, (count, *SHAPE), np.uint8)
    rows = ImageRows(X, [str(i) for i in range(count)], [None] * count)
    return Job(hg.Classifier(hg.Network(layers, SHAPE, 3)), [rows], plain(SHAPE), top=2)


@pytest.mark.parametrize("count", [70, 1001])
@pytest.mark.parametrize("batch", [1, 30, 64])
def test_the_answers_do_not_depend_on_the_division_into_batches(count, batch, monkeypatch):
    (whole,) = job(count).run()
    monkeypatch.setattr(read, "BATCH", batch)
    for start in (0, 3, count - 1):
        assert [a for answers in job(count).run(start) for a in answers] == whole[start:]


def test_an_answer_has_the_most_probable_classes():
    made = job(5)
    (answers,) = made.run()
    p = made.classifier.predict_proba(made.sources[0].images)
    for answer, row in zip(answers, p, strict=True):
        order = (-row).argsort()[:2]
        assert [k for k, _ in answer.top] == order.tolist()
        assert [value for _, value in answer.top] == pytest.approx(row[order], rel=1e-5)
        assert (answer.predicted, answer.reason, answer.error) == (order[0], "", "")


def test_answers_below_the_threshold_are_unsure():
    made = job(50)
    (sure,) = made.run()
    middle = float(np.median([answer.top[0][1] for answer in sure]))
    made.classifier.calibration = hg.Calibration(threshold=middle)
    (answers,) = made.run()
    reasons = {answer.top[0][1] >= middle: answer.reason for answer in answers}
    assert reasons == {True: "", False: "unsure"}
    assert [a.is_confident for a in answers] == [a.top[0][1] >= middle for a in answers]


def test_the_digest_changes_with_everything_that_the_answers_depend_on(tmp_path):
    file = tmp_path / "a"
    file.write_text("1")
    first, digests = job(5), set()
    digests.add(first.digest([file]))
    assert job(5).digest([file]) in digests
    digests.add(first.digest([Path("b")]))
    file.write_text("12")
    digests.add(first.digest([file]))
    digests.add(job(6).digest([file]))
    digests.add(job(5, [hg.Flatten(), hg.Dense()]).digest([file]))
    first.classifier.calibration = hg.Calibration(threshold=0.5)
    digests.add(first.digest([file]))
    assert len(digests) == 6


def test_images_are_refused_for_a_model_of_rows():
    model = hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 1, 64), 3))
    rows = ImageRows(np.zeros((2, 1, 1, 64), np.float32), ["0", "1"], [None, None])
    images = ImageRows(np.zeros((1, 1, 8, 8), np.uint8), ["0"], [None])
    assert Job(model, [rows], plain((1, 1, 64))).count == 2
    for source in (images, ImageFiles([Path("a.png")], [None])):
        with pytest.raises(DataError, match="trained on rows of 64 values whose height and width"):
            Job(model, [rows, source], plain((1, 1, 64)))
