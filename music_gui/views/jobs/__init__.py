"""Jobs: the panel, and the dialogs that start them."""
