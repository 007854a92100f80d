"""Classifiers for small images, trained with gradients that are derived by hand and checked.

    import handgrad as hg

    train, test = hg.load_data("digits")
    model = hg.Classifier.for_data(hg.models.smallnet(), train, seed=0)
    hg.fit(model, train, epochs=3)
    print(hg.evaluate(model, test))

The public names are listed in ``__init__.pyi``. Each one is imported when it is first used.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
