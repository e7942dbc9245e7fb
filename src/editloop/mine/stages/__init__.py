"""The stages that mining recipes are built from, one verb a file."""
