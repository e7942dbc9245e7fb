"""Training of the shipped toy weights: ``python -m editloop.train.storybook --out FOLDER``."""
