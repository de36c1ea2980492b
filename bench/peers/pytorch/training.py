"""SimCLR's training step in PyTorch, in every setting."""

from contextlib import nullcontext

import torch

from network import SimClr
from nt_xent import nt_xent

# Of a captured step: a scaler that changes its mind would have to be asked on the host.
FIXED_SCALE = 1024.0


class Training:
    """A network with its optimiser. `step(views)` trains on views [2N, 3, H, W] and returns the loss, on the device."""

    def __init__(self, setting, device, attributes):
        self.setting, self.device, self.attributes = setting, device, attributes
        memory_format = torch.channels_last if setting.channels_last else torch.contiguous_format
        self.network = SimClr().to(device, memory_format=memory_format).train()
        self.names = [name for name, _ in self.network.named_parameters()]
        on_gpu = device.type == "cuda"
        extra = {"fused": True, "capturable": setting.graph} if on_gpu else {}
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=attributes["lr"], weight_decay=attributes["weightDecay"], **extra
        )
        self.scaler = self.make_scaler()
        self.objective = torch.compile(self.loss) if setting.compiled else self.loss
        self.start = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.captured = None

    def make_scaler(self):
        dynamic = self.setting.amp and not self.setting.graph
        return torch.amp.GradScaler("cuda", init_scale=FIXED_SCALE) if dynamic else None

    def load(self, parameters):
        """Takes first values for its parameters."""
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                value.copy_(parameters[name])
        self.start = {name: value.clone() for name, value in self.network.state_dict().items()}

    def reset(self):
        """Back to the first values, in place: a captured graph goes on pointing to them."""
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(self.start[name])
            for moments in self.optimizer.state.values():
                for value in moments.values():
                    value.zero_()
        self.scaler = self.make_scaler()

    def precision(self):
        if not self.setting.amp:
            return nullcontext()
        # A cache of weights in float16 would not be refreshed by replays of a graph.
        return torch.autocast("cuda", dtype=torch.float16, cache_enabled=not self.setting.graph)

    def loss(self, views):
        with self.precision():
            z = self.network(views)
        return nt_xent(z, self.attributes["temperature"])

    def eager(self, views):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.objective(views)
        if self.scaler:
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        elif self.setting.amp:
            (loss * FIXED_SCALE).backward()
            torch._foreach_div_([parameter.grad for parameter in self.network.parameters()], FIXED_SCALE)
            self.optimizer.step()
        else:
            loss.backward()
            self.optimizer.step()
        return loss.detach()

    def capture(self, views):
        """Records a step as a CUDA graph that reads `views` where they lie. Warms up on a stream of its own first, as one must."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.eager(views)
        torch.cuda.current_stream().wait_stream(stream)
        self.captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.captured):
            self.captured_loss = self.eager(views)
        self.captured_views = views
        self.reset()

    def step(self, views):
        if not self.setting.graph:
            return self.eager(views)
        if self.captured is None:
            self.capture(views.clone())
        if views.data_ptr() != self.captured_views.data_ptr():
            self.captured_views.copy_(views)
        self.captured.replay()
        return self.captured_loss

    def gradients(self):
        return {name: parameter.grad.float() for name, parameter in self.network.named_parameters()}


class Step:
    """The case `step`: one step on given views, then the same again and again."""

    def __init__(self, tensors, attributes, setting, device):
        memory_format = torch.channels_last if setting.channels_last else torch.contiguous_format
        self.views = tensors["views"].to(device).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
        self.training = Training(setting, device, attributes)
        self.training.load({name: value.to(device) for name, value in tensors.items() if name != "views"})

    def first(self):
        """Loss and gradients at the first weights, and the weights after one step, in the order of the parameters."""
        self.training.reset()
        loss = self.training.step(self.views).clone()
        values = {"loss": loss.reshape(1)}
        for name, gradient in self.training.gradients().items():
            values[f"gradient of {name}"] = gradient
        parameters = dict(self.training.network.named_parameters())
        values["updated weights"] = torch.cat([parameters[name].detach().flatten() for name in self.training.names])
        return values

    def again(self):
        self.training.step(self.views)
