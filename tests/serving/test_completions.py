"""`/v1/completions` by the official client: what it gets is what Python and the command line write."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.generation.conftest import ALPHABET
from tests.serving.running import Running, events
from understudy.api import Model, load

PROMPT = "abc, def"


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def loaded(models: list[Path]) -> dict[str, Model]:
    return {path.stem: load(path) for path in models} | {"@shakespeare": load("@shakespeare")}


@pytest.mark.parametrize("name", ["letters", "grams", "bytes", "@shakespeare"])
@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.8},
        {"temperature": 0},
        {"temperature": 1.3, "top_p": 0.7},
        {"temperature": 1.0, "top_k": 3},
        {"temperature": 1.0, "top_p": 1.0},
    ],
    ids=str,
)
def test_the_text_is_the_one_that_python_writes_for_the_seed(
    client: openai.OpenAI, loaded: dict[str, Model], name: str, settings: dict[str, Any]
) -> None:
    given: dict[str, Any] = {key: value for key, value in settings.items() if key != "top_k"}
    if "top_k" in settings:
        given["extra_body"] = {"top_k": settings["top_k"]}
    made = client.completions.create(model=name, prompt=PROMPT, max_tokens=300, seed=11, **given)
    expected = loaded[name].generate(PROMPT, length=300, seed=11, **settings)
    assert made.choices[0].text == expected
    assert made.choices[0].finish_reason == "length"
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (len(PROMPT), 300)


def test_without_a_prompt_a_text_begins_as_the_models_text_begins_a_line(
    client: openai.OpenAI, loaded: dict[str, Model]
) -> None:
    made = client.completions.create(model="letters", prompt="", max_tokens=50, seed=3)
    assert made.choices[0].text == loaded["letters"].generate(length=50, seed=3)


def test_the_asynchronous_client_gets_the_same(server: Running, loaded: dict[str, Model]) -> None:
    async def asked() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{server.address}/v1", api_key="none") as client:
            whole = await client.completions.create(model="letters", prompt=PROMPT, max_tokens=90, seed=5)
            stream = await client.completions.create(model="letters", prompt=PROMPT, max_tokens=90, seed=5, stream=True)
            return whole.choices[0].text, "".join([chunk.choices[0].text async for chunk in stream])

    expected = loaded["letters"].generate(PROMPT, length=90, seed=5)
    assert asyncio.run(asked()) == (expected, expected)


@pytest.mark.parametrize("name", ["letters", "bytes"])
@pytest.mark.parametrize("stop", [None, "a", ["zz", ", ", "é"], "no such text"], ids=str)
@pytest.mark.parametrize("logprobs", [None, 0, 3])
def test_streamed_and_joined_equals_not_streamed(
    client: openai.OpenAI, name: str, stop: Any, logprobs: int | None
) -> None:
    settings: dict[str, Any] = {"model": name, "prompt": PROMPT, "max_tokens": 400, "seed": 2, "n": 3}
    settings |= {"stop": stop, "logprobs": logprobs}
    whole = client.completions.create(**settings)
    texts, odds, reasons = ["", "", ""], [[], [], []], [None, None, None]  # type: ignore[var-annotated]
    for chunk in client.completions.create(**settings, stream=True):
        (choice,) = chunk.choices
        assert reasons[choice.index] is None, "nothing comes after a text's end"
        if choice.logprobs is not None:
            told = choice.logprobs
            assert "".join(told.tokens or []) == choice.text
            assert told.text_offset == _offsets(told.tokens or [], len(texts[choice.index]))
            odds[choice.index] += zip(told.tokens, told.token_logprobs, told.top_logprobs, strict=True)
        texts[choice.index] += choice.text
        reasons[choice.index] = choice.finish_reason
    for choice in whole.choices:
        assert texts[choice.index] == choice.text
        assert reasons[choice.index] == choice.finish_reason
        if choice.logprobs is not None:
            told = choice.logprobs
            assert odds[choice.index] == list(zip(told.tokens, told.token_logprobs, told.top_logprobs, strict=True))


def _offsets(tokens: list[str], begin: int) -> list[int]:
    found = []
    for token in tokens:
        found.append(begin)
        begin += len(token)
    return found


@pytest.mark.parametrize("stop", ["e", "th", "d t", ["and", "the", "w"]], ids=str)
def test_with_stops_no_chunk_holds_part_of_one_and_the_text_is_pythons(
    client: openai.OpenAI, loaded: dict[str, Model], stop: Any
) -> None:
    made = client.completions.create(
        model="@shakespeare", prompt="ROMEO:\n", max_tokens=400, seed=4, stop=stop, stream=True
    )
    chunks = [chunk.choices[0] for chunk in made]
    expected = loaded["@shakespeare"].generate("ROMEO:\n", length=400, seed=4, stop=stop)
    shown = ""
    for chunk in chunks:
        shown += chunk.text
        assert expected.startswith(shown)
    assert shown == expected
    assert chunks[-1].finish_reason == "stop"


def test_a_model_of_bytes_never_shows_a_split_character(client: openai.OpenAI, loaded: dict[str, Model]) -> None:
    for seed in range(5):
        made = client.completions.create(
            model="bytes", prompt="é漢", max_tokens=300, seed=seed, temperature=2, stream=True, logprobs=1
        )
        text = "".join(chunk.choices[0].text for chunk in made)
        assert text == loaded["bytes"].generate("é漢", length=300, seed=seed, temperature=2.0)


def test_several_prompts_each_get_what_they_get_alone(client: openai.OpenAI) -> None:
    prompts = ["abc", "", "é漢!", "abc"]
    made = client.completions.create(model="letters", prompt=prompts, max_tokens=60, seed=9, n=2)
    assert [choice.index for choice in made.choices] == list(range(8))
    for place, prompt in enumerate(prompts):
        alone = client.completions.create(model="letters", prompt=prompt, max_tokens=60, seed=9, n=2)
        pair = [choice.text for choice in made.choices[2 * place : 2 * place + 2]]
        assert pair == [choice.text for choice in alone.choices]
        assert pair[0] != pair[1]


def test_a_text_of_several_is_the_one_of_its_own_seed(client: openai.OpenAI) -> None:
    made = client.completions.create(model="letters", prompt=PROMPT, max_tokens=60, seed=20, n=3)
    for choice in made.choices:
        seed = choice.model_extra["seed"]  # type: ignore[index]
        assert seed == 20 + choice.index
        alone = client.completions.create(model="letters", prompt=PROMPT, max_tokens=60, seed=seed)
        assert alone.choices[0].text == choice.text


@pytest.mark.parametrize("name", ["letters", "bytes", "@shakespeare"])
def test_echo_without_writing_scores_a_text_as_the_library_does(
    client: openai.OpenAI, loaded: dict[str, Model], models: list[Path], name: str
) -> None:
    """As evaluation harnesses ask: prompt and answer in one, and the likeliest beside."""
    text = PROMPT * 80 if name != "bytes" else "aé漢" * 100
    made = client.completions.create(model=name, prompt=text, max_tokens=0, echo=True, logprobs=1)
    (choice,) = made.choices
    assert choice.text == text
    told = choice.logprobs
    assert told is not None
    assert told.tokens is not None
    assert told.token_logprobs is not None
    assert told.top_logprobs is not None
    assert "".join(told.tokens) == text
    assert told.token_logprobs[0] is None
    where = {path.stem: path for path in models} | {"@shakespeare": "@shakespeare"}
    nats = load(where[name], precision="int8").score(text)
    assert [-value for value in told.token_logprobs[1:]] == pytest.approx(nats[1:].tolist(), abs=1e-4)
    for token, logprob, top in zip(told.tokens[1:], told.token_logprobs[1:], told.top_logprobs[1:], strict=True):
        assert top is not None
        assert max(top.values()) >= logprob
        if name != "bytes":
            assert top[token] == logprob


def test_echo_comes_before_the_text_and_its_odds_before_the_texts(client: openai.OpenAI) -> None:
    plain = client.completions.create(model="letters", prompt=PROMPT, max_tokens=40, seed=1, logprobs=2)
    echoed = client.completions.create(model="letters", prompt=PROMPT, max_tokens=40, seed=1, logprobs=2, echo=True)
    assert echoed.choices[0].text == PROMPT + plain.choices[0].text
    before, after = echoed.choices[0].logprobs, plain.choices[0].logprobs
    assert before is not None
    assert after is not None
    assert before.token_logprobs is not None
    assert before.token_logprobs[len(PROMPT) :] == after.token_logprobs
    assert before.text_offset == list(range(len(PROMPT) + 40))


def test_logprobs_are_of_the_whole_distribution_whatever_is_drawn_from(client: openai.OpenAI) -> None:
    made = client.completions.create(
        model="letters", prompt=PROMPT, max_tokens=1, seed=1, temperature=0, logprobs=5, extra_body={"top_k": 1}
    )
    told = made.choices[0].logprobs
    assert told is not None
    assert told.top_logprobs is not None
    assert len(told.top_logprobs[0]) == 5
    assert told.token_logprobs == [max(told.top_logprobs[0].values())]
    assert told.token_logprobs[0] < 0


def test_usage_comes_last_and_only_when_it_is_asked_for(server: Running, client: openai.OpenAI) -> None:
    settings: dict[str, Any] = {"model": "letters", "prompt": PROMPT, "max_tokens": 20, "seed": 1, "stream": True}
    without = events(server.post("/v1/completions", **settings).body)
    assert all(event["choices"] for event in without)
    *_, last = client.completions.create(**settings, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (8, 20, 28)


def test_a_state_that_was_handed_out_goes_on_as_if_nothing_had_come_between(
    server: Running, loaded: dict[str, Model]
) -> None:
    settings: dict[str, Any] = {"model": "letters", "seed": 6, "temperature": 0.9}
    whole = loaded["letters"].generate(PROMPT, length=200, seed=6, temperature=0.9)
    first = server.complete(**settings, prompt=PROMPT, max_tokens=70, return_state=True)["choices"][0]
    second = server.complete(model="letters", temperature=0.9, state=first["state"], max_tokens=130)["choices"][0]
    assert first["text"] + second["text"] == whole
    other = server.complete(model="letters", temperature=0.9, state=first["state"], max_tokens=130, seed=7)["choices"][
        0
    ]
    assert other["text"] != second["text"]
    stopped = server.complete(**settings, prompt=PROMPT, max_tokens=200, stop=whole[50:54], return_state=True)
    assert "state" in stopped["choices"][0]


def test_a_prompt_that_was_read_before_gives_the_same(server: Running, loaded: dict[str, Model]) -> None:
    """What is kept of prompts, of their beginnings and of what was changed in them makes no difference."""
    long = (ALPHABET.strip("\n") * 60)[:1700]
    for prompt in (long, long + "abc", long[:1000], long[:1500] + "zz" + long[1500:], long, long[:256], long[:255]):
        made = server.complete(model="grams", prompt=prompt, max_tokens=30, seed=1)
        assert made["choices"][0]["text"] == loaded["grams"].generate(prompt, length=30, seed=1)


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"model": "nobody", "prompt": "a"}, 404, "letters"),
        ({"model": "letters", "prompt": "a", "suffix": "x"}, 400, "suffix"),
        ({"model": "letters", "prompt": "a", "logit_bias": {"1": 3}}, 400, "logit_bias"),
        ({"model": "letters", "prompt": "a", "presence_penalty": 0.5}, 400, "presence_penalty"),
        ({"model": "letters", "prompt": "a", "best_of": 3}, 400, "best_of"),
        ({"model": "letters", "prompt": "a", "stop": ["a", "b", "c", "d", "e"]}, 400, "at most 4"),
        ({"model": "letters", "prompt": "a", "stop": ""}, 400, "stop"),
        ({"model": "letters", "prompt": "a", "logprobs": 6}, 400, "logprobs"),
        ({"model": "letters", "prompt": "a", "temperature": -1}, 400, "temperature"),
        ({"model": "letters", "prompt": "a", "top_p": 0}, 400, "top_p"),
        ({"model": "letters", "prompt": "Q"}, 400, "'Q' (U+0051)"),
        ({"model": "letters", "prompt": [1, 2]}, 400, "prompt"),
    ],
    ids=str,
)
def test_what_cannot_be_served_raises_the_clients_own_errors(
    client: openai.OpenAI, fields: dict[str, Any], status: int, said: str
) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.completions.create(**fields)
    assert raised.value.status_code == status
    assert said in raised.value.message
    assert {404: openai.NotFoundError, 400: openai.BadRequestError}[status] is type(raised.value)


def test_what_is_not_supported_may_be_given_where_it_asks_for_nothing(client: openai.OpenAI) -> None:
    neutral: dict[str, Any] = {"suffix": "", "logit_bias": {}, "presence_penalty": 0, "frequency_penalty": 0.0}
    plain = client.completions.create(model="letters", prompt=PROMPT, max_tokens=20, seed=1)
    given = client.completions.create(model="letters", prompt=PROMPT, max_tokens=20, seed=1, best_of=1, **neutral)
    assert given.choices[0].text == plain.choices[0].text


def test_unknown_characters_are_left_out_where_that_is_asked_for(client: openai.OpenAI) -> None:
    plain = client.completions.create(model="letters", prompt="ab", max_tokens=20, seed=1)
    skipping = client.completions.create(
        model="letters", prompt="aQb", max_tokens=20, seed=1, extra_body={"unknown": "skip"}
    )
    assert skipping.choices[0].text == plain.choices[0].text


def test_the_models_are_listed_as_the_client_expects(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["letters", "grams", "bytes", "@shakespeare"]
    assert client.models.retrieve("grams").owned_by == "understudy"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")
