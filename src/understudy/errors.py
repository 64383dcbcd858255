"""Every exception that Understudy raises on purpose.

    UnderstudyError
    ├── UserError                 the caller's mistake; the command line ends with status 2
    │   ├── TextError             a text that is missing, empty, undecodable or too short
    │   ├── VocabularyError       characters that the model never saw
    │   ├── ConfigError           a setting that is unknown, out of range or contradictory
    │   ├── ModelFileError        a file that is not an intact model of ours
    │   ├── CheckpointError       a run that cannot be resumed
    │   └── MissingExtraError     an optional dependency that is not installed
    ├── StorageError              the disk refused (full, read-only); status 1
    ├── DownloadError             a named corpus, or a text elsewhere, could not be fetched; status 1
    ├── RanksError                other processes of a run are gone; status 1
    ├── GpuError                  the GPU failed at its work; status 1
    └── DivergedError             training met numbers that are not finite, three times; status 1

A message is one line: what was expected, what came, where, and the remedy.
"""


class UnderstudyError(Exception):
    """The root of all exceptions that Understudy raises on purpose."""

    exit_status = 1


class UserError(UnderstudyError):
    """A mistake that the caller can mend; the message says how."""

    exit_status = 2


class TextError(UserError):
    """A text that is missing, empty, undecodable or too short."""


class VocabularyError(UserError):
    """Characters that the model never saw."""


class ConfigError(UserError):
    """A setting that is unknown, out of range or contradicts another."""


class ModelFileError(UserError):
    """A file that is not an intact model of ours."""


class CheckpointError(UserError):
    """A run that cannot be resumed as asked."""


class MissingExtraError(UserError):
    """An optional dependency that is not installed."""


class StorageError(UnderstudyError):
    """The disk refused a write; what was there before is untouched."""


class DownloadError(UnderstudyError):
    """A named corpus, or a text that lies elsewhere, could not be fetched."""


class DivergedError(UnderstudyError):
    """Training met losses or gradients that are not finite more often than it may go back."""


class GpuError(UnderstudyError):
    """The GPU failed at its work; this process cannot use it any more."""


class RanksError(UnderstudyError):
    """The processes of a run could not meet, or one of them is gone."""
