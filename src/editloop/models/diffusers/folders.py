"""Where a pipeline lies, of which class it is, and which version of it this is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from editloop.core.errors import BadInputError, PrerequisiteError, UsageError
from editloop.models.prerequisites import require

INDEX_FILE = "model_index.json"
SAMPLED_FROM_BYTES = 64 * 2**20
SAMPLE_BYTES = 4 * 2**20
_COUNTED = (".safetensors", ".json", ".txt", ".jinja", ".model")


def local_folder(source: str, index_file: str = INDEX_FILE) -> Path:
    """The folder of a model: a local one as it is, a hub id's in the hub's cache, fetched when it is not there.

    Args:
        source: A folder or a hub id.
        index_file: What such a folder holds: a pipeline's `model_index.json`, or a single model's `config.json`.

    Raises:
        UsageError: when a local folder holds no such model.
        PrerequisiteError: when it is no folder and the hub does not have it either (or cannot be asked).
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        if not (folder / index_file).is_file():
            kind = "diffusers pipeline" if index_file == INDEX_FILE else "transformers model"
            raise UsageError(
                f"{folder} holds no {index_file}, so it is no {kind}; "
                f"a folder of LoRA weights goes behind the {kind.split()[1]}: {kind.split()[1].upper()}?lora=FOLDER"
            )
        return folder
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        raise UsageError(f"{source} is no folder and no hub id (OWNER/NAME)")
    hub = require("huggingface_hub", "train")
    try:
        return Path(hub.snapshot_download(source, ignore_patterns=["*.bin", "*.ckpt", "*.pt"]))
    except (OSError, ValueError) as error:
        raise PrerequisiteError(
            f"{source} is no folder here and could not be fetched from the hub "
            f"({type(error).__name__}); fetch it on a connected machine with "
            f"'hf download {source} --local-dir FOLDER' and name FOLDER"
        ) from error


def pipeline_class(folder: Path) -> str:
    """The class name that `model_index.json` gives.

    Raises:
        BadInputError: `not_a_pipeline`, when the file cannot be read or names none.
    """
    try:
        index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
        return str(index["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError("not_a_pipeline", f"{folder / INDEX_FILE}: {error!r}") from error


def fingerprint(*places: Path) -> str:
    """Sixteen hex digits that change when a weight or a configuration below `places` does.

    Files of up to 64 MiB count in full; of larger ones their size and 4 MiB at the beginning, in the middle and at the end,
    which training of any kind changes. Hashing all of a 40 GB checkpoint would cost minutes at every start.
    """
    digest = hashlib.sha256()
    for place in places:
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for file in files:
            if file.is_file() and file.suffix in _COUNTED:
                name = file.name if file == place else file.relative_to(place).as_posix()
                digest.update(name.encode())
                _add(digest, file)
    return digest.hexdigest()[:16]


def _add(digest: hashlib._Hash, file: Path) -> None:
    size = file.stat().st_size
    digest.update(size.to_bytes(8))
    with file.open("rb") as data:
        if size <= SAMPLED_FROM_BYTES:
            digest.update(data.read())
            return
        for start in (0, size // 2, size - SAMPLE_BYTES):
            data.seek(start)
            digest.update(data.read(SAMPLE_BYTES))
