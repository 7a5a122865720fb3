"""The order of the examples: the way in first, then as one would learn; examples that are not named come last."""

from __future__ import annotations

COURSE = (
    "pixels_to_prediction",
    "from_scratch",
    "models",
    "activations",
    "ten_sigmoids",
    "regularization",
    "search",
    "own_handwriting",
    "confidence",
    "pipeline",
    "what_it_looks_at",
    "ensemble",
)


class ByCourse:
    """Sort key of sphinx-gallery.

    Parameters
    ----------
    folder : str
        Where the examples are; not read.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> tuple[int, str]:
        """Return where a file stands."""
        stem = name.removeprefix("plot_").removesuffix(".py")
        return (COURSE.index(stem) if stem in COURSE else len(COURSE)), stem

    def __repr__(self) -> str:
        """Say the same in every build, so that Sphinx sees no other configuration."""
        return "ByCourse"
