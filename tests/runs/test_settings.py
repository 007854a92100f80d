import tomllib
from pathlib import Path

import pytest

import handgrad as hg
from handgrad.cli.train_options import OPTIONS
from handgrad.runs.config import LRS, RunConfig
from handgrad.runs.settings import (
    FIELDS,
    VARIABLES,
    check_settings,
    configure,
    on_resume,
    original_settings,
)
from tests.train.tampered import OTHERS


def file(folder: Path, text: str) -> Path:
    path = folder / "my {run}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_command_line_overrides_environment_overrides_file(tmp_path):
    config = configure(
        {"epochs": "1"},
        {"HANDGRAD_EPOCHS": "2", "HANDGRAD_LR": "0.2", "HOME": "x"},
        file(tmp_path, "epochs = 3\nlr = 0.3\nseed = 3\n[class_weights]\n7 = 2\n"),
    )
    assert (config.epochs, config.lr, config.seed, config.batch_size) == (1, 0.2, 3, 64)
    assert config.class_weights == {"7": 2.0}


def test_default_lr_follows_the_optimizer_of_any_source(tmp_path):
    assert configure({}, {"HANDGRAD_OPTIMIZER": "sgd"}).lr == LRS["sgd"]
    assert configure({}, {}, file(tmp_path, 'optimizer = "momentum"')).momentum == 0.9


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_lr_of_another_optimizer_is_not_used(tmp_path, optimizer):
    for first in ("adamw", "momentum"):
        run = file(tmp_path, RunConfig(optimizer=first, lr=0.125, epochs=3).toml())
        config = configure({"optimizer": optimizer}, {}, run)
        expected = {"lr": 0.125} if optimizer == first else {}
        assert config == RunConfig(optimizer=optimizer, epochs=3, **expected)


def test_lr_given_without_an_optimizer_is_used_for_any(tmp_path):
    run = file(tmp_path, RunConfig().toml())
    assert configure({"optimizer": "sgd"}, {"HANDGRAD_LR": "0.5"}, run).lr == 0.5
    assert configure({"optimizer": "sgd"}, {}, file(tmp_path, "lr = 0.5")).lr == 0.5


def test_environment_sets_all_settings_but_data_and_data_dir():
    assert "HANDGRAD_DATA" not in VARIABLES
    assert configure({}, {"HANDGRAD_DATA": "/somewhere"}).data == "digits"
    assert configure({}, {"HANDGRAD_FIGURES": "0", "HANDGRAD_EPOCHS": ""}).figures is False


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": "0"}, "epochs must be at least 1, not '0' (from the command line)"),
        ({"epochs": "1.5"}, "epochs must be a whole number, not '1.5' (from the command line)"),
        ({"lr": "0"}, "lr must be above 0, not '0' (from the command line)"),
        ({"lr": "nan"}, "lr must be a finite number, not 'nan' (from the command line)"),
        ({"lr": "fast"}, "lr must be a number, not 'fast' (from the command line)"),
        ({"validation": "1"}, "validation must be below 1, not '1' (from the command line)"),
        ({"patience": "-1"}, "patience must be at least 0, not '-1' (from the command line)"),
        ({"seed": "9" * 30}, f"seed must be below {2**63}, not '{'9' * 30}'"),
        ({"seed": "9" * 5000}, "seed must be a smaller number, not '99999"),
        ({"figures": "perhaps"}, "figures must be true or false, not 'perhaps'"),
        (
            {"optimizer": "adm"},
            "optimizer must be one of sgd, momentum, nesterov, adam, adamw, not 'adm' "
            "(from the command line); did you mean adam?",
        ),
        ({"schedule": "one_cycle"}, "did you mean one-cycle?"),
        ({"model": "smalnet"}, "not 'smalnet' (from the command line); did you mean smallnet?"),
        ({"data": "nmist"}, "not 'nmist' (from the command line); did you mean mnist?"),
        ({"engine": "referense"}, "did you mean reference?"),
        ({"class_weights": "3"}, "such as 3=2,5=1, not '3' (from the command line)"),
        (
            {"momentum": "0.5"},
            "the optimizer adamw has no momentum; choose momentum or nesterov, or remove the "
            "setting",
        ),
        (
            {"optimizer": "adam", "weight_decay": "1"},
            "the optimizer adam has no weight_decay; choose adamw, or remove the setting",
        ),
    ],
)
def test_wrong_setting_gives_a_one_sentence_error(settings, sentence):
    with pytest.raises(hg.ConfigError) as caught:
        configure(settings, {})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_message_names_the_source_of_the_value(tmp_path):
    with pytest.raises(hg.ConfigError, match=r"not 'x' \(from HANDGRAD_LR in the environment\)$"):
        configure({}, {"HANDGRAD_LR": "x"})
    path = file(tmp_path, "lr = [1]")
    with pytest.raises(hg.ConfigError, match=r"lr must be a number, not \[1\] \(from .*{run}.toml"):
        configure({}, {}, path)


@pytest.mark.parametrize("name", ["epochs", "batch_size", "patience", "seed", "lr", "momentum"])
def test_true_is_not_a_number(tmp_path, name):
    with pytest.raises(hg.ConfigError, match=rf"^{name} must be a number, not True \(from .*toml"):
        configure({}, {}, file(tmp_path, f"{name} = true"))


def test_unknown_setting_in_a_file_is_refused_with_a_similar_name(tmp_path):
    path = file(tmp_path, "bach_size = 3")
    with pytest.raises(hg.ConfigError) as caught:
        configure({}, {}, path)
    assert str(caught.value) == (
        f"unknown setting bach_size (from {path}); did you mean batch_size?"
    )


def test_misspelt_variable_is_refused_and_an_unrelated_one_is_not():
    with pytest.raises(
        hg.ConfigError,
        match=r"setting HANDGRAD_EPOCH \(from the environment\); did you mean HANDGRAD_EPOCHS",
    ):
        configure({}, {"HANDGRAD_EPOCH": "3"})
    configure({}, {"HANDGRAD_TRACEBACK": "1", "HANDGRAD_SOMETHING_QUITE_DIFFERENT": "1"})
    configure({}, {"HANDGRAD_FOLDER": "x"})  # similar to no setting, though it has the same prefix


def test_a_file_that_is_missing_or_not_toml(tmp_path):
    with pytest.raises(hg.ConfigError, match=r"cannot be read \(No such file or directory\); give"):
        configure({}, {}, tmp_path / "none.toml")
    with pytest.raises(
        hg.ConfigError, match=r"is not a valid TOML file \(.*line 1.*\); correct the file"
    ):
        configure({}, {}, file(tmp_path, "epochs: 3"))
    path = tmp_path / "bytes.toml"
    path.write_bytes(b'model = "\xff"')
    with pytest.raises(hg.ConfigError, match="is not a valid TOML file"):
        configure({}, {}, path)


def test_resumed_run_has_its_original_settings():
    begun = configure({"lr": "0.5", "optimizer": "sgd"}, {}).plain()
    assert configure({}, {}, original=begun).plain() == begun
    assert configure({"epochs": "3"}, {}, original=begun).lr == 0.5
    assert configure({"optimizer": "adam"}, {}, original=begun).lr == 0.01


def test_changed_settings_are_named(tmp_path):
    begun, run = RunConfig().plain(), Path("run")
    check_settings(begun, RunConfig(figures=False, data_dir=tmp_path), run, force=False)
    with pytest.raises(
        hg.ConfigError, match=r"^run: cannot resume: lr was 0.01 and is now 0.02. Use the same"
    ):
        check_settings(begun, RunConfig(lr=0.02), run, force=False)
    check_settings(begun, RunConfig(lr=0.02), run, force=True)
    for name, value in {"seed": 1, "model": "convnet", "validation": 0.2}.items():
        with pytest.raises(
            hg.ConfigError,
            match=rf"cannot resume: {name} was .* and is now {value}. Start a new",
        ):
            check_settings(begun, RunConfig(**{name: value}), run, force=True)


def test_edited_settings_in_a_checkpoint_work_or_give_a_one_sentence_error(tmp_path):
    whole = RunConfig(class_weights={"3": 2.0}, data_dir=tmp_path, size=None).plain()
    for name in whole:
        for other in (*OTHERS, "~nosuch/x", "\0"):
            try:
                begun = original_settings({**whole, name: other}, Path("FILE"))
            except hg.StorageError as error:
                said = str(error)
            else:
                said = f"FILE: {name} {configure({}, {}, original=begun)}"
            assert said.startswith(f"FILE: {name} "), (name, other, said)
        begun = {key: value for key, value in whole.items() if key != name}
        assert original_settings(begun, Path("FILE")) == begun


def test_options_variables_and_keys_of_files_are_the_fields():
    fields = list(RunConfig.model_fields)
    assert list(FIELDS) == fields
    assert [option.name for option in OPTIONS] == fields
    assert {*VARIABLES.values()} == {*fields} - {"data", "data_dir"}
    assert {*tomllib.loads(RunConfig().toml())} <= {*fields}
    for name in fields:
        assert on_resume(name) in ("free", "allowed", "fixed")
