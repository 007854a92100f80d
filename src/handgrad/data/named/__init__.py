"""Named data sets: digits, MNIST, Fashion-MNIST and KMNIST."""
