from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generation.conftest import ALPHABET, model_file
from tests.serving.running import Running, serving
from tests.serving.studio import Studio, studio
from understudy.text.vocabulary import Vocabulary


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A model of characters, `letters`; one with a table of n-grams, `grams`; and one of bytes, `bytes`."""
    folder = tmp_path_factory.mktemp("served")
    made = {
        "letters": model_file("gru", 1, Vocabulary.of_text(ALPHABET)),
        "grams": model_file("lstm", 2, Vocabulary.of_text(ALPHABET), ngrams=50),
        "bytes": model_file("gru", 1, Vocabulary.of_bytes()),
    }
    paths = [folder / f"{name}.safetensors" for name in made]
    for path, model in zip(paths, made.values(), strict=True):
        model.write(path)
    return paths


@pytest.fixture(scope="session")
def server(models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of those models, and of @shakespeare."""
    with serving([*models, "@shakespeare"], cwd=tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture(scope="module")
def shakespeare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of @shakespeare, for one file's tests of its page."""
    folder = tmp_path_factory.mktemp("studio")
    with serving(["@shakespeare"], "--runs", str(folder / "runs"), cwd=folder) as running:
        yield running


@pytest.fixture
def page(shakespeare: Running) -> Iterator[Studio]:
    """The studio in a browser of its own, which must ask no other address and complain of nothing."""
    with studio(shakespeare) as made:
        yield made
        made.assert_alone()
