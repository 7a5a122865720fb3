"""
A pipeline with scikit-learn's transformers
===========================================

:class:`~jaxdigits.DigitClassifier` is a scikit-learn estimator like any other: it can be put behind scalers and
projections, cross-validated, searched and saved with what stands before it. And :class:`~jaxdigits.DigitImages` puts
the mending of pictures into the same pipeline.
"""

# %%
# Scale, project, classify
# ------------------------
#
# Principal components keep the directions in which the images differ most. What comes out are no pixels anymore, so the
# classifier is told that its rows are no pictures.

from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jaxdigits import DigitClassifier, load_digits

X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)

pipeline = make_pipeline(
    StandardScaler(),
    PCA(n_components=30, whiten=True, random_state=0),
    DigitClassifier("mlp", image_shape=None, max_epochs=15, random_state=0),
)
pipeline.fit(X_train, y_train)

numbers = X_train
print(f"{'pixels':<16} shape {numbers.shape}, from {numbers.min():.1f} to {numbers.max():.1f}")
for name, step in pipeline.steps[:-1]:
    numbers = step.transform(numbers)
    print(f"{name:<16} shape {numbers.shape}, from {numbers.min():.1f} to {numbers.max():.1f}")
print(f"test accuracy {pipeline.score(X_test, y_test):.2%}")

# %%
# Cross-validate the whole
# ------------------------
#
# Scaler and projection learn from data too. Inside a pipeline they are fitted on each fold's training part only, so
# nothing of the images that judge it leaks in.

scores = cross_val_score(pipeline, X_train, y_train, cv=3)
print("folds", scores.round(4), f"mean {scores.mean():.2%}")

# %%
# Search through the pipeline
# ---------------------------
#
# A parameter of a step is named by the step, two underscores and the parameter.

from jaxdigits import VectorizedSearchCV
from jaxdigits.plotting import SearchHeatMapDisplay

grid = {
    "pca__n_components": [5, 20],
    "digitclassifier__learning_rate": [1e-3, 3e-3, 1e-2],
}
search = VectorizedSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
print(search.best_params_, f"score {search.best_score_:.2%}, test {search.score(X_test, y_test):.2%}")
_ = SearchHeatMapDisplay.from_estimator(search, x="digitclassifier__learning_rate", y="pca__n_components")

# %%
# Pictures of any size
# --------------------
#
# Pictures from outside come in all sizes, dark on light or light on dark, with the digit somewhere in them. We make
# some from the same digits: paper of random size and brightness, the digit at a random place.

import numpy as np
from PIL import Image

digits = load_digits()
generator = np.random.default_rng(0)


def make_scan(image):
    """Return a picture of the digit, as a scanner might have cut it out."""
    side = int(generator.integers(40, 80))
    pen = Image.fromarray((image * 15.9).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    height, width = generator.integers(side, side + 60, 2)
    top, left = generator.integers(0, height - side + 1), generator.integers(0, width - side + 1)
    ink = np.zeros((height, width))
    ink[top : top + side, left : left + side] = np.asarray(pen) / 255
    paper = generator.uniform(170, 250)
    scan = paper - (paper - generator.uniform(10, 90)) * ink
    return (scan if generator.random() < 0.7 else 255 - scan).astype(np.uint8)


scans = [make_scan(image) for image in digits.images[:500]]
labels = digits.target[:500]
print("shapes of the first scans:", [scan.shape for scan in scans[:4]])

import matplotlib.pyplot as plt

from jaxdigits import DigitImages

canonical = DigitImages().transform(scans[:8])
figure, panels = plt.subplots(2, 8, figsize=(9, 2.8), layout="constrained")
for above, below, scan, image in zip(*panels, scans, canonical, strict=False):
    above.imshow(scan, cmap="gray", vmin=0, vmax=255)
    below.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    for ax in (above, below):
        ax.set(xticks=[], yticks=[])
panels[0, 0].set_ylabel("scan")
_ = panels[1, 0].set_ylabel("DigitImages")

# %%
# The reader is again one estimator: scans in, labels out.

train, test, y_scans, y_unseen = train_test_split(scans, labels, stratify=labels, random_state=0)
reader = make_pipeline(DigitImages(), DigitClassifier("mlp", max_epochs=15, random_state=0)).fit(train, y_scans)
print(f"with DigitImages: training {reader.score(train, y_scans):.2%}, test {reader.score(test, y_unseen):.2%}")


def shrink(scans):
    """Bring scans to rows of 28 x 28 pixels and do nothing else."""
    return np.stack([np.asarray(Image.fromarray(scan).resize((28, 28)), float).ravel() for scan in scans])


from sklearn.preprocessing import FunctionTransformer

plain = make_pipeline(
    FunctionTransformer(shrink),
    StandardScaler(),
    DigitClassifier("mlp", image_shape=None, max_epochs=15, random_state=0),
).fit(train, y_scans)
print(f"shrunk only: training {plain.score(train, y_scans):.2%}, test {plain.score(test, y_unseen):.2%}")

# %%
# Without it the network has to learn from few scans that place, size, brightness and polarity mean nothing. What it
# learns of its training scans does not hold for others.

# %%
# Exercises
# ---------
#
# **1. Columns instead of pixels.** Put scikit-learn's ``KBinsDiscretizer`` or ``Binarizer`` before the classifier: how
# much is lost when each pixel is only black or white?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        from sklearn.preprocessing import Binarizer
#
#        gray = DigitClassifier("mlp", max_epochs=15, random_state=0).fit(X_train, y_train)
#        print(f"16 levels of gray {gray.score(X_test, y_test):.2%}")
#        for threshold in (2, 8, 14):
#            two = make_pipeline(Binarizer(threshold=threshold), DigitClassifier("mlp", max_epochs=15, random_state=0))
#            print(f"ink above {threshold:>2}      {two.fit(X_train, y_train).score(X_test, y_test):.2%}")
#
#    Less than one might fear if the threshold lies in the middle: the form of a stroke says more than its shade.
#
# **2. Save the reader.** Save the fitted pipeline with ``joblib`` and load it again. Does it read the same?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        import tempfile
#        from pathlib import Path
#
#        import joblib
#
#        path = Path(tempfile.mkdtemp()) / "reader.joblib"
#        joblib.dump(reader, path)
#        same = (joblib.load(path).predict_proba(test) == reader.predict_proba(test)).all()
#        print("same probabilities, bit for bit:", bool(same))
#
#    Load such files from people you trust only: a pickle can run code. For the classifier alone there is
#    :meth:`~jaxdigits.DigitClassifier.save`, whose files can't.
