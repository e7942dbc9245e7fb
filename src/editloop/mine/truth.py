"""The storybook case behind a triplet, kept in its provenance: models never see it, audits and augmentation do."""

from __future__ import annotations

from typing import Final

from editloop.records.record import EditRecord
from editloop.world.cases import Case
from editloop.world.sampling import case_from_json

TRUTH: Final = "truth"
"""Name of the provenance parameter."""


def truth_of(record: EditRecord) -> Case | None:
    """The case of the latest step that wrote one; None for triplets from elsewhere."""
    for step in reversed(record.provenance.steps):
        written = step.parameters.get(TRUTH)
        if isinstance(written, str):
            return case_from_json(written)
    return None
