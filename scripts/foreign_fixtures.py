"""Makes the files that imports are held against, in TensorFlow, Keras and PyTorch themselves, with their logits.

    python3 -m venv tf && tf/bin/pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0 safetensors
    tf/bin/python scripts/foreign_fixtures.py keras tests/foreign/fixtures
    tf/bin/python scripts/foreign_fixtures.py tf_keras tests/foreign/fixtures
    .venv/bin/python scripts/foreign_fixtures.py torch tests/foreign/fixtures

Each maker writes its models' files, and `MAKER.safetensors`: 200 ids, and for each model the logits that it computed
for them. A model's files begin with its name. What begins with `refused-` is what an import must refuse.
"""

import argparse
import os
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

V, E, H, STEPS = 11, 5, 7, 200
IDS = np.random.default_rng(1).integers(0, V, STEPS).astype(np.int32)
Logits = dict[str, NDArray[np.float32]]


def main() -> None:
    """Make one maker's files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    makers: dict[str, Callable[[Path], Logits]] = {"keras": of_keras, "tf_keras": of_tf_keras, "torch": of_torch}
    parser.add_argument("maker", choices=makers)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_USE_LEGACY_KERAS"] = str(int(given.maker == "tf_keras"))
    save_file({"ids": IDS} | makers[given.maker](given.folder), given.folder / f"{given.maker}.safetensors")


def shaken(model: Any, seed: int) -> Any:
    """The model with numbers in all of its weights, also in those that begin as zeros or ones."""
    chance = np.random.default_rng(seed)
    model.set_weights([chance.normal(0, 0.5, array.shape).astype(array.dtype) for array in model.get_weights()])
    return model


def logits_of(model: Any) -> NDArray[np.float32]:
    """What a model of Keras's gives for the ids, (T, V), from the zero state."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            (layer.reset_state if hasattr(layer, "reset_state") else layer.reset_states)()
    found: NDArray[np.float32] = np.asarray(model(IDS[None, :]), np.float32)[0]
    return found


def tutorial(keras: Any, recurrent: Any) -> Any:
    """The tutorial's model, with that layer in the middle."""

    class Model(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = keras.layers.Embedding(V, E)
            self.gru = recurrent
            self.fc = keras.layers.Dense(V)

        def call(self, ids: Any) -> Any:
            return self.fc(self.gru(self.embedding(ids)))

    return Model()


def crossed(keras: Any) -> Any:
    """Two layers of one shape whose names are not in their order."""

    class Model(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = keras.layers.Embedding(V, H)
            self.zebra = keras.layers.GRU(H, return_sequences=True)
            self.ant = keras.layers.GRU(H, return_sequences=True)
            self.fc = keras.layers.Dense(V)

        def call(self, ids: Any) -> Any:
            return self.fc(self.ant(self.zebra(self.embedding(ids))))

    return Model()


def trained(model: Any, optimizer: Any) -> Any:
    """The model after a step with an optimiser, which then has numbers for each of its weights."""
    tf = import_module("tensorflow")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(IDS[None, :20]) ** 2)
    optimizer.apply_gradients(
        zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
    )
    return model


def checkpoint(folder: Path, **objects: Any) -> None:
    """A checkpoint in a folder of its own, as the tutorial writes it."""
    tf = import_module("tensorflow")
    shutil.rmtree(folder, ignore_errors=True)
    tf.train.Checkpoint(**objects).save(str(folder / "ckpt"))


def of_keras(folder: Path) -> Logits:
    """Keras 3."""
    keras = import_module("keras")
    layers = keras.layers
    found: Logits = {}
    before: tuple[Any, ...] = (keras.Input((None,), batch_size=1), layers.Embedding(V, E))

    def built(*parts: Any) -> Any:
        return shaken(keras.Sequential([*before, *parts, layers.Dense(V)]), len(found))

    def recurrent(kind: Any, **settings: Any) -> Any:
        return kind(H, return_sequences=True, **settings)

    model = tutorial(keras, recurrent(layers.GRU, stateful=True))
    model(IDS[None, :])
    optimizer = keras.optimizers.Adam()
    trained(shaken(model, 9), optimizer)
    found["keras-tutorial"] = logits_of(model)
    model.save(folder / "keras-tutorial.keras")
    model.save_weights(folder / "keras-tutorial.weights.h5")
    checkpoint(folder / "keras-tutorial-checkpoint", model=model, optimizer=optimizer)

    model = built(layers.Dropout(0.1), recurrent(layers.LSTM, dropout=0.1), recurrent(layers.LSTM, stateful=True))
    trained(model, optimizer := keras.optimizers.Adam())
    found["keras-lstm2"] = logits_of(model)
    model.save(folder / "keras-lstm2.keras")
    model.save(folder / "keras-lstm2.h5")
    model.save_weights(folder / "keras-lstm2.weights.h5")
    checkpoint(folder / "keras-lstm2-checkpoint", net=model, opt=optimizer)

    ids = keras.Input((None,), dtype="int32")
    vectors = layers.Dropout(0.2)(layers.Embedding(V, E)(ids))
    inner = recurrent(layers.GRU, name="upper")(recurrent(layers.GRU, name="whole", return_state=True)(vectors)[0])
    ends = layers.Softmax()(layers.TimeDistributed(layers.Dense(V))(inner))
    model = shaken(keras.Model(ids, ends), 3)
    found["keras-functional"] = np.log(logits_of(model))
    model.save(folder / "keras-functional.keras")
    model.save(folder / "keras-functional.h5")

    model = keras.Sequential([*before, recurrent(layers.GRU, use_bias=False), layers.Dense(V, use_bias=False)])
    found["keras-unbiased"] = logits_of(shaken(model, 4))
    model.save(folder / "keras-unbiased.keras")
    model.save_weights(folder / "keras-unbiased.weights.h5")

    model = crossed(keras)
    model(IDS[None, :])
    found["keras-crossed"] = logits_of(shaken(model, 5))
    model.save_weights(folder / "keras-crossed.weights.h5")
    checkpoint(folder / "keras-crossed-checkpoint", model=model)

    for kind in ("float16", "bfloat16"):
        exact, short = (
            keras.Sequential([keras.Input((None,)), *parts])
            for parts in (
                [
                    layers.Embedding(V, E, dtype=dtype),
                    recurrent(layers.GRU, dtype=dtype, recurrent_initializer="zeros"),
                    layers.Dense(V, dtype=dtype),
                ]
                for dtype in ("float32", kind)
            )
        )
        short.set_weights(shaken(exact, 6).get_weights())
        exact.set_weights([np.asarray(array, np.float32) for array in short.get_weights()])
        found[f"keras-{kind}"] = logits_of(exact)
        short.save_weights(folder / f"keras-{kind}.weights.h5")
        checkpoint(folder / f"keras-{kind}-checkpoint", model=short)

    refused = {
        "hard-sigmoid": recurrent(layers.LSTM, recurrent_activation="hard_sigmoid"),
        "relu": recurrent(layers.GRU, activation="relu"),
        "reset-before": recurrent(layers.GRU, reset_after=False),
        "reset-before-unbiased": recurrent(layers.GRU, reset_after=False, use_bias=False),
        "bidirectional": layers.Bidirectional(recurrent(layers.GRU)),
        "simple": recurrent(layers.SimpleRNN),
        "backwards": recurrent(layers.GRU, go_backwards=True),
    }
    for name, layer in refused.items():
        built(layer).save(folder / f"refused-{name}.keras")
        before = (keras.Input((None,), batch_size=1), layers.Embedding(V, E))
    for name in ("reset-before", "bidirectional", "simple"):
        keras.saving.load_model(folder / f"refused-{name}.keras").save_weights(folder / f"refused-{name}.weights.h5")
    model = built(recurrent(layers.GRU), layers.LayerNormalization(name="norm"))
    model.save(folder / "refused-normalised.keras")
    model.save_weights(folder / "refused-normalised.weights.h5")
    checkpoint(folder / "refused-normalised-checkpoint", model=model)
    return found


def of_tf_keras(folder: Path) -> Logits:
    """Keras 2, with the layouts of TensorFlow 1."""
    tf, keras = import_module("tensorflow"), import_module("tf_keras")
    layers = keras.layers
    found: Logits = {}

    def stack(*parts: Any) -> Any:
        return keras.Sequential([layers.Embedding(V, E, batch_input_shape=(1, None)), *parts, layers.Dense(V)])

    model = tutorial(keras, layers.GRU(H, return_sequences=True, stateful=True))
    model(IDS[None, :])
    shaken(model, 1)
    optimizer = keras.optimizers.legacy.Adam()
    found["tf-keras-tutorial"] = logits_of(trained(model, optimizer))
    model.save_weights(folder / "tf-keras-tutorial.h5")
    checkpoint(folder / "tf-keras-tutorial-checkpoint", optimizer=optimizer, model=model)

    model = stack(layers.LSTM(H, return_sequences=True), layers.LSTM(H, return_sequences=True), layers.Dropout(0.1))
    found["tf-keras-lstm2"] = logits_of(shaken(model, 2))
    model.save(folder / "tf-keras-lstm2.h5")
    model.save(folder / "tf-keras-lstm2.keras")
    model.save_weights(folder / "tf-keras-lstm2-weights.h5")
    shutil.rmtree(folder / "tf-keras-lstm2-checkpoint", ignore_errors=True)
    model.save_weights(folder / "tf-keras-lstm2-checkpoint" / "weights", save_format="tf")

    v1 = tf.compat.v1.keras.layers
    for name, kind, plain in (("gru", v1.CuDNNGRU, layers.GRU), ("lstm", v1.CuDNNLSTM, layers.LSTM)):
        model = stack(kind(H, return_sequences=True, name="cudnn"), kind(H, return_sequences=True, name="cudnn_1"))
        shaken(model, 3)
        model.save(folder / f"tf-keras-cudnn-{name}.h5")
        model.save(folder / f"tf-keras-cudnn-{name}.keras")
        model.save_weights(folder / f"tf-keras-cudnn-{name}-weights.h5")
        checkpoint(folder / f"tf-keras-cudnn-{name}-checkpoint", model=model)
        other = stack(plain(H, return_sequences=True, name="cudnn"), plain(H, return_sequences=True, name="cudnn_1"))
        for one, two in zip(model.layers, other.layers, strict=True):  # what is loaded by name is converted
            one._name = two.name
        model.save_weights(folder / "converted.h5")
        other.load_weights(folder / "converted.h5", by_name=True)
        (folder / "converted.h5").unlink()
        found[f"tf-keras-cudnn-{name}"] = logits_of(other)

    model = shaken(stack(v1.GRU(H, return_sequences=True, recurrent_activation="sigmoid")), 5)
    model.save_weights(folder / "refused-tensorflow-1-gru.h5")
    shutil.rmtree(folder / "refused-named-checkpoint", ignore_errors=True)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("gru/kernel", (E, 3 * H))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(
            session, str(folder / "refused-named-checkpoint" / "model"), write_meta_graph=False
        )
    return found


def of_torch(folder: Path) -> Logits:
    """PyTorch."""
    import torch
    from safetensors.torch import save_model
    from torch import nn

    found: Logits = {}

    class Model(nn.Module):
        def __init__(self, rnns: list[nn.Module], *, bias: bool = True, width: int = E) -> None:
            super().__init__()
            self.embedding = nn.Embedding(V, width)
            self.rnn = rnns[0] if len(rnns) == 1 else nn.ModuleList(rnns)
            self.fc = nn.Linear(H, V, bias=bias)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            values = self.embedding(ids)
            for rnn in self.rnn if isinstance(self.rnn, nn.ModuleList) else [self.rnn]:
                values = rnn(values)[0]
            logits: torch.Tensor = self.fc(values)
            return logits

    tied = Model([nn.GRU(H, H)], width=H)
    tied.fc.weight = tied.embedding.weight
    models = {
        "torch-gru": Model([nn.GRU(E, H)]),
        "torch-gru2": Model([nn.GRU(E, H, num_layers=2, batch_first=True)]),
        "torch-lstm2": Model([nn.LSTM(E, H, num_layers=2, dropout=0.1)]).eval(),
        "torch-unbiased": Model([nn.LSTM(E, H, bias=False)], bias=False),
        "torch-unbiased-square": Model([nn.GRU(H, H, bias=False)], bias=False, width=H),
        "torch-stacked": nn.DataParallel(Model([nn.GRU(H, H), nn.GRU(H, H), nn.GRU(H, H)], width=H)),
        "torch-tied": tied,
    }
    for number, (name, model) in enumerate(models.items()):
        chance = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=chance) / 2)
            inner = model.module if isinstance(model, nn.DataParallel) else model
            ids = torch.from_numpy(IDS.astype(np.int64))[None if name == "torch-gru2" else slice(None)]
            found[name] = inner(ids).reshape(STEPS, V).numpy().copy()
        save_model(model, str(folder / f"{name}.safetensors"))
    return found


if __name__ == "__main__":
    main()
