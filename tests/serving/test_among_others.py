"""One engine for many: nobody's text depends on who else is there, and nobody waits for what nobody reads."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.serving.running import WAIT, Running, events

PROMPTS = ("", "abc", "é漢! the\n", "a long prompt that is read, " * 30)


def mixed(number: int) -> dict[str, Any]:
    """The settings of one of many requests."""
    draw = random.Random(number)
    fields: dict[str, Any] = {"model": draw.choice(["letters", "letters", "grams", "bytes"])}
    fields |= {"prompt": draw.choice(PROMPTS), "max_tokens": draw.choice([1, 7, 60, 300]), "seed": number}
    fields |= draw.choice([{"temperature": 0}, {"temperature": 0.7}, {"temperature": 1.2, "top_p": 0.8}, {"top_k": 4}])
    fields |= draw.choice([{}, {}, {"logprobs": 2}, {"stop": ["a", "zz"]}, {"n": 3}, {"echo": True, "logprobs": 0}])
    return fields


def without_what_differs(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("id", "created")}


def test_the_same_request_gives_the_same_alone_and_among_many_that_come_and_go(server: Running) -> None:
    numbers = list(range(64))
    alone = [without_what_differs(server.complete(**mixed(number))) for number in numbers]
    going = threading.Event()
    going.set()

    def come_and_go(number: int) -> None:
        draw = random.Random(number)
        while going.is_set():
            stream = server.open_stream(**{**mixed(number), "max_tokens": 5000, "n": 1})
            stream.recv(1000)
            time.sleep(draw.random() / 20)
            stream.close()

    with ThreadPoolExecutor(24) as others, ThreadPoolExecutor(24) as pool:
        for number in range(24):
            others.submit(come_and_go, 1000 + number)
        together = list(pool.map(lambda number: without_what_differs(server.complete(**mixed(number))), numbers))
        going.clear()
    assert together == alone
    server.until_idle()


def test_a_stream_among_many_gives_what_the_whole_gives(server: Running) -> None:
    def joined(number: int) -> list[str]:
        texts: dict[int, str] = {}
        fields = mixed(number)
        for event in events(server.post("/v1/completions", **fields, stream=True).body):
            (choice,) = event["choices"]
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
        return [texts[index] for index in sorted(texts)]

    def whole(number: int) -> list[str]:
        return [choice["text"] for choice in server.complete(**mixed(number))["choices"]]

    numbers = range(200, 232)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(joined, numbers)) == list(pool.map(whole, numbers))


def test_what_nobody_waits_for_is_not_written(server: Running) -> None:
    """Streamed, not streamed, waiting for its turn, and while it is read."""
    asked: list[dict[str, Any]] = [
        {"model": "letters", "prompt": "a", "max_tokens": 200_000, "n": 2},
        {"model": "letters", "prompt": "a", "max_tokens": 200_000, "n": 64, "stream": False},
        {"model": "letters", "prompt": "a", "max_tokens": 200_000, "n": 100},
        {"model": "grams", "prompt": "abc " * 400_000, "max_tokens": 1},
    ]
    for fields in asked:
        stream = server.open_stream(**fields)
        until = time.monotonic() + 10
        while not server.texts() and time.monotonic() < until:
            time.sleep(0.005)
        assert server.texts() == fields.get("n", 1)
        stream.close()
        assert server.until_idle() < 2


def test_a_client_that_reads_nothing_is_not_written_for(server: Running) -> None:
    """What waits for it is bounded, and others go on: the engine comes to rest with the texts unfinished."""
    stream = server.open_stream(holds=4096, model="letters", prompt="a", max_tokens=200_000, n=64)
    stream.recv(100)
    assert server.complete(model="letters", prompt="a", max_tokens=50)["choices"][0]["text"]
    until = time.monotonic() + WAIT
    while True:
        before = server.used()
        time.sleep(0.2)
        if server.used() - before < 0.1:
            break
        assert time.monotonic() < until, "it goes on writing for nobody"
    assert server.texts() == 64
    assert server.complete(model="letters", prompt="a", max_tokens=50)["choices"][0]["text"]
    stream.close()
    server.until_idle()


def test_one_request_for_many_texts_does_not_hold_up_one_for_a_single_text(server: Running) -> None:
    greedy = [server.open_stream(model="letters", prompt="a", max_tokens=100_000, n=64) for _ in range(2)]
    for stream in greedy:
        stream.recv(100)
    made = server.complete(model="letters", prompt="a", max_tokens=400, seed=1)
    assert len(made["choices"][0]["text"]) == 400
    for stream in greedy:
        stream.close()
    server.until_idle()


def test_past_what_may_wait_a_request_is_told_to_come_again(server: Running) -> None:
    held = [server.open_stream(model="letters", prompt="a", max_tokens=200_000, n=128) for _ in range(2)]
    until = time.monotonic() + 10
    while server.texts() < 256 and time.monotonic() < until:
        time.sleep(0.005)
    refused = server.post("/v1/completions", model="letters", prompt="a", max_tokens=5)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.document["error"]["type"] == "rate_limit_error"
    for stream in held:
        stream.close()
    server.until_idle()
    assert server.complete(model="letters", prompt="a", max_tokens=5)


def test_idle_it_takes_no_time_of_the_processor(server: Running) -> None:
    server.until_idle()

    time.sleep(0.3)
    before = server.used()
    time.sleep(2)
    assert server.used() - before < 0.1


@pytest.mark.slow
def test_an_hour_of_many_clients_leaves_nothing_behind(server: Running) -> None:
    come_and_go_for(server, 3600)


def test_a_while_of_many_clients_leaves_nothing_behind(server: Running) -> None:
    come_and_go_for(server, 1.5)


def come_and_go_for(server: Running, seconds: float) -> None:
    """64 clients that ask, read, and break off; memory and files stay flat, and nothing is stuck."""
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        draw, turn = random.Random(number), 0
        while time.monotonic() < until:
            turn += 1
            fields = mixed(draw.randrange(1 << 30))
            if draw.random() < 0.5:
                assert server.post("/v1/completions", **fields).status in (200, 429)
            else:
                stream = server.open_stream(**fields)
                if draw.random() < 0.7:
                    stream.recv(draw.randrange(1, 3000))
                stream.close()

    def run() -> None:
        with ThreadPoolExecutor(64) as pool:
            list(pool.map(client, range(64)))
        server.until_idle()

    run_for, until = until, time.monotonic() + min(2.0, seconds / 4)
    run()
    before = resident(server)
    until = run_for
    run()
    assert resident(server) < before + (64 << 20)
    assert server.complete(model="letters", prompt="a", max_tokens=5)


def resident(server: Running) -> int:
    """The memory that the server has, in bytes."""
    with open(f"/proc/{server.process.pid}/statm") as told:  # noqa: PTH123 - no file of a folder
        return int(told.read().split()[1]) * 4096
