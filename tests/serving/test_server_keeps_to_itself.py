"""A server listens, and asks nobody for anything; it writes no file."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.serving.running import WAIT, Running
from tests.test_nothing_leaves import HARMLESS, tracer


def test_the_server_connects_to_nobody_and_writes_no_file(models: list[Path], tmp_path: Path) -> None:
    record, home = tmp_path / "calls", tmp_path / "home"
    home.mkdir()
    traced = tracer(record)
    if not traced:
        pytest.skip("there is no strace here")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [*traced, sys.executable, "-m", "understudy", "serve", str(models[0]), "--port", "0"],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found is not None
        server = Running(process, "127.0.0.1", int(found[1]))
        assert server.complete(model="letters", prompt="a", max_tokens=50, logprobs=1)
        assert server.post("/studio/score", model="letters", text="abc").status == 200
        assert server.ask("GET", "/").status == 200
        os.killpg(process.pid, signal.SIGINT)
        process.wait(WAIT)
        time.sleep(0.1)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    calls = record.read_text(encoding="utf-8", errors="replace").splitlines()
    assert not [call for call in calls if re.search(r"\bconnect\(", call) and "AF_UNIX" not in call]
    bound = [call for call in calls if re.search(r"\bbind\(", call) and re.search("AF_INET6?", call)]
    assert len(bound) == 1
    assert 'inet_addr("127.0.0.1")' in bound[0]
    written = [call for call in calls if re.search(r"\bopen\w*\(.*O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)", call)]
    assert not [call for call in written if not re.search(HARMLESS, call)]
    assert list(home.iterdir()) == []
