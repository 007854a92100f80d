"""Small-image classifiers, trained with gradients that are derived by hand and proven.

    import handgrad as hg

    train, test = hg.load_data("mnist")
    model = hg.Classifier.for_data(hg.models.convnet(), train, seed=0)
    loss, grads = model.network.loss_and_grads(*train[:64])  # gradients are values
    history = hg.fit(model, train, epochs=3, optimizer=hg.Adam(1e-3))
    print(hg.evaluate(model, test))

The public names are listed in ``__init__.pyi``; each is loaded when it is first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
