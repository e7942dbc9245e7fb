"""The roles a model can play, and one adapter a file for each model that plays one."""
