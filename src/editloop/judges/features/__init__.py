"""Judges without a vision-language model: numbers about a triplet, and a small model that people's ratings fit to them."""
