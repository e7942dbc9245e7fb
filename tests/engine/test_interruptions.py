"""Nothing that was accepted is lost, and nothing is done twice, however a run ends."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import toys

from editloop.core.errors import StoreError
from editloop.engine import Stage, run_pipeline
from editloop.store.journal import GROUP_SECONDS
from editloop.store.runs import RunFolder, read_manifest

JOB = Path(__file__).with_name("job.py")
COUNT = 120
PAUSE_S = 0.02


def start(run: Path, log: Path, pause_s: float = 0.0, *limits: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(JOB), str(run), str(log), str(COUNT), *map(str, limits)]
    environment = {**os.environ, "TOY_PAUSE_S": str(pause_s)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(job: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = job.communicate(timeout=120)
    return job.returncode, out, err


def wait_for_lines(log: Path, lines: int) -> None:
    deadline = time.monotonic() + 60
    while sum(toys.calls(log).values()) < lines:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("calm")
    status, out, err = finish(start(folder / "run", folder / "calls"))
    assert status == 0, err
    assert out.count("\n") == COUNT // 2
    return out


def accepted_bytes(run: Path) -> dict[str, bytes]:
    """Pictures of the accepted records."""
    stages = _stages(str(run.parent / "calls"))
    with run_pipeline(stages, toys.words(COUNT), run_dir=run, run_seed=3, workers=2) as result:
        assert result.computed == 0
        return {record.id: result.images.load_bytes(record.picture) for record in result.records()}


def _stages(log: str = "") -> list[Stage]:
    import job

    return job.stages(log)


def test_kill_9_at_random_moments(tmp_path: Path, uninterrupted: str) -> None:
    """Killed five times, then finished: the same records; repeated calls stay within what was under way."""
    run, log = tmp_path / "run", tmp_path / "calls"
    moments = random.Random(7)
    done = 0
    for _ in range(5):
        job = start(run, log, PAUSE_S)
        wait_for_lines(log, min(done + moments.randrange(10, 50), 2 * COUNT))
        time.sleep(moments.random() * 0.05)
        job.kill()
        finish(job)
        done = sum(toys.calls(log).values())
    status, out, err = finish(start(run, log))
    assert status == 0, err
    assert out == uninterrupted
    repeated = sum(count - 1 for count in toys.calls(log).values())
    in_flight = 2 * 4 + 2 * 4
    uncommitted = 2 * GROUP_SECONDS / PAUSE_S * 4
    assert repeated <= 5 * (in_flight + uncommitted)
    assert read_manifest(run).status == "done"


def test_ctrl_c_commits_and_says_how_to_go_on(tmp_path: Path, uninterrupted: str) -> None:
    run, log = tmp_path / "run", tmp_path / "calls"
    job = start(run, log, 0.01)
    wait_for_lines(log, 60)
    job.send_signal(signal.SIGINT)
    status, _, err = finish(job)
    assert status == 1
    assert "RunInterruptedError: stopped by Ctrl-C; run the same command again" in err
    assert "Traceback" not in err
    assert read_manifest(run).status == "interrupted"
    before = sum(toys.calls(log).values())
    status, out, err = finish(start(run, log))
    assert (status, out) == (0, uninterrupted), err
    assert sum(toys.calls(log).values()) - before < 2 * COUNT - 20, "most was kept"


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    job = start(tmp_path / "run", tmp_path / "calls", 0.05)
    wait_for_lines(tmp_path / "calls", 10)
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
    if not children.exists():
        pytest.skip("the system does not list child processes")
    workers = children.read_text().split()
    job.kill()
    finish(job)
    deadline = time.monotonic() + 10
    while any(_is_running(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def _is_running(pid: str) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("limit", [40_000, 200_000])
def test_a_full_disk_is_one_clear_error(tmp_path: Path, uninterrupted: str, limit: int) -> None:
    """No file may grow beyond `limit` bytes: the system's own way to refuse a write."""
    run, log = tmp_path / "run", tmp_path / "calls"
    status, out, err = finish(start(run, log, 0.0, limit))
    assert (status, out) == (1, "")
    assert err.startswith("StoreError: ")
    assert err.count("\n") == 1
    assert "what was committed before is intact" in err
    status, out, err = finish(start(run, log))
    assert (status, out) == (0, uninterrupted), err


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is a file, not a folder"):
        run_pipeline(_stages(), toys.words(3), run_dir=tmp_path / "file" / "run")
    (tmp_path / "locked").mkdir(mode=0o500)
    with _as_somebody_else(), pytest.raises(StoreError, match="permission denied"):
        run_pipeline(_stages(), toys.words(3), run_dir=tmp_path / "locked" / "run")


@contextmanager
def _as_somebody_else() -> Iterator[None]:
    """Root may write anywhere, so become nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(StoreError, match="in use by another process"):
        run_pipeline(_stages(), toys.words(3), run_dir=tmp_path)
    folder.release()
    with run_pipeline([toys.Shout(toys.CallLog())], toys.words(3), run_dir=tmp_path) as result:
        assert result.counts[0].kept == 3


def test_the_order_of_inputs_and_workers_does_not_matter(
    tmp_path: Path, uninterrupted: str
) -> None:
    shuffled = toys.words(COUNT)
    random.Random(1).shuffle(shuffled)
    with run_pipeline(_stages(), shuffled, run_dir=tmp_path, run_seed=3, workers=1) as result:
        assert "".join(f"{r.model_dump_json()}\n" for r in result.records()) == uninterrupted


def test_pictures_survive_a_kill_byte_for_byte(tmp_path: Path, uninterrupted: str) -> None:
    run = tmp_path / "run"
    job = start(run, tmp_path / "calls", 0.004)
    wait_for_lines(tmp_path / "calls", 100)
    job.kill()
    finish(job)
    assert finish(start(run, tmp_path / "calls"))[0] == 0
    pictures = accepted_bytes(run)
    expected = [json.loads(line)["picture"]["sha256"] for line in uninterrupted.splitlines()]
    assert len(pictures) == len(expected)
    journal = sqlite3.connect(run / "journal.sqlite")
    duplicates = journal.execute(
        "SELECT count(*) FROM (SELECT 1 FROM outcome GROUP BY stage, content HAVING count(*) > 1)"
    ).fetchone()
    journal.close()
    assert duplicates == (0,)
