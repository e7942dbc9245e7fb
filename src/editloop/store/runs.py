"""The run folder: one process at a time, with a manifest that is there before the first sample.

run/
  manifest.json     what was asked for, with which code, on which machine; closed with counts
  journal.sqlite    what became of every record
  blobs/            images in packs
  events.jsonl      what happened when
  logs/             standard error of the worker processes
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from editloop.core.errors import StoreError
from editloop.store.packs import storage_error

RECORDED_PACKAGES: Final = (
    "editloop", "numpy", "onnxruntime", "opencv-contrib-python-headless", "pillow", "pyarrow", "pydantic", "torch",
)  # fmt: skip
"""Packages whose versions can change results."""

RunStatus = Literal["running", "done", "failed", "interrupted"]


class Attempt(BaseModel):
    """One start of a run: a resumed run has several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    started: str
    finished: str | None = None
    status: RunStatus = "running"
    seconds: float = 0.0
    error: str = ""


class Manifest(BaseModel):
    """What `manifest.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    status: RunStatus
    run_seed: int
    config: dict[str, JsonValue]
    stages: list[dict[str, JsonValue]]
    counts: dict[str, JsonValue] = {}
    versions: dict[str, str]
    git_revision: str | None
    hardware: dict[str, JsonValue]
    attempts: list[Attempt]


class RunFolder:
    """A run folder held by this process.

    Args:
        path: The folder; made when missing.

    Raises:
        StoreError: when it cannot be written, or another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            for folder in (path, self.blobs, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise storage_error(error, path, "make the run folder") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StoreError(
                f"{path} is in use by another process: wait for that run to end, or choose another folder"
            ) from error

    @property
    def journal(self) -> Path:
        """The ledger's SQLite file."""
        return self.path / "journal.sqlite"

    @property
    def blobs(self) -> Path:
        """Folder of the packs."""
        return self.path / "blobs"

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.path / "logs"

    @property
    def events(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    def begin(
        self, run_seed: int, config: dict[str, JsonValue], stages: list[dict[str, JsonValue]]
    ) -> Manifest:
        """Write the manifest of a new attempt, before the first sample."""
        earlier = (
            read_manifest(self.path).attempts if (self.path / "manifest.json").exists() else []
        )
        manifest = Manifest(
            status="running",
            run_seed=run_seed,
            config=config,
            stages=stages,
            versions=package_versions(),
            git_revision=git_revision(Path.cwd()),
            hardware=hardware(),
            attempts=[*earlier, Attempt(started=_now())],
        )
        self._write(manifest)
        return manifest

    def finish(
        self,
        manifest: Manifest,
        status: RunStatus,
        seconds: float,
        counts: dict[str, JsonValue],
        error: str = "",
    ) -> Manifest:
        """Close the manifest's last attempt."""
        last = manifest.attempts[-1].model_copy(
            update={
                "finished": _now(),
                "status": status,
                "seconds": round(seconds, 3),
                "error": error,
            }
        )
        closed = manifest.model_copy(
            update={"status": status, "counts": counts, "attempts": [*manifest.attempts[:-1], last]}
        )
        self._write(closed)
        return closed

    def release(self) -> None:
        """Let other processes use the folder."""
        os.close(self._lock)

    def _write(self, manifest: Manifest) -> None:
        write_atomically(
            self.path / "manifest.json", manifest.model_dump_json(indent=2).encode() + b"\n"
        )


def read_manifest(run: Path) -> Manifest:
    """The manifest of a run folder.

    Raises:
        StoreError: when there is none, or it cannot be read.
    """
    path = run / "manifest.json"
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise storage_error(error, path, "read") from error
    except ValueError as error:
        raise StoreError(
            f"{path} is not a manifest of this version of editloop: {error}"
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: readers see the old file or the new one.

    Raises:
        StoreError: when the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise storage_error(error, path, "write") from error


def check_writable(path: Path) -> None:
    """Find out now, and not after hours of work, that the file `path` could not be written.

    Raises:
        StoreError: its folder cannot be made or written, or `path` is a folder.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise storage_error(error, path, "write") from error


def package_versions() -> dict[str, str]:
    """Versions of Python and of every installed package in `RECORDED_PACKAGES`."""
    versions = {"python": platform.python_version()}
    for name in RECORDED_PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def git_revision(folder: Path) -> str | None:
    """Commit of the repository that `folder` is in, ``+changes`` added when it is not clean; None outside one."""
    try:
        output = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            cwd=folder, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return output.stdout.strip() or None


def hardware() -> dict[str, JsonValue]:
    """The machine, as far as it explains the seconds in a manifest."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count() or 1,
        "usable_cpus": usable_cpus(),
        "memory_gb": round(memory / 2**30, 1),
    }


def usable_cpus() -> int:
    """CPUs that this process may use: its affinity, and in a container no more than the container's quota."""
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(cpus, container_cpus(Path("/sys/fs/cgroup/cpu.max")) or cpus))


def container_cpus(quota: Path) -> int | None:
    """Whole CPUs that a cgroup's quota file allows, rounded up; None without a quota."""
    try:
        allowed, period = quota.read_text().split()
        return -(-int(allowed) // int(period))
    except (OSError, ValueError):
        return None


def append_event(path: Path, event: str, **facts: JsonValue) -> None:
    """Append one line to the event log; a full disk is left to the journal to report."""
    line = json.dumps({"time": _now(), "event": event, **facts}, ensure_ascii=False)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise storage_error(error, path, "write") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
