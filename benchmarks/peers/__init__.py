"""Other engines beside ours: their environments and the scripts that run in them."""
