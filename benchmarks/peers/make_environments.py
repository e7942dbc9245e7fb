"""Make one virtual environment per peer: `python benchmarks/peers/make_environments.py [--folder F] [PEER ...]`.

Every version is written down (`requirements/PEER.txt`, dependencies of dependencies too) and installed without
resolving anything, so no loose range can pull in gigabytes. All environments together take about 2.5 GB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
PEERS = ("daft", "datasets", "ray", "distilabel", "data_juicer", "openai")
RECEIPT = "installed.txt"
KERNELS = "simplejpeg"
"""Not an environment but a folder for PYTHONPATH, compiled for the interpreter that runs this script."""


def default_folder() -> Path:
    """Where the environments live unless told otherwise."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "editloop-benchmarks" / "peers"


def interpreter(folder: Path, peer: str) -> Path:
    """The Python of a peer's environment."""
    return folder / peer / "bin" / "python"


def kernels_path(folder: Path) -> Path:
    """The folder to put on PYTHONPATH for the rows with the best kernels."""
    return folder / KERNELS


def versions(folder: Path) -> dict[str, str]:
    """Version of every peer that is installed, from the first words of its list."""
    lists = [folder / peer / RECEIPT for peer in PEERS]
    heads = [file.read_text().split(maxsplit=2)[1] for file in lists if file.exists()]
    return dict(head.split("==", 1) for head in heads)


def make(folder: Path, name: str) -> None:
    """Make one environment from nothing, unless it is complete and made from the same list."""
    listed = REQUIREMENTS / f"{name}.txt"
    place = folder / name
    receipt = place / RECEIPT
    if receipt.exists() and receipt.read_text() == listed.read_text():
        print(f"{name}: there already", file=sys.stderr)
        return
    print(
        f"{name}: installing {len(listed.read_text().splitlines()) - 1} packages", file=sys.stderr
    )
    shutil.rmtree(place, ignore_errors=True)
    install = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if name == KERNELS:
        command = [*install, "install", "--no-deps", "--target", str(place), "-r", str(listed)]
    else:
        venv.create(place, with_pip=False, symlinks=True)
        python = str(interpreter(folder, name))
        command = [*install, "--python", python, "install", "--no-deps", "-r", str(listed)]
    subprocess.run(command, check=True)
    shutil.copy(listed, receipt)


def main() -> None:
    """Make the environments that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=", ".join((*PEERS, KERNELS)))
    parser.add_argument("--folder", type=Path, default=default_folder())
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.peers or (*PEERS, KERNELS):
        if name not in (*PEERS, KERNELS):
            parser.error(f"no peer {name!r}; known: {', '.join((*PEERS, KERNELS))}")
        make(options.folder, name)
    print(options.folder)


if __name__ == "__main__":
    main()
