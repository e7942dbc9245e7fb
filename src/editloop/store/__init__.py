"""Run folders: packs of images by hash, the journal of outcomes, manifests, the model-call cache."""
