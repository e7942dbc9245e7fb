"""How stages are run: lanes, batches, resume. What they do is the business of `mine` and `judges`."""
