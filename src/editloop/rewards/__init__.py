"""From scores to rewards: maps, combination of several rewards, group statistics and the group filter. Torch-free."""
