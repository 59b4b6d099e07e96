"""What the book says of the thesis: its numbers, ours beside them, the findings and the studies."""
