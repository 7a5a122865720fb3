"""Figures in the manner of scikit-learn's Display classes.

Each class is made by `from_estimator` or from plain values, keeps what it shows as attributes, and draws with
`plot(ax=...)`, which leaves `ax_` and `figure_` behind. Text, frames and backgrounds follow the style in
force; the two colors are told apart by color-blind readers and stand out from white and black alike.
"""

from jaxdigits.plotting.annotated_page import AnnotatedPageDisplay
from jaxdigits.plotting.confusion_matrix import ConfusionMatrixDisplay
from jaxdigits.plotting.digit_sheet import DigitSheetDisplay
from jaxdigits.plotting.mistakes import MistakesDisplay
from jaxdigits.plotting.predictions import PredictionsDisplay
from jaxdigits.plotting.reliability import ReliabilityDisplay
from jaxdigits.plotting.risk_coverage import RiskCoverageDisplay
from jaxdigits.plotting.saliency import SaliencyDisplay
from jaxdigits.plotting.search_heat_map import SearchHeatMapDisplay
from jaxdigits.plotting.training_curves import TrainingCurvesDisplay
from jaxdigits.plotting.what_the_model_saw import WhatTheModelSawDisplay

__all__ = [
    "AnnotatedPageDisplay",
    "ConfusionMatrixDisplay",
    "DigitSheetDisplay",
    "MistakesDisplay",
    "PredictionsDisplay",
    "ReliabilityDisplay",
    "RiskCoverageDisplay",
    "SaliencyDisplay",
    "SearchHeatMapDisplay",
    "TrainingCurvesDisplay",
    "WhatTheModelSawDisplay",
]
