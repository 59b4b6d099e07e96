"""Methods on images of a reader's own: compare them, train the one that was chosen, use it."""
