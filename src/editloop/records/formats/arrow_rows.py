"""Records as Arrow rows: the schema of the Parquet export, and the way there and back.

Free-form numbers by name (`axes`, `evidence`) are lists of {name, value}, because Arrow maps open neither in `datasets`
nor in Polars; step parameters, whose types vary, are a JSON string. `kind`, `accepted`, `overall`, `licence` and
`collection` repeat nested facts as plain columns for queries and are not read back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from editloop.core.ids import canonical_json
from editloop.records.formats.dataset import Load, images_of
from editloop.records.formats.image_bytes import suffix
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

IMAGE_COLUMNS = ("source", "target", "mask", "references")
DERIVED_COLUMNS = ("kind", "accepted", "overall", "licence", "collection")
REF_SUFFIX = "_ref"
_NAMED = ("axes", "flags", "evidence")

Row = dict[str, Any]


_IMAGE = {"bytes": bytes, "path": str}
_REF = {"sha256": str, "width": int, "height": int, "media_type": str}
_BOX = {"left": int, "top": int, "right": int, "bottom": int}
_NUMBERS = [{"name": str, "value": float}]
_SUBJECT = {"label": str, "box": _BOX, "area_frac": float, "score": float, "similarity": float}
_TURN = {
    "dialogue_id": str,
    "kind": str,
    "turn": int,
    "turns": int,
    "base_turn": int,
    "history": [str],
}
_ORIGIN = {"name": str, "collection": str, "licence": str, "author": str, "url": str}
_STEP = {
    "stage": str,
    "version": str,
    "model": str,
    "model_version": str,
    "prompt_hash": str,
    "seed": int,
    "parameters": str,
}
_PROVENANCE = {
    "recipe": str,
    "recipe_version": str,
    "run_seed": int,
    "origin": _ORIGIN,
    "steps": [_STEP],
}
_VERDICT = {
    "judge": str,
    "judge_version": str,
    "prompt_version": str,
    "temperature": float,
    "scale": [float],
    "axes": _NUMBERS,
    "flags": [{"name": str, "value": bool}],
    "evidence": _NUMBERS,
    "text": str,
    "reasons": [str],
    "accepted": bool,
    "reject_reason": str,
    "outcome": str,
    "raw_reply": str,
}
_COLUMNS: dict[str, Any] = {
    "id": str,
    "source": _IMAGE,
    "instruction": str,
    "target": _IMAGE,
    "edit_type": str,
    "kind": str,
    "mask": _IMAGE,
    "references": [_IMAGE],
    "phrasings": [{"style": str, "text": str}],
    "subjects": [_SUBJECT],
    "turn": _TURN,
    "parents": [str],
    "operation": str,
    "accepted": bool,
    "overall": float,
    "verdicts": [_VERDICT],
    "licence": str,
    "collection": str,
    "provenance": _PROVENANCE,
    "source_ref": _REF,
    "target_ref": _REF,
    "mask_ref": _REF,
    "references_ref": [_REF],
    "schema_version": int,
}
"""The columns in order: a dict is a struct, a one-item list is a list of that item, numbers are 64 bits wide."""


def arrow_schema() -> Any:
    """The `pyarrow.Schema` of the export; its metadata tells `datasets` which columns are images."""
    import pyarrow as pa

    fields = [(name, _arrow_type(kind)) for name, kind in _COLUMNS.items()]
    return pa.schema(fields, metadata=_metadata())


def text_leaves() -> list[str]:
    """Parquet paths of all leaf columns but the image bytes, which do not shrink under compression."""
    leaves = [leaf for name, kind in _COLUMNS.items() for leaf in _leaves(name, kind)]
    return [leaf for leaf in leaves if not leaf.endswith(".bytes")]


def _leaves(path: str, kind: Any) -> Iterator[str]:
    if isinstance(kind, dict):
        for name, inner in kind.items():
            yield from _leaves(f"{path}.{name}", inner)
    elif isinstance(kind, list):
        yield from _leaves(f"{path}.list.element", kind[0])
    else:
        yield path


def _arrow_type(kind: Any) -> Any:
    import pyarrow as pa

    if isinstance(kind, dict):
        return pa.struct([(name, _arrow_type(inner)) for name, inner in kind.items()])
    if isinstance(kind, list):
        return pa.list_(_arrow_type(kind[0]))
    plain = {str: pa.string, bytes: pa.binary, int: pa.int64, float: pa.float64, bool: pa.bool_}
    return plain[kind]()


def _metadata() -> dict[str, str]:
    image = {"_type": "Image"}
    features = {"source": image, "target": image, "mask": image, "references": [image]}
    return {
        "editloop": json.dumps({"layout": "parquet", "schema_version": 1}),
        "huggingface": json.dumps({"info": {"features": features}}, sort_keys=True),
    }


def to_row(record: EditRecord, load: Load) -> tuple[Row, int]:
    """One Arrow row with the image bytes inside, and how many bytes those are."""
    row: Row = record.model_dump(mode="json")
    for name in IMAGE_COLUMNS:
        row[name + REF_SUFFIX] = row[name]
    images = {part: _image(record, part, ref, load) for part, ref in images_of(record)}
    references = [images[f"reference_{n}"] for n in range(len(record.references))]
    row |= {name: images.get(name) for name in IMAGE_COLUMNS} | {"references": references}
    for step in row["provenance"]["steps"]:
        step["parameters"] = canonical_json(step["parameters"]).decode()
    for verdict in row["verdicts"]:
        for name in _NAMED:
            verdict[name] = [{"name": k, "value": v} for k, v in verdict[name].items()]
    row |= _derived(record)
    return row, sum(len(image["bytes"]) for image in images.values())


def _image(record: EditRecord, part: str, ref: ImageRef, load: Load) -> Row:
    return {"bytes": load(ref), "path": f"{record.id}.{part}{suffix(ref.media_type)}"}


def _derived(record: EditRecord) -> Row:
    verdict, origin = record.verdict, record.provenance.origin
    return {
        "kind": record.kind.value,
        "accepted": verdict.accepted if verdict else None,
        "overall": verdict.overall if verdict else None,
        "licence": origin.licence,
        "collection": origin.collection,
    }


def from_row(row: Row) -> EditRecord:
    """The record of a row; image columns need not be present."""
    fields = {k: v for k, v in row.items() if k not in DERIVED_COLUMNS and k not in IMAGE_COLUMNS}
    for name in IMAGE_COLUMNS:
        fields[name] = fields.pop(name + REF_SUFFIX)
    steps = [s | {"parameters": json.loads(s["parameters"])} for s in row["provenance"]["steps"]]
    fields["provenance"] = row["provenance"] | {"steps": steps}
    fields["verdicts"] = [
        verdict | {name: {pair["name"]: pair["value"] for pair in verdict[name]} for name in _NAMED}
        for verdict in row["verdicts"]
    ]
    return EditRecord.model_validate(fields)
