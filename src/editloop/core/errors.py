"""Every error editloop raises on purpose.

    EditloopError
    ├── UsageError            what the caller asked for makes no sense (exit code 2)
    │   ├── ConfigError       an unknown key, a value of the wrong type
    │   └── UnknownNameError  a name that no registry knows
    ├── PrerequisiteError     something outside the code is missing; says how to get it
    │   └── AssetError        an asset could not be fetched or failed its checksum
    ├── BadInputError         one image or file that cannot be used; carries a machine-readable reason
    ├── StoreError            disk full, read-only, locked, damaged
    ├── ModelCallError        a model endpoint did not answer; never cached, never an empty string
    │   └── BudgetError       a hard cap on calls, tokens, money or time was reached
    ├── RunInterruptedError   Ctrl-C; what was done is committed
    └── StageError            a stage broke its contract (a bug, not a bad record)

A message says what was given, what was expected and what to do. Only `EditloopError` is printed without a
traceback by the command line.
"""

from __future__ import annotations


class EditloopError(Exception):
    """Base of all errors above."""

    exit_code = 1


class UsageError(EditloopError):
    """The request makes no sense as given."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration key or value is wrong."""


class UnknownNameError(UsageError):
    """A registry does not know the name."""


class PrerequisiteError(EditloopError):
    """Something outside the code is missing; the message carries the command that supplies it."""


class AssetError(PrerequisiteError):
    """An asset could not be fetched, or its checksum does not match the pinned one."""


class BadInputError(EditloopError):
    """One input cannot be used.

    Args:
        reason: Stable machine-readable reason, for example ``truncated`` (becomes the drop reason).
        detail: One sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class StoreError(EditloopError):
    """The run folder cannot be written or read; committed work is intact."""


class ModelCallError(EditloopError):
    """A call to a model endpoint failed for good."""


class BudgetError(ModelCallError):
    """A hard cap was reached before the call was sent."""


class RunInterruptedError(EditloopError):
    """The user stopped a run; the message says how to go on."""


class StageError(EditloopError):
    """A stage broke its contract."""
