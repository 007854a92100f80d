"""The built-in data sets: digits, MNIST, Fashion-MNIST and KMNIST."""
