#!/usr/bin/python3
"""Training images per second of PyTorch on ResNet-20 (He et al. 2016 for CIFAR, as `pareto-model build
resnet20` makes it), forward, backward and SGD with momentum, on random images.

    bench_torch_train.py THREADS [BATCH [SECONDS [channels_last|contiguous]]]

Run by train_per_second.sh."""
import sys
import time
import torch
import torch.nn as nn
import torch.nn.functional as F


def conv(i, o, kernel, stride):
    return nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(i, o, 3, stride), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = conv(o, o, 3, 1), nn.BatchNorm2d(o)
        self.short = nn.Sequential()
        if stride > 1:
            self.short = nn.Sequential(conv(i, o, 1, stride), nn.BatchNorm2d(o))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.short(x), inplace=True)


def resnet20():
    widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    return nn.Sequential(conv(3, 16, 3, 1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
                         *[Block(*w) for w in widths],
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def main():
    threads = int(sys.argv[1])
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 128
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5
    order = sys.argv[4] if len(sys.argv) > 4 else "channels_last"
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    order = torch.channels_last if order == "channels_last" else torch.contiguous_format
    net = resnet20().to(memory_format=order)
    images = torch.randn(batch, 3, 32, 32).contiguous(memory_format=order)
    labels = torch.randint(0, 10, (batch,))
    rule = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)

    def step():
        rule.zero_grad(set_to_none=True)
        F.cross_entropy(net(images), labels).backward()
        rule.step()

    step()
    begin, images_done = time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        step()
        images_done += batch
    print("torch %.1f" % (images_done / (time.perf_counter() - begin)))


main()
