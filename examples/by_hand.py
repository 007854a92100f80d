"""Write gradient descent as an explicit loop; fail if the test accuracy is below 92 %."""

import numpy as np

import handgrad as hg

train, test = hg.load_data("digits")
layers = [hg.Flatten(), hg.Dense(32), hg.ReLU(), hg.Dense()]
net = hg.Network(layers, shape=train.shape, classes=10, seed=0)
rng = np.random.default_rng(0)

for epoch in range(1, 21):
    losses = []
    for batch in np.array_split(rng.permutation(len(train)), len(train) // 32):
        loss, gradients = net.loss_and_grads(*train[batch])
        for name, gradient in gradients.items():
            net.parameters[name] -= 0.2 * gradient
        losses.append(loss)
    print(f"epoch {epoch:2}  loss {np.mean(losses):.4f}")

found = hg.evaluate(net, test)
print(found)
assert found.accuracy > 0.92, "the network has not learned"
