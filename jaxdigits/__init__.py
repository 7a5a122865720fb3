"""Handwritten-digit recognition: a scikit-learn classifier on a JAX, Flax and Optax core.

Importing this package is cheap: a public name imports its module, and with it JAX or scikit-learn, when it is
first used.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Public name -> the module it lives in. Type checkers read the imports below, a test keeps the two equal.
_MODULES = {
    "CNN": "jaxdigits.core.models",
    "DigitClassifier": "jaxdigits.estimator",
    "DigitImages": "jaxdigits.transformer",
    "JaxDigitsError": "jaxdigits.errors",
    "MLP": "jaxdigits.core.models",
    "Recognizer": "jaxdigits.recognize",
    "VectorizedSearchCV": "jaxdigits.search",
    "load_digits": "jaxdigits.data.datasets",
    "load_mnist": "jaxdigits.data.datasets",
    "load_model": "jaxdigits.estimator",
    "load_pretrained": "jaxdigits.recognize",
    "read_dataset": "jaxdigits.data.datasets",
}

__all__ = ["__version__", *_MODULES]

if TYPE_CHECKING:
    from jaxdigits.core.models import CNN as CNN
    from jaxdigits.core.models import MLP as MLP
    from jaxdigits.data.datasets import load_digits as load_digits
    from jaxdigits.data.datasets import load_mnist as load_mnist
    from jaxdigits.data.datasets import read_dataset as read_dataset
    from jaxdigits.errors import JaxDigitsError as JaxDigitsError
    from jaxdigits.estimator import DigitClassifier as DigitClassifier
    from jaxdigits.estimator import load_model as load_model
    from jaxdigits.recognize import Recognizer as Recognizer
    from jaxdigits.recognize import load_pretrained as load_pretrained
    from jaxdigits.search import VectorizedSearchCV as VectorizedSearchCV
    from jaxdigits.transformer import DigitImages as DigitImages
else:
    # Hidden from type checkers, for which it would make every misspelt name exist.
    def __getattr__(name: str) -> object:
        """Import the module of a public name at its first use (PEP 562)."""
        from importlib import import_module

        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names along with what has been imported so far."""
    return sorted({*globals(), *__all__})
