"""Makes benchmarks: from the storybook world, and from photographs by the recipes of published benchmarks."""
