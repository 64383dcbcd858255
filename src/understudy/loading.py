"""From the name of a run folder or a model file to a model."""

from os import PathLike

from understudy import checks
from understudy.model import file
from understudy.trained import Device, Model, Precision, for_writing, writes_with

Name = str | PathLike[str]


def load(
    model: Name, *, precision: Precision | None = None, device: Device = "cpu", only_writes: bool = False
) -> Model:
    """The model of a run folder or a model file.

    Args:
        model: the folder or the file.
        precision: what it writes with: "int8" for speed (as a CPU does unless told), "float32" to the letter of the
            weights (as a GPU does).
        device: where it writes.
        only_writes: keep what it writes with and let its weights go, four times as large as that in eight bits: it
            can be neither evaluated nor exported then.

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
        ConfigError: something given is not what was expected, or int8 is asked for on a GPU.
    """
    name = checks.path("MODEL", model)
    writes_with(precision, device)
    light = checks.truth("only_writes", only_writes)

    def made(found: file.ModelFile) -> Model:
        loaded = Model(found, precision=precision, device=device)
        loaded._run = file.run_of(name)
        return for_writing(loaded) if light else loaded

    return file.read_for(name, made)
