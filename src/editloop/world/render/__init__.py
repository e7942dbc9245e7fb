"""Draws scenes: `render` for the picture, `object_mask` and `object_alpha` for where one object is seen."""

from editloop.world.render.picture import object_alpha, object_mask, render

__all__ = ["object_alpha", "object_mask", "render"]
