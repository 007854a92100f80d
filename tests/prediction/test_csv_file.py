import pytest

import handgrad as hg
from handgrad.prediction import Prediction, check_columns, default_columns, write_csv

ANSWERS = [
    Prediction("a/x.1.png", "cat", [("cat", 0.75), ("dog", 0.25)]),
    Prediction('a/"y", z.png', None, [("dog", 0.5000001), ("cat", 0.4999999)], "unsure"),
    Prediction("b.png", None, [], error="b.png: cannot be read"),
]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (
            default_columns(2, has_labels=True),
            [
                "file,true,label,probability,sure,reason,label2,probability2",
                "a/x.1.png,cat,cat,0.750000,true,,dog,0.250000",
                '"a/""y"", z.png",,dog,0.500000,false,unsure,cat,0.500000',
                "b.png,,,,,b.png: cannot be read,,",
            ],
        ),
        ("ImageId=id,Label=label", ["ImageId,Label", "1,cat", "2,dog", "3,"]),
        (
            "name, stem ,index",
            ["name,stem,index", "x.1.png,x.1,0", '"""y"", z.png","""y"", z",1', "b.png,b,2"],
        ),
        ("a=b=probability2", ["a=b", "0.250000", "0.500000", '""']),
    ],
)
def test_columns(tmp_path, columns, lines):
    write_csv(tmp_path / "out.csv", ANSWERS, check_columns(columns, 2))
    assert (tmp_path / "out.csv").read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("id,lable", "there is no column 'lable'; .*did you mean label?"),
        ("id,", "there is no column ''"),
        ("label0", "there is no column 'label0'"),
        ("label3", "the column label3 needs the 3 most probable classes, but there are 2"),
    ],
)
def test_columns_that_do_not_exist(columns, sentence):
    with pytest.raises(hg.ConfigError, match=sentence):
        check_columns(columns, 2)


def test_the_default_columns_have_known_labels_only_if_there_are_any():
    assert default_columns(1, has_labels=False) == "file,label,probability,sure,reason"
