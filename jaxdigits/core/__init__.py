"""The functional core: pure JAX functions from a model spec to trained params and logits.

Its modules know no scikit-learn and no files. Each is imported by name
(``from jaxdigits.core import training``), so that importing this package alone does not import JAX.
"""
