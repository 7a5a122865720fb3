"""
Reading your own handwriting
============================

"99 % on the test set, wrong on mine": the commonest complaint about digit recognizers. What goes wrong is the picture,
not the network. We make a bad photo of a digit and follow it, step by step, to what the network was trained on.
"""

# %%
# A photo
# -------
#
# You would write ``picture = "photo.jpg"`` here. So that this page needs no file, we take a digit of 8 x 8 pixels and
# write it with a dark pen on squared paper, off the middle, slightly turned, under a lamp that stands to one side.

import numpy as np
from PIL import Image

from jaxdigits import load_digits

digits = load_digits()
which = 15  # a five
print("what was written:", digits.target[which])


def digits_to_bytes(image):
    """Bring levels from 0 to 16 to bytes."""
    return (image * (255 / 16)).astype(np.uint8)


def make_photo(image, generator):
    """Return a picture of 480 x 360 pixels, as a camera might have taken it."""
    pen = Image.fromarray(digits_to_bytes(np.pad(image, 1))).resize((230, 230), Image.Resampling.BICUBIC).rotate(-7)
    ink = np.zeros((360, 480))
    ink[90:320, 40:270] = np.clip((np.asarray(pen, float) / 255 - 0.45) / 0.2, 0, 1)  # a stroke with sharp edges
    paper = np.full((360, 480), 232.0)
    paper[::40], paper[:, ::40] = 140, 140  # the squares
    lamp = 1.0 - 0.55 * np.linspace(0, 1, 480)[None] * np.linspace(0.6, 1, 360)[:, None]
    levels = (paper * (1 - ink) + 45 * ink) * lamp
    tint = np.array([1.0, 0.97, 0.88])  # warm light
    return np.clip(levels[..., None] * tint + generator.normal(0, 3, (360, 480, 1)), 0, 255).astype(np.uint8)


photo = make_photo(digits.images[which], np.random.default_rng(0))
print("photo:", photo.shape, photo.dtype, "from", photo.min(), "to", photo.max())

# %%
# The usual way
# -------------
#
# Most tutorials turn the picture gray, shrink it to 28 x 28 pixels and, as MNIST has light ink on dark ground, invert
# it. Here is what the network gets to see, and what it makes of it:

import matplotlib.pyplot as plt

from jaxdigits import load_pretrained

recognizer = load_pretrained("small")
gray = Image.fromarray(photo).convert("L")
naive = 1 - np.asarray(gray.resize((28, 28)), np.float32) / 255
probabilities = recognizer.predict_proba(naive[None])[0]
guess = recognizer.classes_[probabilities.argmax()]

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained", width_ratios=(4, 3))
left.imshow(photo)
left.set_title("the photo")
right.imshow(naive, cmap="gray_r", vmin=0, vmax=1)
right.set_title(f"read as {guess}, {probabilities.max():.0%} sure")
for ax in (left, right):
    ax.set(xticks=[], yticks=[])

# %%
# The digit is small, squeezed and off the middle; the paper is gray, and darker on one side. In MNIST paper is exactly
# 0, a digit fills a box of 20 x 20 pixels, and its center of mass is the center of the image. The network has never
# seen anything else.
#
# Step 1: levels of gray
# ----------------------
#
# Any file, bytes, Pillow image or array becomes numbers from 0, black, to 1, white; large pictures are reduced, and the
# rotation that a camera noted is undone.

from jaxdigits.data.decoding import open_picture


def show(image, title, **look):
    """Show one step."""
    _, ax = plt.subplots(figsize=(4.4, 3.4), layout="constrained")
    ax.imshow(image, **{"cmap": "gray_r", "vmin": 0, "vmax": 1, **look})
    ax.set(xticks=[], yticks=[], title=title)


raster = open_picture(photo, longest=640)
levels = raster.levels.mean(axis=2) if raster.levels.ndim == 3 else raster.levels
print("levels:", levels.shape, f"from {levels.min():.2f} to {levels.max():.2f}")
show(levels, "levels of gray", cmap="gray")

# %%
# Step 2: ink
# -----------
#
# What is paper is found by looking around each place, wider than a stroke is wide, so a shadow counts as paper. The
# lines of the paper are found as lines and taken off. What is left is the strength of the ink: 0 on paper, about 1 in a
# stroke.

from jaxdigits.data.ink import find_ink

ink = find_ink(raster)
print(f"uneven light: {ink.shaded}, ruled: {ink.ruled}, light on dark: {ink.inverted}, contrast {ink.contrast:.2f}")
show(ink.strength, "strength of the ink")

# %%
# Step 3: the digit
# -----------------
#
# Pieces of ink that hang together are told apart. Specks and frames are dropped, the parts of one digit stay together.

from jaxdigits.data.components import choose_digit

choice = choose_digit(ink)
height, width = choice.mask.shape
region = np.s_[choice.top : choice.top + height, choice.left : choice.left + width]
strength = np.where(choice.mask, ink.strength[region], 0).astype(np.float32)
print(f"{choice.n_digits} digit in the picture; its box is {width} pixels wide and {height} high")
show(strength, "the digit alone")

# %%
# Step 4: MNIST's form
# --------------------
#
# The box is scaled to 20 pixels at its longer side, strokes that are much thinner or thicker than MNIST's are brought
# to their width, and the whole is placed so that its center of mass is the center of 28 x 28 pixels.

from jaxdigits.data.strokes import canonical_image

canonical = canonical_image(strength, ink.threshold, scale=max(1.0, ink.scale))
rows, columns = np.indices(canonical.image.shape)
mass = canonical.image.sum()
center = [float((axis * canonical.image).sum() / mass) for axis in (rows, columns)]
print("shape", canonical.image.shape, "center of mass", [round(each, 1) for each in center])
print(f"strokes were thickened: {canonical.thin}, thinned: {canonical.thick}")
show(canonical.image, "what the network sees")

# %%
# All steps at once
# -----------------
#
# :meth:`~jaxdigits.Recognizer.read` does the four steps and asks the network. Its diagnosis says what was mended.

from jaxdigits.plotting import WhatTheModelSawDisplay

reading = recognizer.read(photo)
print("read:", reading.digit, f"({reading.probability:.1%} sure)")
print("mended:", reading.diagnosis.describe())
_ = WhatTheModelSawDisplay.from_reading(photo, reading, name="photo.jpg")

# %%
# Not one photo but sixty
# -----------------------
#
# One picture proves nothing. Here are sixty digits, photographed in the same way and read both ways.

generator = np.random.default_rng(1)
photos = [make_photo(image, generator) for image in digits.images[:60]]
usual = np.stack(
    [1 - np.asarray(Image.fromarray(each).convert("L").resize((28, 28)), np.float32) / 255 for each in photos]
)
right_usual = int((recognizer.predict(usual) == digits.target[:60]).sum())
readings = [recognizer.read_digit(each) for each in photos]
right_mended = sum(each.digit == true for each, true in zip(readings, digits.target, strict=False))
print(f"shrunk and inverted: {right_usual} of 60 right")
print(f"read in four steps:  {right_mended} of 60 right")

# %%
# Exercises
# ---------
#
# **1. White chalk.** Turn the photo into light ink on a dark board. Which steps have to notice?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        board = 255 - photo
#        reading = recognizer.read(board)
#        print(reading.digit, f"{reading.probability:.1%}", reading.diagnosis.describe())
#        print("light on dark:", find_ink(open_picture(board, longest=640)).inverted)
#
#    Step 2 alone: it decides what is ink. From there on all pictures are alike.
#
# **2. How little light is enough?** Lower the contrast of the photo until it is no longer read.
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        for share in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02):
#            faint = (200 + (photo.astype(float) - 200) * share).astype(np.uint8)
#            reading = recognizer.read(faint)
#            print(f"contrast x {share:<5} read as {reading.digit}: {reading.diagnosis.describe()}")
#
#    The noise of the camera was reduced along with the ink, so the digit survives long after the eye has given up. At
#    the end nothing stands out of the paper, and the reading says so instead of guessing.
