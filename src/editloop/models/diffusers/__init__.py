"""Editors that are diffusers pipelines on disk or on the hub: `diffusers:PATH_OR_ID?option=value&...`.

The pipeline's own class, as its `model_index.json` names it, decides how it is called (`families`). Options are the fields of
`EditSettings`; a folder may bring its own defaults in `editloop.json`.
"""
