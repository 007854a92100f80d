"""Draw the figure in the README. Run it with `python docs/images/draw.py`."""

from __future__ import annotations

from pathlib import Path

import handgrad as hg

FOLDER = Path(__file__).parent

train, test = hg.load_data("digits")
model = hg.Classifier.for_data(hg.models.smallnet(), train, seed=0)
hg.fit(model, train, epochs=8, optimizer=hg.AdamW(0.01), schedule=hg.schedules.OneCycle())
probabilities = model.predict_proba(test.images)
predicted = probabilities.argmax(axis=1)
wrong = (predicted != test.labels).nonzero()[0][:1]
shown = [*wrong, *(k for k in range(len(test)) if k not in wrong)][:8]
figure = hg.plots.predictions(
    test.images[shown],
    test.labels[shown],
    predicted[shown],
    test.classes,
    probabilities[shown],
)
hg.plots.save(figure, FOLDER / "predictions.png")
