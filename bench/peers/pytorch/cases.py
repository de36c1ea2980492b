"""The work of each case in PyTorch. Tensors and attributes come from `<case>.ts`; names and layouts of results are the case's."""

import torch
import torch.nn.functional as F

import settings
from nt_xent import nt_xent
from pipeline import Pipeline
from tensors import from_ours, to_ours
from training import Step
from vit import attention_alone, vit


class Expression:
    """Work without a state: `compute(tensors, attributes, setting)` returns a function without arguments of named results."""

    def __init__(self, compute, tensors, attributes, setting, device):
        tensors = {name: from_ours(tensor, setting, device) for name, tensor in tensors.items()}
        self.again = compute(tensors, attributes, setting)

    def first(self):
        return {name: to_ours(tensor.detach()).reshape(tensor.numel()) for name, tensor in self.again().items()}


def expression(compute):
    return lambda tensors, attributes, setting, device: Expression(compute, tensors, attributes, setting, device)


def differentiable(tensor):
    return tensor.detach().requires_grad_()


def conv2d(t, a, _):
    x, weight, dy, direction = t["x"], t["weight"], t["dy"], a["direction"]
    if direction == "forward":
        return lambda: {"y": F.conv2d(x, weight, stride=a["stride"], padding=a["padding"])}
    wanted = [direction == "input gradient", direction == "weight gradient", False]
    stride, padding = [a["stride"]] * 2, [a["padding"]] * 2

    def backward():
        dx, dweight, _ = torch.ops.aten.convolution_backward(
            dy, x, weight, None, stride, padding, [1, 1], False, [0, 0], 1, wanted
        )
        return {"dx": dx} if wanted[0] else {"dweight": dweight}

    return backward


def matmul(t, a, _):
    left = t["a"].T if a["transposeA"] else t["a"]
    right = t["b"].T if a["transposeB"] else t["b"]
    return lambda: {"c": left @ right}


def batch_norm(t, _, __):
    x, weight, bias = (differentiable(t[name]) for name in ("x", "weight", "bias"))
    running_mean, running_var = torch.zeros_like(bias).detach(), torch.ones_like(bias).detach()

    def both():
        y = F.batch_norm(x, running_mean, running_var, weight, bias, training=True)
        dx, dweight, dbias = torch.autograd.grad(y, [x, weight, bias], t["dy"])
        return {"y": y, "dx": dx, "dweight": dweight, "dbias": dbias}

    return both


def max_pool(t, a, _):
    x = differentiable(t["x"])

    def both():
        y = F.max_pool2d(x, a["kernel"], a["stride"], a["padding"])
        return {"y": y, "dx": torch.autograd.grad(y, x, t["dy"])[0]}

    return both


def cosines(a, b):
    return F.normalize(a, dim=1) @ F.normalize(b, dim=1).T


def cosine_similarity(t, _, setting):
    compute = torch.compile(cosines) if setting.compiled else cosines
    return lambda: {"s": compute(t["a"], t["b"])}


def loss_and_gradient(loss_of, x, gradient_name):
    def both():
        loss = loss_of(x)
        return {"loss": loss, gradient_name: torch.autograd.grad(loss, x)[0]}

    return both


def contrastive(t, a, setting):
    compute = torch.compile(nt_xent) if setting.compiled else nt_xent
    return loss_and_gradient(lambda z: compute(z, a["temperature"]), differentiable(t["z"]), "dz")


def cross_entropy(t, _, setting):
    compute = torch.compile(F.cross_entropy) if setting.compiled else F.cross_entropy
    labels = t["labels"].long()
    return loss_and_gradient(lambda logits: compute(logits, labels), differentiable(t["logits"]), "dlogits")


class Adam:
    """Updates parameters one after another or all at once, as PyTorch chooses. Each takes the padding behind it along."""

    def __init__(self, tensors, attributes, setting, device):
        ends = [*attributes["offsets"][1:], tensors["weights"].numel()]
        slices = [slice(begin, end) for begin, end in zip(attributes["offsets"], ends)]
        self.parameters = [tensors["weights"][part].to(device).requires_grad_() for part in slices]
        for parameter, part in zip(self.parameters, slices):
            parameter.grad = tensors["gradients"][part].to(device)
        self.optimizer = torch.optim.Adam(
            self.parameters,
            lr=attributes["lr"],
            betas=tuple(attributes["betas"]),
            eps=attributes["eps"],
            weight_decay=attributes["weightDecay"],
            **({"fused": True} if setting.fused else {}),
        )

    def first(self):
        self.again()
        states = [self.optimizer.state[parameter] for parameter in self.parameters]
        moments = {name: torch.cat([state[name] for state in states]) for name in ("exp_avg", "exp_avg_sq")}
        return {"weights": torch.cat([parameter.detach() for parameter in self.parameters]), **moments}

    def again(self):
        self.optimizer.step()


# What makes a case's work, and the settings that it comes in.
CASES = {
    "conv2d": (expression(conv2d), settings.CONVOLUTION),
    "matmul": (expression(matmul), settings.PRODUCT),
    "batch_norm": (expression(batch_norm), settings.MAPS),
    "max_pool": (expression(max_pool), settings.MAPS),
    "cosine_similarity": (expression(cosine_similarity), settings.COMPOSED),
    "nt_xent": (expression(contrastive), settings.COMPOSED),
    "cross_entropy": (expression(cross_entropy), settings.COMPOSED),
    "attention": (expression(attention_alone), settings.COMPOSED),
    "vit": (expression(vit), settings.COMPOSED),
    "adam": (Adam, settings.ADAM),
    "step": (Step, settings.STEP),
    "pipeline": (Pipeline, settings.PIPELINE),
}
