"""A run of many processes: what rank 0 has found and decided, on all of them."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.errors import ConfigError, UserError
from understudy.model import file, parameters
from understudy.model.config import NGRAM_CODES, ModelConfig
from understudy.model.file import ModelFile
from understudy.ranks.contract import Ranks
from understudy.runs.checkpoint import Checkpoint
from understudy.runs.facts import Facts
from understudy.runs.folder import RunFolder
from understudy.runs.material import TextOptions
from understudy.text.vocabulary import Vocabulary
from understudy.training.loop import Trainer


def check_shareable(ranks: Ranks, options: TextOptions | None) -> None:
    """See that all ranks can read the texts.

    Raises:
        ConfigError: they come from standard input, which is one process's.
    """
    named = () if options is None else (*options.texts, options.validation_file)
    if ranks.count > 1 and "-" in named:
        raise ConfigError(f"-: {ranks.count} processes cannot read one standard input; give the text as a file")


def check_lanes(ranks: Ranks, lanes: int) -> None:
    """See that there is work for all ranks.

    Raises:
        ConfigError: there are more of them than lanes.
    """
    if ranks.count > lanes:
        raise ConfigError(
            f"{ranks.count} processes for {lanes} lanes: each needs one at least; give more --batch-size, or start "
            f"fewer processes"
        )


def call(ranks: Ranks, facts: Facts, *, begins: bool) -> None:
    """Tell all ranks what is to be trained, as far as rank 0 knows it, and wait until they are ready.

    Raises:
        UserError: one of them is not.
    """
    ranks.told({"facts": facts.to_document(), "begins": begins})
    answered(ranks, None)


def answered(ranks: Ranks, error: UserError | None) -> None:
    """Tell all ranks whether this one is ready, and hear it of the others.

    Raises:
        UserError: this one is not, or another.
    """
    said = ranks.each(None if error is None else str(error))
    if error is not None:
        raise error
    for rank, line in enumerate(said):
        if line is not None:
            raise UserError(f"process {rank} of {ranks.count}: {line}")


def shared(ranks: Ranks, found: Checkpoint | None) -> Checkpoint:
    """Rank 0's checkpoint, on all of them."""
    told = ranks.told(None if found is None else found.to_document())
    found = found or Checkpoint.from_document(told)
    names = sorted(found.tensors) if ranks.count > 1 else []
    sent = {name: torch.from_numpy(np.array(found.tensors[name])) for name in names}
    ranks.follow(list(sent.values()))
    return (
        found
        if ranks.leads
        else Checkpoint(
            found.facts, found.progress, found.written, {name: tensor.numpy() for name, tensor in sent.items()}
        )
    )


def handed_over(ranks: Ranks, path: Path) -> ModelFile | None:
    """Rank 0's model, for those that may not see its disk; nothing for rank 0 itself.

    Args:
        ranks: all take part.
        path: where rank 0 has it.
    """
    if ranks.count == 1:
        return None
    mine = file.read(path) if ranks.leads else None
    says = None if mine is None else (mine.config.to_document(), mine.vocabulary.to_document(), mine.training)
    told = ranks.told(says)
    config, vocabulary = ModelConfig.from_document(told[0]), Vocabulary.from_document(told[1])
    types = {NGRAM_CODES: torch.int64}
    sent = {name: torch.zeros(shape, dtype=types.get(name, torch.float32)) for name, shape in config.shapes().items()}
    for name, tensor in ({} if mine is None else mine.tensors).items():
        sent[name].copy_(torch.from_numpy(np.array(tensor)))
    ranks.follow(list(sent.values()))
    if mine is not None:
        return None
    return ModelFile(config, vocabulary, told[2], {name: tensor.numpy() for name, tensor in sent.items()})


def drifted(trainer: Trainer) -> list[int]:
    """The ranks whose weights are not rank 0's; they have them from here on, with the optimiser's memory of them.

    Processors that differ compute different last bits, and a run goes on from one set of weights.
    """
    ranks, network = trainer.ranks, trainer.network
    digests = ranks.each(digest(trainer))
    others = [rank for rank, found in enumerate(digests) if found != digests[0]]
    if others:
        moments = [trainer.optimizer.moments(parameter) for parameter in network.parameters()]
        ranks.follow([*network.parameters(), *(value for kept in moments for value in kept.values())])
    return others


def digest(trainer: Trainer) -> str:
    """Of the weights; nothing where there is nobody to compare it with."""
    if trainer.ranks.count == 1:
        return ""
    found = hashlib.sha256()
    for array in parameters.arrays(trainer.network).values():
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def stand(ranks: Ranks, folder: RunFolder) -> None:
    """Let all ranks know where rank 0 keeps the run."""
    whole = ranks.told(str(folder.whole.absolute()))
    if not ranks.leads:
        folder.stands_for(Path(whole))


def own_texts(told: TextOptions, named: TextOptions | None) -> TextOptions:
    """The texts of a run as this process's user names them; where they are not named, as rank 0 has them."""
    if named is None:
        return told
    here = named.absolute()
    names: dict[str, Any] = {"texts": list(here.texts), "validation_file": here.validation_file or told.validation_file}
    return TextOptions.from_document({**told.to_document(), **names})
