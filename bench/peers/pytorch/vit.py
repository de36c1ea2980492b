"""A vision transformer or one of its blocks, forward and backward, of parameters under timm's names."""

import torch
import torch.nn.functional as F

EPS = 1e-6


def attention(q, k, v):
    """Fused where PyTorch has it."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v)
    return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1) @ v


def attention_alone(tensors, attributes, setting):
    q, k, v = (tensors[name].detach().requires_grad_() for name in ("q", "k", "v"))
    compute = torch.compile(attention) if setting.compiled else attention

    def both():
        y = compute(q, k, v)
        dq, dk, dv = torch.autograd.grad(y, [q, k, v], tensors["dy"])
        return {"y": y, "dq": dq, "dk": dk, "dv": dv}

    return both


def norm(x, p, name):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], EPS)


def linear(x, p, name):
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def block(x, p, name, heads):
    n, tokens, width = x.shape
    qkv = linear(norm(x, p, f"{name}.norm1"), p, f"{name}.attn.qkv")
    q, k, v = qkv.reshape(n, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    mixed = attention(q, k, v).transpose(1, 2).reshape(n, tokens, width)
    x = x + linear(mixed, p, f"{name}.attn.proj")
    return x + linear(F.gelu(linear(norm(x, p, f"{name}.norm2"), p, f"{name}.mlp.fc1")), p, f"{name}.mlp.fc2")


def network(x, p, depth, heads):
    weight = p["patch_embed.proj.weight"]
    patches = F.conv2d(x, weight, p["patch_embed.proj.bias"], stride=weight.shape[2:]).flatten(2).transpose(1, 2)
    tokens = torch.cat([p["cls_token"].expand(len(x), -1, -1), patches], dim=1) + p["pos_embed"]
    for i in range(depth):
        tokens = block(tokens, p, f"blocks.{i}", heads)
    return norm(tokens, p, "norm")[:, 0]


def vit(tensors, attributes, setting):
    x, dy = tensors.pop("x"), tensors.pop("dy")
    parameters = {name: value.detach().requires_grad_() for name, value in tensors.items()}
    heads, depth = attributes["heads"], attributes["depth"]
    targets = dict(parameters)
    if attributes["kind"] == "block":
        targets["x"] = x = x.detach().requires_grad_()

    def forward(x, parameters):
        if attributes["kind"] == "block":
            return block(x, parameters, "block", heads)
        return network(x, parameters, depth, heads)

    compute = torch.compile(forward) if setting.compiled else forward

    def both():
        y = compute(x, parameters)
        all_gradients = torch.autograd.grad(y, list(targets.values()), dy)
        return {"y": y, **{f"gradient of {name}": value for name, value in zip(targets, all_gradients)}}

    return both
