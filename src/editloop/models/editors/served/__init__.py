"""Image editors behind an OpenAI-compatible endpoint (``images/edits``): ``openai:MODEL[@URL][?option=value&...]``."""
