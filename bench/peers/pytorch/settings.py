"""The ways to run PyTorch among which its fastest may be, from strict float32 to captured graphs of half precision."""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Setting:
    name: str
    conv_tf32: bool = False
    matmul_tf32: bool = False
    # Operands of single operations are float16.
    half: bool = False
    # Networks run under autocast to float16 with a scaled loss.
    amp: bool = False
    channels_last: bool = False
    compiled: bool = False
    graph: bool = False
    # The optimiser is one kernel.
    fused: bool = False

    @property
    def needs_gpu(self):
        return self.conv_tf32 or self.matmul_tf32 or self.half or self.amp or self.compiled or self.graph or self.fused

    @property
    def coarse(self):
        """Whether products are of operands with 11 bits: TF32 and float16."""
        return self.conv_tf32 or self.matmul_tf32 or self.half or self.amp

    @contextmanager
    def active(self):
        """PyTorch's global switches as this setting wants them. Its own default has TF32 for convolutions only."""
        torch.backends.cudnn.allow_tf32 = self.conv_tf32
        torch.backends.cuda.matmul.allow_tf32 = self.matmul_tf32
        torch.backends.cudnn.benchmark = True
        yield


STRICT = Setting("float32 strict")
STRICT_CHANNELS_LAST = replace(STRICT, name="float32 strict, channels_last", channels_last=True)
DEFAULT = Setting("default, TF32 convolutions", conv_tf32=True)
TF32 = Setting("TF32", conv_tf32=True, matmul_tf32=True)
HALF = Setting("float16, channels_last", half=True, channels_last=True)
AMP = Setting("AMP, channels_last", conv_tf32=True, amp=True, channels_last=True)


def compiled(setting):
    return replace(setting, name=f"{setting.name}, torch.compile", compiled=True)


def captured(setting):
    return replace(setting, name=f"{setting.name}, CUDA graph", graph=True)


CONVOLUTION = [STRICT, STRICT_CHANNELS_LAST, DEFAULT, HALF]
PRODUCT = [STRICT, TF32, HALF]
MAPS = [STRICT, STRICT_CHANNELS_LAST, HALF]
COMPOSED = [STRICT, compiled(STRICT)]
ADAM = [STRICT, replace(STRICT, name="fused", fused=True)]
STEP = [STRICT, DEFAULT, compiled(DEFAULT), captured(DEFAULT), AMP, compiled(AMP), captured(AMP)]
PIPELINE = [STRICT, DEFAULT, AMP, captured(AMP)]
