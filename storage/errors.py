"""Every error Styleseal raises on purpose. The docstring is the message; the journey puts it into a person's language.

StylesealError
├── StorageError
│   ├── SqliteTooOld
│   ├── SchemaNewer
│   ├── DatabaseMissing
│   ├── DatabaseDamaged
│   ├── CannotWrite
│   │   ├── NoRoom
│   │   └── DiskFails
│   ├── FileMissing
│   ├── FileDamaged
│   └── FileRefused
├── QueueError
│   ├── LeaseLost
│   ├── JobConflict
│   ├── QuotaReached
│   └── Quarantined
├── RequestError
│   ├── UnknownRequest
│   ├── ModelRefused
│   │   └── ModelMissing
│   ├── ModelNotFinite
│   ├── PromptRefused
│   ├── SealMisfit
│   └── RecipeRefused
├── TrainingError
│   ├── LossNotFinite
│   │   └── LossExploded
│   └── OutOfMemory
└── EngineBusy
"""

from __future__ import annotations


class StylesealError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None, **facts: object) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.facts = facts


class StorageError(StylesealError):
    """The database or a file cannot be used."""


class SqliteTooOld(StorageError):
    """This SQLite is older than 3.51.3 and can corrupt a WAL file that two processes share."""


class SchemaNewer(StorageError):
    """The database was written by a newer Styleseal."""


class DatabaseMissing(StorageError):
    """There are files in the data folder but no database; refusing to start with an empty one."""


class DatabaseDamaged(StorageError):
    """The database file is damaged."""


class CannotWrite(StorageError):
    """Nothing can be written at the moment; what was being done goes on by itself when it can."""


class NoRoom(CannotWrite):
    """There is no room left on the disk."""


class DiskFails(CannotWrite):
    """The disk reports errors when it is written to."""


class FileMissing(StorageError):
    """A file that the database names is not on disk."""


class FileDamaged(StorageError):
    """A file's bytes no longer match their hash."""


class FileRefused(StorageError):
    """A file from outside cannot be used."""


class QueueError(StylesealError):
    """The job queue refused."""


class LeaseLost(QueueError):
    """Another engine holds this job now; nothing more may be written for it."""


class JobConflict(QueueError):
    """A live job with the same key asks for something else."""


class QuotaReached(QueueError):
    """This person already has as many jobs waiting as one person may have."""


class Quarantined(QueueError):
    """Three engines died at this job; it is put aside."""


class RequestError(StylesealError):
    """What was asked for cannot be done as asked."""


class UnknownRequest(RequestError):
    """No request of this kind and version is known."""


class ModelRefused(RequestError):
    """The model cannot be used. The fact `fault` is a ModelFault, `model` its name."""


class ModelMissing(ModelRefused):
    """The model cannot be found."""


class ModelNotFinite(RequestError):
    """What the model says is no number, in full precision neither."""


class PromptRefused(RequestError):
    """The prompt cannot be read."""


class SealMisfit(RequestError):
    """This seal was trained on another model and does not fit this one."""


class RecipeRefused(RequestError):
    """These training numbers cannot go together."""


class TrainingError(StylesealError):
    """The training had to stop."""


class LossNotFinite(TrainingError):
    """The loss stopped being a number."""


class LossExploded(LossNotFinite):
    """The loss grew far beyond where it had been."""


class OutOfMemory(TrainingError):
    """There is not enough memory for this."""


class EngineBusy(StylesealError):
    """Another engine holds the GPU."""
