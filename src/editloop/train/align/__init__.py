"""Post-training of flow-matching editors with a judge as the reward."""
