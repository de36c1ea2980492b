"""SimCLR's augmentation of one image on the CPU: by torchvision, as people run it, or by hand where that is not installed."""

import random

import torch
import torch.nn.functional as F

try:
    import torchvision
    from torchvision import transforms
except ImportError:
    torchvision = None


def source():
    """Who augments, for the name of a setting."""
    return f"torchvision {torchvision.__version__}" if torchvision else "augmentation by hand"


def by_torchvision(a):
    from PIL import Image

    s = a["strength"]
    steps = [
        transforms.RandomResizedCrop(a["imageSize"], scale=tuple(a["scale"]), ratio=tuple(a["ratio"])),
        transforms.RandomHorizontalFlip(a["flip"]),
        transforms.RandomApply([transforms.ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s)], a["jitter"]),
        transforms.RandomGrayscale(a["grayscale"]),
        transforms.RandomApply([transforms.GaussianBlur(a["blurKernel"], tuple(a["sigma"]))], a["blur"]),
        transforms.ToTensor(),
        transforms.Normalize(a["mean"], a["std"]),
    ]
    augment = transforms.Compose(steps)
    return lambda image: augment(Image.fromarray(image.numpy()))


def crop(image, a):
    """A random box of the image [3, H, W], resized."""
    _, height, width = image.shape
    for _ in range(10):
        area = height * width * random.uniform(*a["scale"])
        low, high = torch.tensor(a["ratio"]).log().tolist()
        ratio = float(torch.tensor(random.uniform(low, high)).exp())
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            break
    else:
        w = h = min(width, height)
    top, left = random.randint(0, height - h), random.randint(0, width - w)
    box = image[None, :, top : top + h, left : left + w]
    return F.interpolate(box, (a["imageSize"], a["imageSize"]), mode="bilinear", antialias=True)[0]


def grey(image):
    return (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)


def turn_hue(image, turn):
    """By way of hue, saturation and value; `turn` is a share of the circle."""
    value, low = image.max(0).values, image.min(0).values
    chroma = value - low
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    r, g, b = image
    sector = torch.where(value == r, (g - b) / safe % 6, torch.where(value == g, (b - r) / safe + 2, (r - g) / safe + 4))
    hue = (sector / 6 + turn) % 1 * 6
    offsets = torch.tensor([5.0, 3.0, 1.0])[:, None, None]
    k = (offsets + hue) % 6
    return value - chroma * torch.clamp(torch.minimum(k, 4 - k), 0, 1)


def jitter(image, s):
    """Brightness, contrast, saturation and hue in random order."""
    def blend(other):
        factor = random.uniform(1 - 0.8 * s, 1 + 0.8 * s)
        return lambda x: (factor * x + (1 - factor) * other(x)).clamp(0, 1)

    turn = random.uniform(-0.2 * s, 0.2 * s)
    changes = [blend(torch.zeros_like), blend(lambda x: grey(x).mean()), blend(grey), lambda x: turn_hue(x, turn)]
    random.shuffle(changes)
    for change in changes:
        image = change(image)
    return image


def blurred(image, kernel, sigma):
    offsets = torch.arange(kernel) - kernel // 2
    weights = torch.softmax(-(offsets**2) / (2 * sigma**2), 0)
    padded = F.pad(image[None], [kernel // 2] * 4, mode="reflect")
    across = F.conv2d(padded, weights.expand(3, 1, 1, kernel), groups=3)
    return F.conv2d(across, weights[:, None].expand(3, 1, kernel, 1), groups=3)[0]


def by_hand(a):
    mean, std = (torch.tensor(a[name])[:, None, None] for name in ("mean", "std"))

    def augment(image):
        x = crop(image.permute(2, 0, 1).float() / 255, a)
        x = x.flip(2) if random.random() < a["flip"] else x
        x = jitter(x, a["strength"]) if random.random() < a["jitter"] else x
        x = grey(x).expand(3, -1, -1) if random.random() < a["grayscale"] else x
        x = blurred(x, a["blurKernel"], random.uniform(*a["sigma"])) if random.random() < a["blur"] else x
        return (x - mean) / std

    return augment


def make(attributes):
    """A function from an image [H, W, 3] of bytes to an augmented, normalised view [3, size, size]."""
    return by_torchvision(attributes) if torchvision else by_hand(attributes)
