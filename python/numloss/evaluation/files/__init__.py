"""Files of predictions, read in chunks."""
