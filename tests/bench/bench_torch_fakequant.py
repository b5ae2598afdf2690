#!/usr/bin/python3
"""Images per second of a network with all layers fake-quantised to 8 bits, in PyTorch on one thread.

    /usr/bin/python3 tests/bench/bench_torch_fakequant.py MODEL.onnx AMAX.txt CHANNELS SIZE [SECONDS]

Two variants: weights quantised on every forward, as quantisation-aware modules do it, and once
before. Prints the best of batches of 32 and 128 for each, and for the second one the better of the
two memory formats too, by time of the processor: "requantised N", "prequantised N".
"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures"))
import torch  # noqa: E402

from onnx_torch import Network, activation_scale, over_channels, quantise_activations, quantise_weights  # noqa: E402

BITS = 8


def weights_of(net, layer):
    w, b = net.weights(layer)
    q, scale = quantise_weights(w, BITS)
    return q * over_channels(scale, w.dim()), b


def hook_for(net, scales, prepared):
    def hook(i, x, apply):
        w, b = prepared[i] if prepared else weights_of(net, net.layers[i])
        return apply(quantise_activations(x, scales[i], BITS) * scales[i], w, b)
    return hook


def images_per_second(net, hook, x, seconds):
    for _ in range(2):
        net.run(x, hook)
    start, images = time.process_time(), 0
    while time.process_time() - start < seconds:
        net.run(x, hook)
        images += len(x)
    return images / (time.process_time() - start)


@torch.no_grad()
def main():
    if len(sys.argv) < 5:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    net = Network(sys.argv[1])
    scales = [activation_scale(float(line), BITS) for line in open(sys.argv[2])]
    assert len(scales) == len(net.layers)
    channels, size = int(sys.argv[3]), int(sys.argv[4])
    seconds = float(sys.argv[5]) if len(sys.argv) > 5 else 3
    torch.manual_seed(1)
    prepared = [weights_of(net, layer) for layer in net.layers]
    again, once = [], []
    for batch in (32, 128):
        x = torch.randn(batch, channels, size, size)
        again.append(images_per_second(net, hook_for(net, scales, None), x, seconds))
        once.append(images_per_second(net, hook_for(net, scales, prepared), x, seconds))
        x = x.contiguous(memory_format=torch.channels_last)
        once.append(images_per_second(net, hook_for(net, scales, prepared), x, seconds))
    print(f"requantised {max(again):.1f}")
    print(f"prequantised {max(once):.1f}")


if __name__ == "__main__":
    main()
