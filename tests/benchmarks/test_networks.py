"""The networks that all libraries train."""

from benchmarks.networks import CNN, MLP, forward_operations, training_operations


def test_operations_are_those_of_the_matrix_products():
    assert forward_operations(MLP) == 2 * (784 * 128 + 128 * 32 + 32 * 10)
    # three products of every layer, but no gradient of the pictures themselves
    assert training_operations(MLP) == 3 * forward_operations(MLP) - 2 * 784 * 128
    assert 15e6 < training_operations(CNN) < 16e6
