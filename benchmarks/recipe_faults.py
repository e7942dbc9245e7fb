"""Faults and the `photos` recipe: kill -9, a full disk, a folder that cannot be written.

    python benchmarks/recipe_faults.py PHOTOS [--kills 5] [--seed 0]

Mines PHOTOS once without interruption and once with `kill -9` at random moments, and compares accepted ids and the
bytes of the export. Then fills a small disk (a tmpfs; needs root) and tries a read-only one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from editloop.records.formats.export import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator


def command(photos: Path, out: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "editloop", "mine", "photos", "--photos", str(photos)),
        *("--out", str(out), "--export", "folder", "--json"),
    ]


def run_whole(photos: Path, out: Path) -> dict[str, object]:
    done = subprocess.run(command(photos, out), capture_output=True, text=True, check=True)
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def run_killed(photos: Path, out: Path, after_s: float) -> bool:
    """Kill the command and all its workers after `after_s` seconds; False when it was done before."""
    process = subprocess.Popen(
        command(photos, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def export_checksums(out: Path) -> dict[str, str]:
    manifest = read_manifest(out / "export" / "folder")
    if manifest is None:
        raise SystemExit(f"{out} holds no export to compare")
    return {file.path: file.sha256 for file in manifest.files}


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def kills(photos: Path, scratch: Path, count: int, seed: int) -> None:
    started = time.perf_counter()
    whole = run_whole(photos, scratch / "whole")
    seconds = time.perf_counter() - started
    rng = random.Random(seed)
    killed = [
        run_killed(photos, scratch / "killed", rng.uniform(0.05, 0.9) * seconds / (1 + index / 2))
        for index in range(count)
    ]
    resumed = run_whole(photos, scratch / "killed")
    again = run_whole(photos, scratch / "killed")
    same = export_checksums(scratch / "whole") == export_checksums(scratch / "killed")
    print(f"uninterrupted: {whole['accepted']} accepted in {seconds:.0f} s")
    print(f"killed {sum(killed)} of {count} times, then resumed: {resumed['accepted']} accepted")
    print(
        f"export byte for byte the same: {same} ({len(export_checksums(scratch / 'whole'))} files)"
    )
    print(f"one more run computed {again['computed']} stage outcomes")


def bad_disks(photos: Path, scratch: Path) -> None:
    with small_disk(scratch / "full", "size=3m") as disk:
        done = subprocess.run(
            command(photos, disk / "run"), capture_output=True, text=True, check=False
        )
        print(f"full disk: exit {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
        subprocess.run(["mount", "-o", "remount,size=400m", str(disk)], check=True)
        resumed = run_whole(photos, disk / "run")
        print(f"  with room again: {resumed['accepted']} accepted, {resumed['failed']} failed")
    with small_disk(scratch / "locked", "ro,size=1m") as disk:
        done = subprocess.run(
            command(photos, disk / "run"), capture_output=True, text=True, check=False
        )
        print(f"read-only: exit {done.returncode}: {done.stderr.strip().splitlines()[-1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kills(options.photos, Path(scratch), options.kills, options.seed)
        if os.geteuid() == 0:
            bad_disks(options.photos, Path(scratch))


if __name__ == "__main__":
    main()
