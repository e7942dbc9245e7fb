"""Judges measured against people on published data: the arithmetic of VIEScore's and GenAI-Bench's tables, slips beside."""
