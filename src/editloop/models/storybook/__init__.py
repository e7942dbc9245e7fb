"""The tiny editor and generator of the storybook world: real diffusers code at 32 px, with trained weights in the package."""
