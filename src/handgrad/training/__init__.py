"""The one loop: from a network and pictures to a trained network and its history."""
