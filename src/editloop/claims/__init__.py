"""The claims of the four papers, tested in the storybook world: one row a claim, with an effect and its interval."""
