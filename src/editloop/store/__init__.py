"""What a run leaves on disk: images in packs, outcomes in a journal, a manifest, kept model replies."""
