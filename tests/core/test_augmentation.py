import pickle
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdigits.core import augmentation
from jaxdigits.core.augmentation import (
    AUGMENTATIONS,
    Motion,
    as_augmentations,
    augment,
    blur,
    elastic,
    geometric,
    rotation,
    scale,
    shear,
    shift,
    speckle,
    stroke_width,
)
from jaxdigits.errors import InputError

KEY = jax.random.key(0)
GEOMETRIC = ("shift", "rotation", "scale", "shear", "elastic")


@pytest.fixture(scope="module")
def images(digits):
    return jnp.asarray(digits.rows[:40].reshape(-1, 8, 8) / 16, jnp.float32)


def picture(side=29, width=3):
    """One bright bar, 3 pixels wide, through the middle of a picture."""
    image = np.zeros((side, side), np.float32)
    middle = side // 2
    image[middle - 8 : middle + 9, middle - width // 2 : middle + width // 2 + 1] = 1.0
    return image


def many(image, n=400):
    return jnp.asarray(np.repeat(image[None], n, axis=0))


def centers(images):
    """Center of mass (row, column) of each picture, counted from the middle."""
    images = np.asarray(images, np.float64)
    mass = images.sum(axis=(1, 2))
    rows = np.arange(images.shape[1]) - (images.shape[1] - 1) / 2
    columns = np.arange(images.shape[2]) - (images.shape[2] - 1) / 2
    return np.stack([images.sum(axis=2) @ rows, images.sum(axis=1) @ columns], axis=1) / mass[:, None]


def moments(images):
    """Second moments (row row, row column, column column) of each picture about its middle."""
    images = np.asarray(images, np.float64)
    places = np.arange(images.shape[1]) - (images.shape[1] - 1) / 2
    mass = images.sum(axis=(1, 2))
    return np.stack(
        [
            images.sum(axis=2) @ places**2 / mass,
            np.einsum("nyx,y,x->n", images, places, places) / mass,
            images.sum(axis=1) @ places**2 / mass,
        ],
        axis=1,
    )


@pytest.mark.parametrize("name", [*AUGMENTATIONS, "all"])
@pytest.mark.parametrize("shape", [(8, 8), (9, 21)])
def test_ink_stays_between_0_and_1_and_other_keys_give_other_images(name, shape):
    names = tuple(AUGMENTATIONS) if name == "all" else (name,)
    generator = np.random.default_rng(0)
    images = jnp.asarray((generator.random((20, *shape)) > 0.6) * generator.random((20, *shape)), jnp.float32)
    found = augment(KEY, images, names)
    assert found.shape == images.shape
    assert found.dtype == jnp.float32
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    np.testing.assert_array_equal(augment(KEY, images, names), found)
    assert np.abs(augment(jax.random.key(1), images, names) - found).max() > 0.01


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - {"speckle"}))
def test_blank_paper_stays_blank_and_full_ink_is_never_exceeded(name):
    assert not AUGMENTATIONS[name](KEY, jnp.zeros((10, 8, 8))).any()
    assert float(AUGMENTATIONS[name](KEY, jnp.ones((10, 8, 8))).max()) <= 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_picture_is_drawn_on_its_own(name, images):
    strength = {"share": 0.5} if name == "speckle" else {}
    found = np.asarray(AUGMENTATIONS[name](KEY, jnp.repeat(images[:1], 12, axis=0), **strength))
    assert len(np.unique(found.reshape(12, -1).round(4), axis=0)) > 9


@pytest.mark.parametrize(
    "gentle",
    [
        partial(shift, fraction=0.0),
        partial(rotation, degrees=0.0),
        partial(scale, smallest=1.0, largest=1.0),
        partial(shear, slope=0.0),
        partial(elastic, fraction=0.0),
        partial(stroke_width, strength=0.0),
        partial(speckle, share=0.0),
        partial(blur, strength=0.0),
    ],
    ids=AUGMENTATIONS,
)
def test_without_strength_nothing_happens(gentle, images):
    np.testing.assert_allclose(gentle(KEY, images), images, atol=1e-6)
    np.testing.assert_allclose(augment(KEY, images, [gentle]), images, atol=1e-6)


def test_shifts_reach_two_of_28_pixels_in_every_direction():
    spread = centers(shift(KEY, many(picture(29)))) - centers(many(picture(29)))
    assert np.abs(spread).max() <= 2 / 28 * 29 + 1e-3
    assert (spread.min(axis=0) < -1.7).all()
    assert (spread.max(axis=0) > 1.7).all()


def test_shifts_are_in_proportion_to_height_and_width():
    wide = np.zeros((20, 60), np.float32)
    wide[8:12, 28:32] = 1.0
    spread = np.abs(centers(shift(KEY, many(wide), fraction=0.1))).max(axis=0)
    np.testing.assert_allclose(spread, [2, 6], rtol=0.1)


def test_rotations_turn_either_way_up_to_their_degrees():
    rows, mixed, columns = moments(rotation(KEY, many(picture(41)), degrees=12.0)).T
    angles = np.degrees(0.5 * np.arctan2(2 * mixed, rows - columns))
    assert np.abs(angles).max() == pytest.approx(12, abs=1)
    assert angles.min() < -10
    assert angles.max() > 10
    np.testing.assert_allclose(centers(rotation(KEY, many(picture(41)))), 0, atol=0.02)


def test_scales_change_the_size_between_their_ends():
    image = many(picture(41))
    heights = np.sqrt(moments(scale(KEY, image, smallest=0.85, largest=1.15))[:, 0] / moments(image)[:, 0])
    assert heights.min() == pytest.approx(0.85, abs=0.02)
    assert heights.max() == pytest.approx(1.15, abs=0.02)
    np.testing.assert_allclose(centers(scale(KEY, image)), 0, atol=0.02)


def test_shears_slant_rows_and_leave_them_in_their_place():
    image = many(picture(41))
    rows, mixed, _ = moments(shear(KEY, image, slope=0.15)).T
    assert np.abs(mixed / rows).max() == pytest.approx(0.15, abs=0.02)
    np.testing.assert_allclose(rows, moments(image)[:, 0], rtol=0.02)


def test_elastic_fields_are_smooth_and_of_their_size():
    """Read off pictures whose ink is the number of the row or the column."""
    ramp = np.arange(40, dtype=np.float32) / 40
    rows, columns = np.broadcast_to(ramp[:, None], (40, 40)), np.broadcast_to(ramp, (40, 40))
    inner = (slice(None), slice(8, -8), slice(8, -8))
    fields = [
        40 * np.asarray(elastic(KEY, many(image, 100), fraction=1 / 40) - image)[inner] for image in (rows, columns)
    ]
    for field in fields:
        assert field.std() == pytest.approx(1.0, rel=0.15)
        assert field.mean() == pytest.approx(0.0, abs=0.1)
        assert np.diff(field, axis=1).std() < 0.3  # white noise has 1.4
        assert np.diff(field, axis=2).std() < 0.3
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.1


def test_strokes_become_thicker_and_thinner_in_equal_shares():
    ink = np.asarray(stroke_width(KEY, many(picture()))).sum(axis=(1, 2)) / picture().sum()
    assert ink.min() < 0.75
    assert ink.max() > 1.25
    assert 0.4 < (ink > 1).mean() < 0.6


def test_speckles_are_few_and_of_any_gray():
    found = np.asarray(speckle(KEY, jnp.zeros((300, 28, 28)), share=0.1))
    shares = (found > 0).mean(axis=(1, 2))
    assert shares.mean() == pytest.approx(0.05, abs=0.01)
    assert shares.min() < 0.01
    assert 0.08 < shares.max() < 0.13
    assert np.histogram(found[found > 0], bins=4, range=(0, 1))[0] / (found > 0).sum() == pytest.approx(0.25, abs=0.03)
    assert (np.asarray(speckle(KEY, jnp.ones((300, 28, 28)))) < 1).any()


def test_blur_keeps_the_amount_of_ink_and_softens_its_edges():
    image = many(picture())
    found = np.asarray(blur(KEY, image))
    np.testing.assert_allclose(found.sum(axis=(1, 2)), picture().sum(), rtol=1e-4)
    assert (np.abs(np.diff(found, axis=2)).max(axis=(1, 2)) < 0.999).mean() > 0.95
    strongest = found[np.abs(np.diff(found, axis=2)).max(axis=(1, 2)).argmin()]
    np.testing.assert_allclose(strongest[14, 11:18], [0, 0.25, 0.75, 1, 0.75, 0.25, 0], atol=0.02)


@pytest.mark.parametrize("names", [GEOMETRIC, ("shift", "rotation"), ("elastic", "scale")])
def test_those_that_move_ink_share_one_resampling(names, images, monkeypatch):
    resampled = []

    def count(images, motion):
        resampled.append(motion)
        return warp(images, motion)

    warp = augmentation._warp
    monkeypatch.setattr(augmentation, "_warp", count)
    augment(KEY, images, (*names[:1], "blur", *names[1:]))
    assert len(resampled) == 1


def make_fixed(motion):
    return geometric(lambda _key, _images: motion)


def test_motions_follow_each_other_as_two_resamplings_would():
    """A quarter turn and whole pixels lose nothing, so once and twice resampled can be compared exactly."""
    image = many(np.random.default_rng(0).random((9, 9), np.float32), 2).at[:, :2].set(0).at[:, -2:].set(0)
    image = image.at[:, :, :2].set(0).at[:, :, -2:].set(0)
    turn = make_fixed(Motion(matrix=np.array([[0, -1], [1, 0]], np.float32)))
    move = make_fixed(Motion(offset=np.array([2, -1], np.float32)))
    np.testing.assert_allclose(turn(KEY, image)[0], np.rot90(image[0], -1), atol=1e-6)
    np.testing.assert_allclose(move(KEY, image)[0], np.roll(image[0], (-2, 1), (0, 1)), atol=1e-6)
    for first, second in ((turn, move), (move, turn)):
        twice = second(KEY, first(KEY, image))
        np.testing.assert_allclose(augment(KEY, image, [first, second]), twice, atol=1e-6)


def test_fields_of_two_motions_add_up():
    field = np.zeros((1, 2, 9, 9), np.float32)
    field[:, 0] = 1.0
    image = many(np.pad(np.ones((3, 3), np.float32), 3), 2)
    down = make_fixed(Motion(field=field))
    np.testing.assert_allclose(augment(KEY, image, [down, down])[0], np.roll(image[0], -2, 0), atol=1e-6)


def test_what_changes_gray_comes_after_and_in_the_order_asked(images):
    def double(_key, images):
        return 2 * images

    def add(_key, images):
        return images + 1

    np.testing.assert_allclose(augment(KEY, images, [double, add]), 2 * images + 1)
    np.testing.assert_allclose(augment(KEY, images, [add, double]), 2 * images + 2)
    still = make_fixed(Motion())
    np.testing.assert_allclose(augment(KEY, images, [add, still]), images + 1, atol=1e-6)


def test_members_draw_from_keys_of_their_own(images):
    def noise(key, images):
        return images + jax.random.uniform(key, images.shape)

    first = augment(KEY, images, [noise]) - images
    second = augment(KEY, images, [noise, noise]) - images
    assert np.abs(np.asarray(second - 2 * first)).max() > 0.1


@pytest.mark.parametrize(
    "wrong",
    [lambda _, images: images[:, :4], lambda *_: None, lambda _, images: images.sum()],
)
def test_a_callable_that_returns_no_such_images_is_named_in_one_line(wrong, images):
    with pytest.raises(InputError, match=r"the augmentation <lambda> must return images of shape \(40, 8, 8\), got"):
        augment(KEY, images, [wrong])


def test_they_run_inside_a_compiled_loop_as_outside(images):
    names = ("shift", "stroke_width", "speckle")

    @jax.jit
    def run(images):
        return jax.lax.fori_loop(0, 2, lambda i, x: augment(jax.random.fold_in(KEY, i), x, names), images)

    expected = images
    for step in range(2):
        expected = augment(jax.random.fold_in(KEY, step), expected, names)
    np.testing.assert_allclose(run(images), expected, atol=1e-5)


# ---- what a user asks for ----


def test_names_and_callables_become_a_tuple():
    assert as_augmentations(None) == ()
    assert as_augmentations(shift) == (shift,)
    assert as_augmentations(["blur", shift]) == ("blur", shift)
    assert as_augmentations(()) == ()


@pytest.mark.parametrize("wrong", ["turn", ["shift", "turn"], [3], ["auto"], [None]])
def test_unknown_members_are_named_in_one_line(wrong):
    with pytest.raises(InputError, match=r"augment must hold names of shift, .*blur or callables, got ") as caught:
        as_augmentations(wrong)
    assert "\n" not in str(caught.value)


def test_equal_partials_are_one_and_the_same(images):
    (one,), (other,) = (as_augmentations(partial(rotation, degrees=20.0)) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != as_augmentations(partial(rotation, degrees=5.0))[0]
    np.testing.assert_array_equal(one(KEY, images), rotation(KEY, images, degrees=20.0))
    np.testing.assert_array_equal(augment(KEY, images, [one]), augment(KEY, images, [partial(rotation, degrees=20.0)]))
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_partial_of_arrays_is_taken_as_it_is():
    given = partial(shift, fraction=np.array([0.1]))
    assert as_augmentations(given) == (given,)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_they_can_be_pickled(name):
    assert pickle.loads(pickle.dumps(AUGMENTATIONS[name])) is AUGMENTATIONS[name]
