"""What a request for completions asks for: its fields, each checked before any work is done."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from understudy import checks
from understudy.errors import ConfigError
from understudy.generation.sampling import LARGEST_SEED, Sampling
from understudy.serving.limits import Limits
from understudy.serving.refusals import Refused
from understudy.trained import Unknown

LENGTH, TEMPERATURE = 500, 0.8
"""What is written unless a request says otherwise: as much, and as boldly, as the command line does."""
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "suffix": ("",),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
}
"""Fields that are not supported, and the values with which they ask for nothing."""
_FIELDS = {
    *(
        "model",
        "prompt",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "n",
        "stop",
        "seed",
        "stream",
        "stream_options",
    ),
    *("stream_options", "echo", "logprobs", "unknown", "state", "return_state", "user"),
}


@dataclass(frozen=True)
class Asked:
    """A request for completions.

    Attributes:
        model: the name of the model.
        prompts: what the texts follow; one, "", where they follow a state.
        state: the token of a state that they follow; None where they follow prompts.
        length: symbols to write.
        sampling: how each is chosen.
        n: texts for each prompt.
        stop: texts that end a text.
        seed: of the first text of each prompt; the others count up from it. None where a state's own goes on.
        stream: whether pieces are sent as they are written.
        usage: whether a last piece of the stream tells what was used.
        echo: whether the prompt is given back before the text.
        alternatives: how many likeliest symbols are told of each place; None where no probabilities are.
        unknown: what becomes of characters of a prompt that the model never saw.
        hands_out: whether the state after each text is given, as a token.
    """

    model: str
    prompts: tuple[str, ...]
    state: str | None
    length: int
    sampling: Sampling
    n: int
    stop: tuple[str, ...]
    seed: int | None
    stream: bool
    usage: bool
    echo: bool
    alternatives: int | None
    unknown: Unknown
    hands_out: bool


def asked(document: Any, limits: Limits) -> Asked:
    """The request that a JSON document makes.

    Raises:
        Refused: it makes none, or asks for more than may be asked for.
    """
    fields = Fields(document)
    neutral = {**_NEUTRAL, "best_of": (1, fields.given.get("n"))}
    for name in sorted(set(fields.given) - _FIELDS):
        if fields.given[name] not in neutral.get(name, ()):
            known = "is not supported" if name in neutral else "is not known"
            raise Refused(400, f"{checks.shown(name)} {known} here; leave it out", param=name, code="unsupported")
    state = fields.text("state")
    prompts = _prompts(fields, limits, state)
    n = fields.whole("n", 1, 1, limits.choices)
    if n * len(prompts) > limits.choices:
        raise Refused(
            400,
            f"n {n} for {len(prompts)} prompts: at most {limits.choices} texts are written for one request",
            param="n",
        )
    seed = fields.whole("seed", None, 0, LARGEST_SEED - n + 1)
    options = fields.given.get("stream_options", {})
    if not isinstance(options, dict) or set(options) - {"include_usage"}:
        raise Refused(400, "stream_options: expected an object with include_usage alone", param="stream_options")
    return Asked(
        model=fields.text("model", needed=True),
        prompts=prompts,
        state=state,
        length=fields.whole("max_tokens", LENGTH, 0, limits.length),
        sampling=_sampling(fields),
        n=n,
        stop=_stops(fields, limits),
        seed=secrets.randbits(32) if seed is None and state is None else seed,
        stream=fields.truth("stream"),
        usage=Fields(options).truth("include_usage"),
        echo=fields.truth("echo"),
        alternatives=fields.whole("logprobs", None, 0, limits.alternatives),
        unknown=fields.given_or("unknown", "error", lambda value: checks.one_of("unknown", value, ("error", "skip"))),
        hands_out=fields.truth("return_state"),
    )


def _prompts(fields: "Fields", limits: Limits, state: str | None) -> tuple[str, ...]:
    given = fields.given.get("prompt")
    if given is None and state is None:
        raise Refused(400, 'prompt is missing: expected a text, or a list of them; "" begins afresh', param="prompt")
    prompts = ("",) if given is None else (given,) if isinstance(given, str) else given
    if not isinstance(prompts, list | tuple) or not all(isinstance(prompt, str) for prompt in prompts):
        raise Refused(400, f"prompt {checks.shown(given)}: expected a text, or a list of texts", param="prompt")
    if not 0 < len(prompts) <= limits.prompts:
        raise Refused(400, f"prompt: {len(prompts)} texts, expected from 1 to {limits.prompts}", param="prompt")
    if state is not None and tuple(prompts) != ("",):
        raise Refused(400, 'state: it takes the place of a prompt; leave the prompt out, or give ""', param="state")
    longest = max(map(len, prompts))
    if longest > limits.prompt:
        raise Refused(400, f"prompt: {longest:,} characters, expected at most {limits.prompt:,}", param="prompt")
    return tuple(prompts)


def _sampling(fields: "Fields") -> Sampling:
    temperature = fields.given.get("temperature", TEMPERATURE)
    top_k, top_p = fields.given.get("top_k"), fields.given.get("top_p")
    fields.held("temperature", lambda: Sampling(temperature))
    fields.held("top_k", lambda: Sampling(top_k=top_k))
    fields.held("top_p", lambda: Sampling(top_p=top_p))
    return Sampling(temperature, top_k, top_p)


def _stops(fields: "Fields", limits: Limits) -> tuple[str, ...]:
    given = fields.given.get("stop")
    if given is None or given == []:
        return ()
    if not isinstance(given, str | list):
        raise Refused(400, f"stop {checks.shown(given)}: expected a text, or a list of texts", param="stop")
    stops: tuple[str, ...] = fields.held("stop", lambda: checks.texts("stop", given))
    if len(stops) > limits.stops or max(map(len, stops)) > limits.stop:
        raise Refused(
            400, f"stop: expected at most {limits.stops} texts of at most {limits.stop:,} characters", param="stop"
        )
    return stops


class Fields:
    """The fields of an object; null counts as not given."""

    def __init__(self, document: Any) -> None:
        if not isinstance(document, dict):
            raise Refused(400, f"expected a JSON object, not {checks.shown(document)}")
        self.given = {name: value for name, value in document.items() if value is not None}

    def held(self, name: str, check: Callable[[], Any]) -> Any:
        """What a check of a field gives, whose complaint becomes a refusal."""
        try:
            return check()
        except ConfigError as error:
            message = str(error).replace(f"--{name.replace('_', '-')}", name)
            raise Refused(400, message, param=name) from error

    def given_or(self, name: str, default: Any, check: Callable[[Any], Any]) -> Any:
        """A field, checked, or what stands for it."""
        return self.held(name, lambda: check(self.given[name])) if name in self.given else default

    def whole(self, name: str, default: Any, low: int, high: int) -> Any:
        """A whole number within bounds."""
        return self.given_or(name, default, lambda value: checks.whole(name, value, low, high))

    def truth(self, name: str) -> bool:
        """True or false, which it is where it is not given."""
        return bool(self.given_or(name, False, lambda value: checks.truth(name, value)))

    def text(self, name: str, *, needed: bool = False, empty: bool = False) -> Any:
        """A text."""
        if needed and name not in self.given:
            raise Refused(400, f"{name} is missing: expected a text", param=name)
        return self.given_or(name, None, lambda value: checks.text(name, value, empty=empty))
