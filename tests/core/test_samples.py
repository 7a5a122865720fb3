import jax
import numpy as np
import pytest

from jaxdigits.core.samples import (
    class_bucket,
    feature_bucket,
    make_order,
    make_samples,
    merge_repeated,
    pad_normalization,
    row_bucket,
)


def make_rows(n=60, width=9, dtype=np.float32, seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 256, (n, width)).astype(dtype)
    return rows, generator.integers(0, 3, n), generator.integers(0, 4, n)


def assert_same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("n_samples", "bucket"),
    [
        *((1, 256), (256, 256), (257, 512), (1437, 2048), (2048, 2048), (2049, 4096), (60_000, 65_536)),
        *((65_536, 65_536), (65_537, 131_072), (131_073, 196_608)),
    ],
)
def test_row_bucket(n_samples, bucket):
    assert row_bucket(n_samples) == bucket


def test_narrow_features_and_few_classes_share_a_bucket_and_others_are_taken_as_they_are():
    assert [feature_bucket(n) for n in (1, 63, 64, 65, 784)] == [64, 64, 64, 65, 784]
    assert [class_bucket(n) for n in (1, 2, 10, 11, 100)] == [10, 10, 10, 11, 100]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("width", [1, 4, 9, 64])
def test_weight_and_repetition_become_the_same_samples(dtype, width):
    rows, labels, weights = make_rows(width=width, dtype=dtype)
    repeated = np.random.default_rng(1).permutation(np.repeat(np.arange(len(rows)), weights))
    merged = merge_repeated(rows, labels, weights)
    assert_same(merged, merge_repeated(rows[repeated], labels[repeated]))
    assert_same(merged, merge_repeated(rows[repeated], labels[repeated], np.full(len(repeated), 0.125)))


def test_order_of_the_samples_does_not_matter():
    rows, labels, weights = make_rows()
    order = np.random.default_rng(1).permutation(len(rows))
    assert_same(merge_repeated(rows, labels, weights), merge_repeated(rows[order], labels[order], weights[order]))


def test_merged_weights_are_the_totals_of_each_pair_over_their_mean():
    rows = np.array([[1, 2], [1, 2], [3, 4], [1, 2], [3, 4], [5, 6]], np.uint8)
    merged = merge_repeated(rows, np.array([0, 0, 1, 1, 1, 2]), np.array([1.0, 0.5, 2.0, 3.0, 0.5, 0.0]))
    found = {(*row, label): weight for row, label, weight in zip(*map(np.ndarray.tolist, merged), strict=True)}
    mean = (1.5 + 2.5 + 3.0) / 3
    assert found == pytest.approx({(1, 2, 0): 1.5 / mean, (3, 4, 1): 2.5 / mean, (1, 2, 1): 3.0 / mean}, rel=1e-6)
    assert merged.weights.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_rows_that_differ_in_one_number_are_kept_apart(dtype):
    near = np.full((785, 784), 7, dtype)
    near[np.arange(784), np.arange(784)] += 1
    powers = np.zeros((784 * 8, 784), dtype)
    powers[np.arange(784 * 8), np.repeat(np.arange(784), 8)] = np.tile(2 ** np.arange(8), 784)
    for rows in (near, powers):
        merged = merge_repeated(rows, np.zeros(len(rows), int))
        assert len(merged.labels) == len(rows)
        np.testing.assert_array_equal(merged.weights, 1)


def test_both_zeros_are_the_same_number():
    rows = np.array([[0.0, 1.0], [-0.0, 1.0]], np.float32)
    assert len(merge_repeated(rows, np.zeros(2, int)).labels) == 1


def test_merging_leaves_its_input_alone():
    given = make_rows()
    copies = [array.copy() for array in given]
    merge_repeated(*given)
    assert_same(given, copies)


def test_samples_are_padded_with_rows_of_weight_zero():
    rows, labels, _ = make_rows(n=300, width=6)
    samples = make_samples(rows, labels, offset=3.0, scale=0.5, width=8, n_classes=5)
    assert samples.images.shape == (512, 8)
    np.testing.assert_array_equal(samples.images[:300, :6], rows)
    assert not samples.images[300:].any()
    assert not samples.images[:, 6:].any()
    np.testing.assert_array_equal(samples.labels[:300], labels)
    np.testing.assert_array_equal(samples.weights, np.repeat([1, 0], [300, 212]))
    assert [int(size) for size in (samples.n_samples, samples.n_features, samples.n_classes)] == [300, 6, 5]
    assert all(isinstance(leaf, jax.Array) for leaf in samples)


@pytest.mark.parametrize(("given", "kept"), [("uint8", "uint8"), ("float32", "float32"), ("int64", "float32")])
def test_bytes_stay_bytes_on_the_device_and_pictures_are_flattened(given, kept):
    images = np.arange(60).reshape(5, 4, 3).astype(given)
    samples = make_samples(images, np.array([0, 3, 1, 2, 0]))
    assert samples.images.dtype == kept
    np.testing.assert_array_equal(samples.images[:5], images.reshape(5, 12))
    assert int(samples.n_classes) == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("n_samples", [5, 3000])
def test_a_cpu_takes_the_padded_images_without_a_copy(monkeypatch, n_samples, dtype):
    given, put = [], jax.device_put
    monkeypatch.setattr(jax, "device_put", lambda samples, device: given.append(samples) or put(samples, device))
    rows, labels, _ = make_rows(n_samples, width=784, dtype=dtype)
    samples = make_samples(rows, labels, device=jax.devices("cpu")[0])
    assert samples.images.unsafe_buffer_pointer() == given[0].images.ctypes.data
    np.testing.assert_array_equal(samples.images[:n_samples], rows)
    assert not samples.images[n_samples:].any()


def test_all_arrays_but_bytes_are_of_32_bits():
    rows, labels, weights = make_rows(dtype=np.float64)
    samples = make_samples(rows, labels, weights=weights.astype(np.float64), offset=np.zeros(9), scale=np.ones(9))
    assert {leaf.dtype.itemsize for leaf in samples} == {4}


@pytest.mark.parametrize(
    ("offset", "n_features", "width", "expected"),
    [
        (3.0, 4, 4, [3.0]),
        (3.0, 2, 4, [3.0, 3.0, 0.0, 0.0]),
        (np.array([3.0]), 1, 4, [3.0, 0.0, 0.0, 0.0]),
        (np.array([3.0, 5.0]), 2, 4, [3.0, 5.0, 0.0, 0.0]),
        (np.array([3.0, 5.0]), 2, 2, [3.0, 5.0]),
        (np.array([3.0, 5.0, 0.0]), 2, 3, [3.0, 5.0, 0.0]),
    ],
)
def test_padding_columns_stay_zero_under_normalization(offset, n_features, width, expected):
    found, scale = pad_normalization(offset, 2.0, n_features=n_features, width=width)
    assert found.dtype == np.float32
    assert found.tolist() == expected
    padding = (np.zeros(width) - found) * scale
    assert not padding[n_features:].any()


@pytest.mark.parametrize(("n_samples", "batch_size"), [(1, 32), (250, 32), (256, 48), (257, 100), (1437, 2048)])
def test_order_is_a_permutation_in_whole_batches_of_the_bucket(n_samples, batch_size):
    order = make_order(np.random.default_rng(0), n_samples, batch_size)
    assert order.dtype == np.int32
    assert sorted(order[:n_samples]) == list(range(n_samples))
    assert len(order) % batch_size == 0
    assert 0 <= len(order) - row_bucket(n_samples) < batch_size
    assert set(order[n_samples:]) <= set(range(n_samples))


def test_neighbors_share_the_shape_of_their_order():
    shapes = {make_order(np.random.default_rng(0), n, 48).shape for n in (257, 300, 512)}
    assert len(shapes) == 1


def test_what_fills_the_last_batch_is_as_mixed_as_the_rest():
    filling = make_order(np.random.default_rng(0), 100, 256)[100:]
    assert np.bincount(filling).max() <= 2


def test_orders_differ_from_epoch_to_epoch_and_repeat_with_the_seed():
    generator = np.random.default_rng(0)
    first, second = make_order(generator, 300, 32), make_order(generator, 300, 32)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, make_order(np.random.default_rng(0), 300, 32))
