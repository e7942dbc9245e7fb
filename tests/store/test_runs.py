from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from editloop.core.errors import StoreError
from editloop.store.runs import (
    RunFolder,
    append_event,
    container_cpus,
    git_revision,
    read_manifest,
    write_atomically,
)


def test_the_manifest_tells_the_run_s_whole_story(tmp_path: Path) -> None:
    for status in ("interrupted", "done"):
        folder = RunFolder(tmp_path)
        manifest = folder.begin(7, {"recipe": "photos"}, [{"name": "shout"}])
        assert read_manifest(tmp_path).status == "running"
        folder.finish(manifest, status, 1.5, {"inputs": 3})
        folder.release()
    told = read_manifest(tmp_path)
    assert (told.status, told.run_seed, told.config) == ("done", 7, {"recipe": "photos"})
    assert [attempt.status for attempt in told.attempts] == ["interrupted", "done"]
    assert told.counts == {"inputs": 3}
    assert {"python", "numpy", "pydantic"} <= told.versions.keys()
    assert int(str(told.hardware["cpus"])) >= 1


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(StoreError, match="is not a manifest"):
        read_manifest(tmp_path)


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write_atomically(path, b"1")
    write_atomically(path, b"22")
    assert path.read_bytes() == b"22"
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]
    (tmp_path / "target").mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        write_atomically(tmp_path / "target", b"1")


def test_events_are_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append_event(path, "started", stages=["a"])
    append_event(path, "done")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in events] == ["started", "done"]


def test_git_revision(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    clean = git_revision(tmp_path)
    assert clean is not None
    assert len(clean) == 40
    (tmp_path / "file").touch()
    subprocess.run([*git, "add", "file"], check=True)
    assert git_revision(tmp_path) == f"{clean}+changes"


@pytest.mark.parametrize(
    ("text", "cpus"), [("200000 100000", 2), ("150000 100000", 2), ("max 100000", None), ("", None)]
)
def test_a_container_s_quota(tmp_path: Path, text: str, cpus: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert container_cpus(tmp_path / "cpu.max") == cpus
    assert container_cpus(tmp_path / "missing") is None
