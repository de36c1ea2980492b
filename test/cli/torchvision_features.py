"""Loads an exported encoder into torchvision without renaming and compares its features with ours.

usage: torchvision_features.py encoder.safetensors photos features.npy [trained.npy]

The photos are PNG files of one size; features.txt beside features.npy names the file of each row. trained.npy has features of all
photos as one batch in training mode.
prints the largest |ours − theirs| / max |theirs| of each file of features
"""
import json
import struct
import sys

import numpy
import PIL.Image
import torch
import torchvision

encoder, photos, *features = sys.argv[1:]


def load_safetensors(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    dtypes = {"F32": numpy.float32, "I64": numpy.int64}
    tensors = {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        array = numpy.frombuffer(data[first:last], dtype=dtypes[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors, metadata


tensors, metadata = load_safetensors(encoder)
model = getattr(torchvision.models, metadata["architecture"])()
model.fc = torch.nn.Identity()
model.load_state_dict(tensors)  # strict: every name and shape must be torchvision's

files = open(features[0].replace(".npy", ".txt")).read().split()
pixels = numpy.stack([numpy.asarray(PIL.Image.open(f"{photos}/{file}").convert("RGB")) for file in files])
x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
mean, std = (torch.tensor(json.loads(metadata[key])).view(1, 3, 1, 1) for key in ("mean", "std"))
for file, training in zip(features, (False, True)):
    ours = torch.from_numpy(numpy.load(file))
    with torch.no_grad():
        theirs = model.train(training)((x - mean) / std)
    print(float((ours - theirs).abs().max() / theirs.abs().max()))
