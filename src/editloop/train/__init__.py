"""Training of editors: supervised fine-tuning, reward-conditioned training and alignment with a judge as the reward."""
