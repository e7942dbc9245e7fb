"""One step of Flow-GRPO on a toy-size Qwen-Image-Edit-Plus, written in several ways that compute the same numbers."""
