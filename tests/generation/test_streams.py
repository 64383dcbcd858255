import itertools

import pytest

from understudy.api import Model
from understudy.errors import ConfigError, VocabularyError
from understudy.generation.stream import Plan


def test_same_seed_same_text_streamed_or_not(model: Model) -> None:
    whole = model.generate("abc", length=300, seed=4)
    assert len(whole) == 300
    assert "".join(model.stream("abc", length=300, seed=4)) == whole
    assert model.generate("abc", length=300, seed=5) != whole


def test_same_seed_same_text_alone_or_as_any_of_many(model: Model) -> None:
    samples = model.samples("abc", 64, length=60, seed=100)
    assert [sample.seed for sample in samples] == list(range(100, 164))
    for sample in samples[::7]:
        assert sample.text == model.generate("abc", length=60, seed=sample.seed)
    assert len({sample.text for sample in samples}) == 64


def test_streams_that_stop_leave_the_others_unchanged(model: Model) -> None:
    samples = model.samples("abc", 20, length=80, seed=0, stop=["e"])
    assert any(sample.finish_reason == "stop" for sample in samples)
    for sample in samples:
        whole = model.generate("abc", length=80, seed=sample.seed)
        assert sample.text == whole.split("e")[0]
        assert sample.finish_reason == ("stop" if "e" in whole else "length")


def test_a_state_goes_on_where_the_stream_stood(model: Model) -> None:
    whole = model.generate("abc", length=120, seed=9)
    stream = model.stream("abc", length=70, seed=9)
    for _ in stream:
        pass
    assert stream.finish_reason == "length"
    assert stream.text + model.generate(stream.state, length=50) == whole


def test_a_state_can_be_kept_forked_and_rewound(model: Model) -> None:
    stream = model.stream("abc", length=100, seed=3)
    list(itertools.islice(stream, 2))
    kept, place = stream.state, len(stream.text)
    assert 0 < place < 100
    for _ in stream:
        pass
    rest = stream.text[place:]
    assert model.generate(kept, length=100 - place) == rest
    assert model.generate(kept, length=100 - place) == rest, "going on from a state does not use it up"
    assert model.generate(kept, length=100 - place, seed=77) != rest


def test_a_stopped_stream_goes_on_after_its_stop_text(model: Model) -> None:
    whole = model.generate("abc", length=400, seed=9)
    stream = model.stream("abc", length=400, seed=9, stop=["e"])
    for _ in stream:
        pass
    assert stream.finish_reason == "stop"
    place = len(stream.text) + 1
    assert stream.text + "e" + model.generate(stream.state, length=400 - place) == whole


def test_temperature_zero_needs_no_luck(model: Model) -> None:
    assert model.generate("abc", temperature=0, seed=1) == model.generate("abc", temperature=0, seed=2)


def test_no_prompt_starts_as_after_a_newline(model: Model) -> None:
    assert model.generate(length=50, seed=6) == model.generate("\n", length=50, seed=6)


def test_length_zero_writes_nothing(model: Model) -> None:
    assert model.generate("abc", length=0) == ""


def test_unknown_characters_are_all_named_or_skipped(model: Model) -> None:
    with pytest.raises(VocabularyError, match=r"'Q' \(U\+0051\), 'ß' \(U\+00DF\)"):
        model.generate("aQbßQ")
    assert model.generate("aQbß", seed=1, unknown="skip") == model.generate("ab", seed=1)


def test_senseless_plans_are_refused() -> None:
    with pytest.raises(ConfigError, match="--length -1"):
        Plan(length=-1)
    with pytest.raises(ConfigError, match="--stop"):
        Plan(stop=("",))


def test_bytes_come_whole_and_an_unfinished_character_waits_in_the_state(byte_model: Model) -> None:
    whole = byte_model.generate("é漢", length=200, seed=2)
    stream = byte_model.stream("é漢", length=1, seed=2)
    text = stream.text
    for _ in range(200):
        text += "".join(stream)
        stream = byte_model.stream(stream.state, length=1)
    assert text == whole
