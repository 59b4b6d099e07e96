"""How networks are trained: one or many, in this process, in others, on a cluster or on a GPU."""
