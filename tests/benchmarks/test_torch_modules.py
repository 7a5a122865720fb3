"""The measured networks in PyTorch; skipped where it is not installed."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch, of requirements/bench.txt")

from benchmarks.torch_modules import make_cnn, make_mlp, make_strided  # noqa: E402 (after the skip)


def test_networks_have_as_many_weights_as_ours():
    counts = [sum(each.numel() for each in network.parameters()) for network in (make_cnn(), make_mlp(784, (128, 32)))]
    assert counts == [225_034, 104_938]


def test_the_small_network_pads_as_ours_does():
    assert make_strided((4, 8), 16)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
