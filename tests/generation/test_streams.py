import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.generation.conftest import model_file
from understudy.api import Model
from understudy.errors import ConfigError, VocabularyError
from understudy.generation import stream as streams
from understudy.generation.engine import Engine, EngineState
from understudy.generation.sampling import Floats, Sampling, uniforms
from understudy.generation.stream import Plan, StreamState, Writing, write
from understudy.text.vocabulary import Vocabulary


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


class Watched:
    """An engine that notes how many numbers of a vocabulary's size it is given at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.most = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def write(
        self, logits: Floats, state: EngineState, uniforms: NDArray[np.float64], sampling: Any
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        self.most = max(self.most, logits.size)
        return self.engine.write(logits, state, uniforms, sampling)


def test_streams_beyond_number_are_written_in_groups_of_bounded_size() -> None:
    vocabulary = Vocabulary.of_text("".join(map(chr, range(0x4E00, 0x4E00 + 12_000))))
    model = Model(model_file("gru", 1, vocabulary))
    first, plan = model.start(seed=5), Plan(3, Sampling(1.0, top_k=40))
    states = [first.reseeded(seed) for seed in range(1_000)]
    watched = Watched(model.engine)
    found = write(watched, vocabulary, states, plan)
    assert 0 < watched.most <= 1 << 21
    assert [len(text) for text in found.texts] == [3] * 1_000
    for stream in (0, 174, 175, 999):
        alone = write(model.engine, vocabulary, [states[stream]], plan)
        assert alone.texts[0] == found.texts[stream]
        assert np.array_equal(alone.states[0].logits, found.states[stream].logits)


def test_a_group_is_at_least_one_stream_and_changes_no_text(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [sample.text for sample in model.samples("abc", 7, length=60, seed=1, stop="e")]
    for together in (1, 3 * model.config.vocabulary):
        monkeypatch.setattr(streams, "_TOGETHER", together)
        assert [sample.text for sample in model.samples("abc", 7, length=60, seed=1, stop="e")] == whole


def test_a_state_that_is_kept_keeps_no_other(model: Model) -> None:
    state = model.samples("abc", 5, length=20, seed=1)[2].state
    assert all(part.base is None for part in (*state.layers, state.logits))


def drawn(model: Model, state: StreamState, length: int) -> bytes:
    """The bytes that a model of bytes draws, by the engine alone."""
    chances = uniforms(state.seed, state.drawn, length)[:, None]
    sides = state.logits[None], tuple(part[None] for part in state.layers)
    return model.engine.write(*sides, chances, Sampling(1.0))[0].astype(np.uint8).tobytes()


def writing(model: Model, state: StreamState, length: int, *stop: str) -> Writing:
    return write(model.engine, model.vocabulary, [state], Plan(length, Sampling(1.0), stop))


def test_what_a_model_of_bytes_wrote_can_be_had_as_bytes(byte_model: Model) -> None:
    state, found, text = byte_model.start("é", seed=3), b"", ""
    wanted = drawn(byte_model, state, 300)
    with pytest.raises(UnicodeDecodeError):
        wanted.decode("utf-8")
    for length in (1, 2, 97, 200):
        part = writing(byte_model, state, length)
        assert len(part.data[0]) == length
        found, text, state = found + part.data[0], text + part.texts[0], part.states[0]
    assert found == wanted
    assert (text + bytes(state.pending).decode("utf-8", "replace")) == wanted.decode("utf-8", "replace")


def test_bytes_end_before_a_stop_text(byte_model: Model) -> None:
    state = byte_model.start("é", seed=3)
    whole = drawn(byte_model, state, 300)
    ends = {whole[place : place + 1].decode("utf-8", "ignore") for place in range(40, 300)} - {"", "\0"}
    assert len(ends) > 10
    for stop in sorted(ends):
        part = writing(byte_model, state, 300, stop)
        assert part.finish_reasons == ["stop"]
        assert part.data[0] == whole.split(stop.encode())[0]
    (replaced,) = writing(byte_model, state, 300, "\ufffd").data
    assert replaced == whole.decode("utf-8", "replace").split("\ufffd")[0].encode()


def test_what_a_model_of_characters_wrote_is_utf_8(model: Model) -> None:
    state = model.start("abc", seed=2)
    written = writing(model, state, 80)
    assert written.data == [written.texts[0].encode()]
    assert any(byte > 127 for byte in written.data[0])
