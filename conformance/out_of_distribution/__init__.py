"""How many images of other kinds an MNIST model rejects: letters, scribbles, noise, clothing."""
