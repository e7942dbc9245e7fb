"""Vision-language models: one adapter a module, and the messages that all of them speak."""
