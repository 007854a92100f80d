"""The shortest way: a named model, the built-in digits, one call. Fails below 97 %."""

import handgrad as hg

train, test = hg.load_data("digits")
net = hg.Network(hg.models.smallnet(), shape=train.shape, classes=train.classes, seed=0)
print(net.summary())

hg.fit(net, train, epochs=8, optimizer=hg.AdamW(0.01), schedule=hg.schedules.OneCycle())

found = hg.evaluate(net, test)
print(found)
assert found.accuracy > 0.97, "the network has not learned"
