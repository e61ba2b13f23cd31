"""Small networks of the common shapes, with fixed weights, whose checkpoints the reader of model files is tested with."""

import torch
from torch import nn


class LeNet(nn.Module):
    """Convolutions, pooling, linear layers (LeCun et al. 1998, smaller)."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(4, 6, 3), nn.Tanh(), nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(54, 20), nn.Tanh(), nn.Linear(20, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


class Vgg(nn.Module):
    """Batch normalisation, max pooling, dropout, `view` in place of `Flatten`."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2, 2),
        )
        self.classifier = nn.Sequential(nn.Linear(128, 12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, 10))

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.view(x.size(0), -1))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(x + shortcut)


class ResNet(nn.Module):
    """Residual blocks without and with a shortcut of their own (He et al. 2016, as torchvision has it)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 6, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.avgpool(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(x, 1))


class Depthwise(nn.Module):
    """Grouped, depthwise and dilated convolutions, SiLU, LeakyReLU, Sigmoid, the mean over height and width."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, 2, 1)
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.pointwise = nn.Conv2d(6, 8, 1)
        self.dilated = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2)
        self.silu = nn.SiLU()
        self.leaky = nn.LeakyReLU(0.1)
        self.sigmoid = nn.Sigmoid()
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = self.silu(self.stem(x))
        x = self.leaky(self.pointwise(self.depthwise(x)))
        return self.head(self.sigmoid(self.dilated(x)).mean((2, 3)))


class Mlp(nn.Module):
    """Linear layers with and without bias, both forms of GELU, an end of softmax."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(256, 10), nn.GELU(), nn.Linear(10, 14, bias=False), nn.GELU(approximate="tanh"),
            nn.Linear(14, 10), nn.Softmax(dim=1),
        )

    def forward(self, x):
        return self.layers(x)


class Gate(nn.Module):
    """h + (L h) * (R h), both maps in one weight (Pearce, Dooms et al. 2025)."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2 * width, width))

    def forward(self, h):
        left, right = nn.functional.linear(h, self.weight).chunk(2, dim=-1)
        return h + left * right


class Bilinear(nn.Module):
    """Two residual bilinear blocks between an embedding and a head."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(256, 12, bias=False)
        self.blocks = nn.ModuleList([Gate(12), Gate(12)])
        self.head = nn.Linear(12, 10, bias=False)

    def forward(self, x):
        h = self.embed(x.flatten(1))
        for block in self.blocks:
            h = block(h)
        return self.head(h)


MODELS = {
    "lenet": LeNet, "vgg": Vgg, "resnet": ResNet, "depthwise": Depthwise, "mlp": Mlp, "bilinear": Bilinear,
}


def make(name):
    """The model in evaluation mode, its weights and running statistics drawn from a seed of its own."""
    model = MODELS[name]()
    generator = torch.Generator().manual_seed(sorted(MODELS).index(name))
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if not value.is_floating_point():
                value.fill_(7)
                continue
            drawn = torch.rand(value.shape, generator=generator)
            if key.endswith("running_var"):
                value.copy_(drawn + 0.5)
            elif value.dim() == 1:
                value.copy_(drawn - 0.3)
            else:
                fan_in = value[0].numel()
                value.copy_((drawn - 0.5) * 2 * (3 / fan_in) ** 0.5)
    return model.eval()


def images():
    """Four images of 16 x 16: value i is ((37 i + 11) mod 64) / 64."""
    index = torch.arange(4 * 256, dtype=torch.int64)
    return (((37 * index + 11) % 64).float() / 64).reshape(4, 1, 16, 16)
