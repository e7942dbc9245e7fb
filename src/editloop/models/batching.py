"""Editors and judges that take many requests at once, whether or not they are faster so."""

from __future__ import annotations

from collections.abc import Sequence

from editloop.models.roles import BatchEditor, Editor, EditRequest, EditResult


def edit_all(editor: Editor, requests: Sequence[EditRequest]) -> list[EditResult]:
    """One result a request, in order; editors that are faster on many at once get them so."""
    if isinstance(editor, BatchEditor):
        return editor.edit_many(requests)
    return [editor.edit(request) for request in requests]
