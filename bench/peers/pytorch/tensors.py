"""Tensors in files and in memory formats. The files are safetensors, read and written here so that nothing but PyTorch is needed."""

import ctypes
import json

import torch

DTYPES = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64, "U8": torch.uint8}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def read(path):
    """The tensors of a file by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def write(path, tensors):
    """Writes tensors by name, on the CPU and in float32."""
    header, pieces, position = {}, [], 0
    for name, tensor in tensors.items():
        flat = tensor.detach().to("cpu", torch.float32).contiguous()
        piece = ctypes.string_at(flat.data_ptr(), flat.numel() * flat.element_size())
        offsets = [position, position + len(piece)]
        header[name] = {"dtype": NAMES[flat.dtype], "shape": list(flat.shape), "data_offsets": offsets}
        pieces.append(piece)
        position += len(piece)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(pieces)


def from_ours(tensor, setting, device):
    """On the device and as PyTorch wants it: NHWC images become NCHW, [O, kh, kw, I] weights OIHW; matrices and maps may be f16."""
    tensor = tensor.to(device)
    if setting.half and tensor.dim() > 1 and tensor.is_floating_point():
        tensor = tensor.half()
    if tensor.dim() != 4:
        return tensor
    memory_format = torch.channels_last if setting.channels_last else torch.contiguous_format
    return tensor.permute(0, 3, 1, 2).contiguous(memory_format=memory_format)


def to_ours(tensor):
    """The other way round."""
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor
