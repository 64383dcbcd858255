"""How a server ends, who may ask it, and what slow senders get."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest

from tests.serving.running import WAIT, serving

KEY = "a key that is long enough".replace(" ", "-")


def test_ctrl_c_ends_open_streams_with_a_last_event_and_the_program_soon(models: list[Path], tmp_path: Path) -> None:
    with serving(models[:1], cwd=tmp_path) as server:
        streams = [
            server.open_stream(model="letters", prompt="a", max_tokens=200_000, temperature=0.5) for _ in range(5)
        ]
        for stream in streams:
            assert b"200 OK" in stream.recv(1000)
        assert server.interrupt() < 3
        for stream in streams:
            whole = b""
            while part := stream.recv(1 << 16):
                whole += part
            assert b"the server is stopping" in whole
            assert b"data: [DONE]" in whole
            stream.close()
        assert server.process.returncode == 0
        assert server.process.stdout is not None
        assert server.process.stderr is not None
        assert server.process.stdout.read() == "stopped\n"
        assert server.process.stderr.read() == ""


@pytest.mark.slow
def test_the_client_learns_that_the_server_ended(models: list[Path], tmp_path: Path) -> None:
    with serving(models[:1], cwd=tmp_path) as server:
        client = openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0)
        stream = client.completions.create(model="letters", prompt="a", max_tokens=200_000, stream=True)
        next(stream)
        server.process.send_signal(signal.SIGINT)
        with pytest.raises(openai.APIError, match="the server is stopping"):
            for _ in stream:
                pass
        client.close()
        assert server.process.wait(WAIT) == 0


def test_ctrl_c_ends_what_only_waits(models: list[Path], tmp_path: Path) -> None:
    with serving(models[:1], cwd=tmp_path) as server:
        waiting = server.open_stream(model="letters", prompt="a", max_tokens=200_000, n=100, stream=False)
        idle = server.connect()
        while not server.texts():
            time.sleep(0.01)
        assert server.interrupt() < 3
        assert b"503" in waiting.recv(1000)
        waiting.close()
        idle.close()


@pytest.mark.slow
def test_terminated_it_ends_soon_too(models: list[Path], tmp_path: Path) -> None:
    with serving(models[:1], cwd=tmp_path) as server:
        stream = server.open_stream(model="letters", prompt="a", max_tokens=200_000)
        stream.recv(100)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(WAIT)
        assert time.monotonic() - began < 3
        stream.close()


def test_with_a_key_nothing_is_told_without_it(models: list[Path], tmp_path: Path) -> None:
    with serving(models[:1], cwd=tmp_path, UNDERSTUDY_API_KEY=KEY) as server:
        body = json.dumps({"model": "letters", "prompt": "a", "max_tokens": 3}).encode()
        for given in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": KEY},
            {"authorization": f"Bearer {KEY} "},
        ):
            kind = {"content_type": "application/json"}
            refused = server.ask("POST", "/v1/completions", body, **kind, **given)
            if given == {"authorization": f"Bearer {KEY} "}:  # a space at the end of a header is none of it
                continue
            assert refused.status == 401
            assert KEY not in refused.body.decode()
            for path in ("/v1/models", "/studio/runs", "/v1/models/letters"):
                assert server.ask("GET", path, **given).status == 401
        assert server.ask("GET", "/").status == 200
        assert server.ask("GET", "/health").status == 200
        with openai.OpenAI(base_url=f"{server.address}/v1", api_key=KEY) as client:
            assert client.completions.create(model="letters", prompt="a", max_tokens=3).choices[0].text
        with (
            openai.OpenAI(base_url=f"{server.address}/v1", api_key="wrong") as client,
            pytest.raises(openai.AuthenticationError),
        ):
            client.models.list()


def test_beyond_this_machine_only_with_a_key_and_by_address_or_an_allowed_name(
    models: list[Path], tmp_path: Path
) -> None:
    refused = understudy_serve(models[0], "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "UNDERSTUDY_API_KEY" in refused.stderr
    assert refused.stderr.count("\n") == 1
    flags = ("--host", "0.0.0.0", "--allow-host", "studio.lan")
    with serving(models[:1], *flags, cwd=tmp_path, UNDERSTUDY_API_KEY=KEY) as server:
        for host, status in (("192.168.0.7:8000", 200), ("studio.lan", 200), ("evil.example", 403)):
            told = server.ask("GET", "/v1/models", host=host, authorization=f"Bearer {KEY}")
            assert told.status == status


def test_pages_of_others_may_ask_only_where_that_is_said(models: list[Path], tmp_path: Path) -> None:
    origin = "http://notebook.example:8888"
    with serving(models[:1], "--allow-origin", origin, cwd=tmp_path) as server:
        before = server.ask("OPTIONS", "/v1/completions", origin=origin, access_control_request_method="POST")
        assert before.status == 204
        assert before.headers["access-control-allow-origin"] == origin
        told = server.ask("GET", "/v1/models", origin=origin)
        assert (told.status, told.headers["access-control-allow-origin"]) == (200, origin)
        other = server.ask("OPTIONS", "/v1/completions", origin="http://evil.example")
        assert other.status == 403
        assert "access-control-allow-origin" not in other.headers


def test_slow_senders_are_told_so_and_others_go_on(models: list[Path], tmp_path: Path) -> None:
    code = (
        "import sys; from understudy.serving import limits\n"
        "limits.Limits.__init__.__defaults__ = tuple(\n"
        "    0.5 if value == 20.0 else value for value in limits.Limits.__init__.__defaults__)\n"
        "from understudy.cli.main import main; sys.exit(main(['serve', sys.argv[1], '--port', '0']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(models[0])], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        port = int(re.findall(r":(\d+)/", process.stdout.readline())[0])
        starts = {
            b"": b"",
            b"GET /health HTTP/1.1\r\nhost: 127": b"408",
            b"POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"content-length: 50\r\n\r\n{": b"408",
        }
        for start, status in starts.items():
            with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
                began = time.monotonic()
                connection.sendall(start)
                got = connection.recv(1000)
                assert status in got
                assert 0.3 < time.monotonic() - began < 5
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_neither_keys_nor_texts_are_in_what_the_server_says(models: list[Path], tmp_path: Path) -> None:
    with serving(models[:1], cwd=tmp_path, UNDERSTUDY_API_KEY=KEY) as server:
        secret = {"model": "letters", "prompt": "a secret text", "max_tokens": 5}
        for fields in (secret, secret | {"n": -1}, secret | {"prompt": "SECRET"}):
            body = json.dumps(fields).encode()
            server.ask("POST", "/v1/completions", body, content_type="application/json", authorization=f"Bearer {KEY}")
        server.interrupt()
        assert server.process.stdout is not None
        assert server.process.stderr is not None
        said = server.process.stdout.read() + server.process.stderr.read()
        assert said == "stopped\n"


def understudy_serve(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "understudy", "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--port", "70000"), "--port 70000"),
        (("--port", "x"), "--port"),
        (("--allow-origin", "notebook"), "--allow-origin"),
        (("nothing-of-that-name",), "nothing-of-that-name"),
        (("--host", "no.such.host.invalid"), "UNDERSTUDY_API_KEY"),
    ],
)
def test_what_does_not_go_is_told_in_one_line(flags: tuple[str, ...], said: str) -> None:
    ended = understudy_serve(*flags)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_named(models: list[Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = understudy_serve(models[0], "--port", port)
    assert ended.returncode == 2
    assert f"--port {port}" in ended.stderr


def test_a_folder_of_runs_offers_all_its_models(models: list[Path], tmp_path: Path) -> None:
    for path in models[:2]:
        (tmp_path / "studio" / path.stem).mkdir(parents=True)
        (tmp_path / "studio" / path.stem / "model.safetensors").write_bytes(path.read_bytes())
    (tmp_path / "studio" / "no run").mkdir()
    with serving(["studio"], cwd=tmp_path) as server:
        listed = server.ask("GET", "/v1/models").document["data"]
        assert [model["id"] for model in listed] == ["grams", "letters"]
    (tmp_path / "empty").mkdir()
    with serving([], cwd=tmp_path / "empty") as server:
        assert [model["id"] for model in server.ask("GET", "/v1/models").document["data"]] == ["@shakespeare"]
    ended = understudy_serve(tmp_path / "empty")
    assert ended.returncode == 2
    assert "no run with a model" in ended.stderr
