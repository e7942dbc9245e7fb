"""Sample photographs that ship inside packages, each with its licence, author and source.

Most come from a Debian package and need ``apt-get`` once; those of scikit-image and scikit-learn are always there
with the ``photos`` extra. Only public-domain, CC0 and CC-BY photographs are listed.
"""

from __future__ import annotations

import importlib.util
import logging
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from editloop.core.assets import ensure_asset
from editloop.core.errors import AssetError, PrerequisiteError

logger = logging.getLogger(__name__)

_DEBIAN_ASSET = "gcompris-photos"
_DEBIAN_COLLECTION = "gcompris-qt-data"
_PYTHON_FOLDERS = {
    "scikit-image": ("skimage", "data"),
    "scikit-learn": ("sklearn", "datasets/images"),
}


@dataclass(frozen=True, slots=True)
class SamplePhoto:
    """One photograph on this machine."""

    path: Path
    name: str
    licence: str
    author: str
    url: str
    collection: str


def sample_photos(limit: int | None = None) -> list[SamplePhoto]:
    """The sample photographs that can be had on this machine, in a fixed order that starts varied.

    Args:
        limit: At most this many; all of them by default.

    Raises:
        PrerequisiteError: when not one can be had.
    """
    folders = {
        collection: folder
        for collection in (_DEBIAN_COLLECTION, *_PYTHON_FOLDERS)
        if (folder := _folder_of(collection))
    }
    photos = [
        SamplePhoto(
            path=path,
            name=row["name"],
            licence=row["licence"],
            author=row["author"],
            url=row["url"],
            collection=row["collection"],
        )
        for row in _listed()
        if row["collection"] in folders
        and (path := folders[row["collection"]] / row["file"]).is_file()
    ]
    if not photos:
        raise PrerequisiteError(
            "no sample photograph is on this machine; run: pip install 'editloop[photos]', or pass a folder of your own"
        )
    return photos[:limit]


@cache
def _listed() -> list[dict[str, str]]:
    text = resources.files("editloop.models").joinpath("samples.toml").read_text("utf-8")
    rows: list[dict[str, str]] = tomllib.loads(text)["photo"]
    return rows


def _folder_of(collection: str) -> Path | None:
    if collection == _DEBIAN_COLLECTION:
        try:
            return ensure_asset(_DEBIAN_ASSET)
        except AssetError as error:
            logger.warning("the photographs of %s are left out: %s", collection, error)
            return None
    module, subfolder = _PYTHON_FOLDERS[collection]
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent / subfolder if spec and spec.origin else None
