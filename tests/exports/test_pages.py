"""Pages as files: what is in them, what their policy allows, and what is refused."""

import base64
import hashlib
import json
import re
import subprocess
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.exports.models import example
from tests.portable.javascript import node
from understudy.api import Model
from understudy.cli.main import main
from understudy.errors import ConfigError
from understudy.exports import html
from understudy.generation.portable.packing import pack
from understudy.model import file


class Page(HTMLParser):
    """The tags of a page with their attributes, and the texts of its scripts and styles."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.tags.append((tag, named))
        self._inside = f"{tag} {named.get('id')}" if tag in ("script", "style") else ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @property
    def policy(self) -> dict[str, list[str]]:
        (content,) = [named["content"] for tag, named in self.tags if "http-equiv" in named]
        assert content is not None
        return {directive.split()[0]: directive.split()[1:] for directive in content.split("; ")}


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_of_the_boxed_model_is_small_and_holds_the_packed_model() -> None:
    model = file.read("@shakespeare")
    made = html.make(model, "shakespeare.html", called="@shakespeare")
    (data,) = made.files.values()
    assert len(data) <= 4_000_000
    page, packed = Page(data), pack(model, "int8").to_bytes()
    assert base64.b64decode(page.texts["script weights"]) == packed
    assert made.sizes == {"weights": len(packed), "state": 4 * 2 * 624}
    program = base64.b64decode(page.texts["script program"])
    assert program == (html.RUNTIME / "portable.wasm").read_bytes()
    told = json.loads(page.texts["script model"])
    assert told["characters"] == model.vocabulary.characters
    assert told["called"] == "@shakespeare"
    for text in model.card.values():
        assert escape(text).encode() in data


def test_the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else() -> None:
    page = Page(html.make(example(), "a.html").files["a.html"])
    assert page.policy == {
        "default-src": ["'none'"],
        "script-src": [hashed(page.texts["script None"]), "'wasm-unsafe-eval'"],
        "style-src": [hashed(page.texts["style None"])],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    first = [tag for tag, _ in page.tags].index("script")
    assert [tag for tag, named in page.tags[:first] if "http-equiv" in named] == ["meta"]  # it comes before them


def test_nothing_in_the_page_points_elsewhere() -> None:
    data = html.make(example(), "a.html").files["a.html"]
    page = Page(data)
    asking = {"src", "srcset", "action", "data", "style", "ping", "poster", "background"}
    for tag, named in page.tags:
        assert not {name for name in named if name in asking or name.startswith("on")}, tag
        assert named.get("href") in (None, "#telephone")
        assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
    assert not re.search(r"url\(|@import|@font-face", page.texts["style None"])
    assert not re.search(
        r"fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|import\(|eval\(|https?:", page.texts["script None"]
    )


def test_what_a_model_tells_is_text_in_its_page() -> None:
    hostile = "</script><script>alert(1)</script><!-- \" ' & $model ${script}"
    model = replace(
        example(symbols="".join(sorted(set("\n " + hostile)))),
        training={"corpus": {"name": hostile}},
        card={hostile: hostile, "half": "\udc80"},
    )
    data = html.make(model, f"{hostile.replace('/', '')}.html", called=hostile).files
    page, plain = (Page(next(iter(each.values()))) for each in (data, html.make(example(), "a.html").files))
    assert [tag for tag, _ in page.tags if tag not in ("dt", "dd")] == [
        tag for tag, _ in plain.tags if tag not in ("dt", "dd")
    ]
    assert json.loads(page.texts["script model"])["called"] == hostile
    assert page.policy == plain.policy


def test_the_script_of_the_page_is_javascript(tmp_path: Path) -> None:
    script = tmp_path / "page.js"
    script.write_text(Page(html.make(example(), "a.html").files["a.html"]).texts["script None"], encoding="utf-8")
    checked = subprocess.run([node(), "--check", str(script)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_same_model_gives_the_same_page() -> None:
    assert html.make(example(), "a.html") == html.make(example(), "a.html")


def test_a_model_too_large_for_a_page_is_refused_with_its_size_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    size = pack(example(), "int8").size
    monkeypatch.setattr(html, "LARGEST", size)
    html.make(example(), "a.html")
    monkeypatch.setattr(html, "LARGEST", size - 1)
    with pytest.raises(ConfigError, match=f"{size:,} bytes, .* at most {size - 1:,}; .*fewer --units") as refused:
        html.make(example(), "a.html")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("@shakespeare", "@shakespeare"),
        ("runs/mine", "runs/mine"),
        ("-mine", "./-mine"),
        ("@mine", "./@mine"),
        ("/home/somebody/runs/mine", "mine"),
        ("../mine", "mine"),
        ("/", html.UNNAMED),
    ],
)
def test_a_page_calls_the_model_as_it_was_named_and_tells_of_nobodys_folders(given: str, called: str) -> None:
    assert html.calling(given) == called


def test_the_command_and_the_library_export_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = example()
    model.write(tmp_path / "mine.safetensors")
    assert main(["export", "mine.safetensors", "--to", "html"]) == 0
    page = Page((tmp_path / "mine.html").read_bytes())
    assert json.loads(page.texts["script model"])["called"] == "mine.safetensors"
    Model(model).export("html", tmp_path / "other.html", called="it's mine")
    assert json.loads(Page((tmp_path / "other.html").read_bytes()).texts["script model"])["called"] == "it's mine"
    assert main(["export", "mine.safetensors", "--to", "onnx", "--called", "x", "-o", "o.onnx"]) == 2
    assert main(["export", "mine.safetensors", "--to", "html", "--called", "", "--overwrite"]) == 2
