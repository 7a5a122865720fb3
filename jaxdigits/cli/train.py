"""`jaxdigits train`: train a classifier on anyone's labeled digits and save it."""

from __future__ import annotations

import argparse
from pathlib import Path

from jaxdigits.cli.fitting import add_training_arguments, describe_training, hold_out, make_classifier, train
from jaxdigits.cli.outputs import (
    add_picture_argument,
    check_output,
    check_picture,
    figures,
    format_rows,
    remark,
    save_figure,
)
from jaxdigits.cli.results import count_phrase
from jaxdigits.cli.sources import Source, add_data_argument, open_source
from jaxdigits.data.datasets import Dataset
from jaxdigits.errors import InputError
