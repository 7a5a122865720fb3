"""Every exception that jaxdigits raises on purpose.

A message is one line that says what is wrong, what was given, what was expected and what to do.
"""


class JaxDigitsError(Exception):
    """Base class of the exceptions of jaxdigits: catch it to catch them all.

    Examples
    --------
    >>> issubclass(DivergenceError, JaxDigitsError)
    True
    """


class InputError(JaxDigitsError, ValueError):
    """What the user passed cannot be used: a parameter, an array, a file or an option.

    It is also a ``ValueError``, as scikit-learn expects. The mistake is the caller's, so the command line
    exits with status 2 and a web server may answer 400.

    Examples
    --------
    >>> try:
    ...     raise InputError("size must be an int >= 1, got 0. Use 1 or more.")
    ... except ValueError as error:
    ...     print(error)
    size must be an int >= 1, got 0. Use 1 or more.
    """


class DatasetError(InputError):
    """A data set cannot be found or read, or its images and labels do not fit together."""


class ModelFileError(InputError):
    """A model file cannot be read or written: missing, damaged, of an unknown version, or not a model."""


class DivergenceError(JaxDigitsError, ArithmeticError):
    """Training ran away: the loss became NaN or infinite, and a smaller learning rate did not help."""
