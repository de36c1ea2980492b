"""The whole pipeline as people run it: workers on the CPU augment, the device trains on what they have made."""

import os
import time

import torch
from torch.utils.data import DataLoader, Dataset

import augmentation
from training import Training


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Views(Dataset):
    """Two views of each image; images are bytes [count, H, W, 3] in memory."""

    def __init__(self, images, attributes):
        self.images, self.attributes, self.augment = images, attributes, None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        # Made in the worker: transforms cannot be sent to one.
        if self.augment is None:
            self.augment = augmentation.make(self.attributes)
        image = self.images[index]
        return self.augment(image), self.augment(image)


def limit_threads(_):
    torch.set_num_threads(1)


class Pipeline:
    """The case `pipeline`: steps of `pairs` images, epoch after epoch in random order."""

    def __init__(self, tensors, attributes, setting, device):
        self.device, self.pairs = device, attributes["pairs"]
        self.memory_format = torch.channels_last if setting.channels_last else torch.contiguous_format
        self.training = Training(setting, device, attributes)
        self.training.load({name: value.to(device) for name, value in tensors.items() if name != "images"})
        self.workers = cores()
        self.views = Views(tensors["images"], attributes)

    def batches(self):
        """Batches without end, from workers of their own that end with it."""
        loader = DataLoader(
            self.views,
            batch_size=self.pairs,
            shuffle=True,
            drop_last=True,
            num_workers=self.workers,
            persistent_workers=True,
            pin_memory=self.device.type == "cuda",
            worker_init_fn=limit_threads,
        )
        while True:
            yield from loader

    def train(self, batch):
        views = torch.cat(batch).to(self.device, non_blocking=True)
        return self.training.step(views.contiguous(memory_format=self.memory_format))

    def first(self):
        return {"loss": self.train(next(self.batches())).reshape(1)}

    def timed(self, times, synchronize):
        """
        Seconds of `times` steps at the pace that the pipeline can keep up: what workers hoarded while nobody took it is used up
        first, and so many steps are timed that each worker has made some. No worker is left to disturb what is timed next.
        """
        batches, steps = self.batches(), max(times, 2 * self.workers)
        for _ in range(2 * self.workers):
            self.train(next(batches))
        synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            self.train(next(batches))
        synchronize()
        return (time.perf_counter() - start) * times / steps
