"""Train a built-in network on the built-in digits; fail if the test accuracy is below 97 %."""

import handgrad as hg

train, test = hg.load_data("digits")
model = hg.Classifier.for_data(hg.models.smallnet(), train, seed=0)
print(model.network.summary())

hg.fit(model, train, epochs=8, optimizer=hg.AdamW(0.01), schedule=hg.schedules.OneCycle())

found = hg.evaluate(model, test)
print(found)
assert found.accuracy > 0.97, "the network has not learned"
