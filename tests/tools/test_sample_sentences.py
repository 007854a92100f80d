from tests.tools.sample_sentences import collect, literals, sample, sentences


def test_the_same_seed_draws_the_same_sentences():
    assert sample(100, seed=3) == sample(100, seed=3)
    assert sample(100, seed=3) != sample(100, seed=4)
    assert len({sentence.text for sentence in sample(100, seed=3)}) == 100


def test_docstrings_and_messages_are_both_drawn_from():
    assert {sentence.kind for sentence in collect()} == {"docstring", "message"}


def test_formulas_and_fragments_are_left_out():
    text = (
        "Map X by a matrix to Y.\n\n    Y = X W and more\n\nArgs:\n    lr: the learning rate used."
    )
    assert sentences(text) == ["Map X by a matrix to Y.", "lr: the learning rate used."]


def test_a_message_keeps_its_placeholders():
    found = list(literals('raise E(f"{path} is not a valid file")'))
    assert found == [("{path} is not a valid file", "message", 1)]
