"""What is no model of ours is refused in one line that names the layer, the file or the remedy."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from tests.foreign.makers import ALPHABET, FIXTURES
from understudy.errors import ModelFileError
from understudy.foreign.importing import import_weights
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

EXPECTED = {
    "refused-hard-sigmoid.keras": "recurrent_activation='hard_sigmoid'",
    "refused-relu.keras": "activation='relu'",
    "refused-reset-before.keras": "resets before the product",
    "refused-reset-before.weights.h5": "resets before the product",
    "refused-reset-before-unbiased.keras": "resets before the product",
    "refused-tensorflow-1-gru.h5": "TensorFlow 1's GRU on a CPU",
    "refused-bidirectional.keras": "a Bidirectional, which reads what comes after",
    "refused-bidirectional.weights.h5": "is Bidirectional",
    "refused-backwards.keras": "go_backwards",
    "refused-simple.keras": "SimpleRNN",
    "refused-simple.weights.h5": "SimpleRNN",
    "refused-normalised.keras": "layer norm is a LayerNormalization",
    "refused-normalised.weights.h5": "layers/layer_normalization holds",
    "refused-normalised-checkpoint": r"gamma \[7\], beta \[7\]",
    "refused-named-checkpoint": "object-based",
}


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as raised:
        import_weights(path, vocabulary=ALPHABET)
    line = str(raised.value)
    assert line.startswith(str(path))
    assert line.isprintable()
    return line


@pytest.mark.parametrize("name", EXPECTED)
def test_another_recurrence_or_layer_is_named(name: str) -> None:
    with pytest.raises(ModelFileError, match=EXPECTED[name]):
        import_weights(FIXTURES / name, vocabulary=ALPHABET)


def test_every_refused_fixture_is_tried() -> None:
    assert {path.name for path in FIXTURES.glob("refused-*")} == set(EXPECTED)


class Net(nn.Module):
    """PyTorch's model with something in it."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        self.embedding, self.rnn, self.fc = nn.Embedding(11, 5), nn.GRU(5, 7), nn.Linear(7, 11)
        for name, part in parts.items():
            setattr(self, name, part)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (lambda: Net(rnn=nn.RNN(5, 7)), "plain RNN"),
        (lambda: Net(rnn=nn.GRU(5, 7, bidirectional=True)), "bidirectional"),
        (lambda: Net(rnn=nn.LSTM(5, 7, proj_size=3)), "projections"),
        (lambda: Net(norm=nn.LayerNorm(7)), "layer norm holds"),
        (lambda: Net(conv=nn.Conv1d(5, 5, 3)), "layer conv holds"),
        (lambda: Net(extra=nn.Linear(7, 11)), "2 Dense layers: extra, fc"),
        (lambda: Net(fc=nn.Linear(7, 12)), "fc gives 12 logits"),
        (lambda: Net(fc=nn.Linear(8, 11)), "from 8 numbers"),
        (lambda: Net(embedding=nn.Embedding(11, 6)), "reads 5 numbers, and embedding gives 6"),
        (lambda: Net(rnn=nn.Identity()), "no layer of GRU or LSTM among embedding, fc"),
        (lambda: Net(embedding=nn.Identity()), "rnn.l0 reads 5 numbers, and fc gives 7"),
        (lambda: Net(more=nn.LSTM(7, 7)), "expected layers that are alike"),
        (lambda: Net(rnn=nn.GRU(7, 7), embedding=nn.Embedding(11, 7), cell=nn.GRU(7, 7)), "in which order"),
        (lambda: Net(attention=nn.MultiheadAttention(7, 1)), "belongs to none"),
    ],
)
def test_a_state_dict_of_another_model_is_named(net: Callable[[], Net], said: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({name: array.numpy() for name, array in net().state_dict().items()}, path)
    assert said in refusal(path)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    net, path = Net(), tmp_path / "net.safetensors"
    with torch.no_grad():
        net.fc.bias[3] = float("nan")
    save_file({name: array.numpy() for name, array in net.state_dict().items()}, path)
    assert "fc has numbers that are not finite" in refusal(path)


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    state = {name: array.numpy() for name, array in Net().state_dict().items()}
    path = tmp_path / "net.safetensors"
    save_file(state | {"fc.weight": np.ones((11, 7), np.int8)}, path)
    assert "numbers of type I8" in refusal(path)


def test_pickles_and_archives_of_arrays_are_refused_with_the_way_out(tmp_path: Path) -> None:
    net = Net()
    torch.save(net.state_dict(), tmp_path / "new.pt")
    torch.save(net.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    np.savez(tmp_path / "weights.npz", kernel=np.ones(3, np.float32))
    np.save(tmp_path / "kernel.npy", np.ones(3, np.float32))
    assert "safetensors.torch.save_file(model.state_dict()" in refusal(tmp_path / "new.pt")
    assert "safetensors.torch.save_file(model.state_dict()" in refusal(tmp_path / "old.pth")
    assert "model.save('model.keras')" in refusal(tmp_path / "weights.npz")
    assert "one array of NumPy's" in refusal(tmp_path / "kernel.npy")


def test_what_is_no_model_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.h5").write_text("Once upon a time")
    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("letter.txt", "Dear all")
    for name in ("empty.h5", "text.h5", "folder", "missing", "missing.keras"):
        assert "expected Keras's .keras" in refusal(tmp_path / name)
    assert "a zip without config.json" in refusal(tmp_path / "other.keras")


def test_a_model_of_ours_needs_no_import(tmp_path: Path) -> None:
    config = ModelConfig("gru", 3, 2, 2, 1)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in config.shapes().items()}
    ModelFile(config, Vocabulary.of_text("abc"), {}, tensors).write(tmp_path / "model.safetensors")
    assert "needs no import" in refusal(tmp_path / "model.safetensors")


def changed(name: str, change: Callable[[str], str], to: Path) -> Path:
    """A `.keras` file with another configuration."""
    path = to / name
    with zipfile.ZipFile(FIXTURES / name) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, change(data.decode()) if member == "config.json" else data)
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"mask_zero": false', '"mask_zero": true', "masks the symbol 0"),
        ('"class_name": "Dropout"', '"class_name": "Lambda"', "is a Lambda"),
        ('"activation": "linear"', '"activation": "relu"', "ends in 'relu'"),
        ('"class_name": "LSTM"', '"class_name": "GRU"', "is told to be a GRU"),
        ('"name": "lstm"', '"name": "lstm_1"', ""),
        ('"class_name": "Sequential"', '"class_name": "Functional"', "layers read the input"),
        ('"layers": [', '"layers": [[], ', "a layer without a class"),
    ],
)
def test_a_configuration_that_ours_cannot_be_is_named(old: str, new: str, said: str, tmp_path: Path) -> None:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    path = changed("keras-lstm2.keras", change, tmp_path)
    if said:
        assert said in refusal(path)
    else:  # groups are named by class, so that the user's names may be any
        import_weights(path, vocabulary=ALPHABET)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["whole", 0, 0]', '["whole", 0, 1]', "not in one chain"),
        ('["whole", 0, 0]', '["embedding_2", 0, 0]', "chain"),
    ],
)
def test_a_graph_that_is_no_chain_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    assert said in refusal(changed("keras-functional.keras", change, tmp_path))


def test_a_layer_that_is_used_twice_is_refused(tmp_path: Path) -> None:
    def change(text: str) -> str:
        document = json.loads(text)
        for layer in document["config"]["layers"]:
            if layer["config"]["name"] == "upper":
                layer["inbound_nodes"] *= 2
        return json.dumps(document)

    assert "upper is used 2 times" in refusal(changed("keras-functional.keras", change, tmp_path))


def test_a_checkpoint_without_its_numbers_names_the_file(tmp_path: Path) -> None:
    index = FIXTURES / "tf-keras-tutorial-checkpoint" / "ckpt-1.index"
    (tmp_path / index.name).write_bytes(index.read_bytes())
    assert "ckpt-1.data-00000-of-00001 is missing" in refusal(tmp_path / index.name)


def test_of_several_checkpoints_without_a_list_one_must_be_named(tmp_path: Path) -> None:
    for source in (FIXTURES / "tf-keras-tutorial-checkpoint").glob("ckpt-1*"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
        (tmp_path / source.name.replace("1", "2", 1)).write_bytes(source.read_bytes())
    assert "2 checkpoints (ckpt-1.index, ckpt-2.index)" in refusal(tmp_path)
    assert import_weights(tmp_path / "ckpt-1", vocabulary=ALPHABET).model.config.units == 7


def test_a_packed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path, zeros = tmp_path / "bomb.keras", io.BytesIO(bytes(1 << 22))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", zeros.getvalue())
    assert "would have 4,194,304 bytes" in refusal(path)
