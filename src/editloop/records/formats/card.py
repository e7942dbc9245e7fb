"""The README of an exported folder, whose header tells hubs and `datasets` where the rows are."""

from __future__ import annotations

from pathlib import Path

_CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: {pattern}
task_categories:
- image-to-image
tags:
- image-editing
---
# Image editing triplets

Made with editloop: source image, instruction, edited image, the mask of what may change, the judge's verdicts and the
whole provenance of each triplet. Counts, licences and checksums are in `export.json`. Each picture keeps the licence of
its photograph (`licence`, `provenance.origin`): read it before you pass the pictures on.
"""


def write_card(folder: Path, pattern: str) -> None:
    """Write `README.md` for rows at `pattern` (a glob relative to `folder`)."""
    (folder / "README.md").write_text(_CARD.format(pattern=pattern), encoding="utf-8")
