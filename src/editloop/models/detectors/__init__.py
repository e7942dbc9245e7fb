"""Object detectors: image to labelled boxes."""
