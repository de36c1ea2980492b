"""PyTorch's side of the benchmark: a process that reads requests from stdin and answers on stdout, both JSON, a line each.

    {"do": "describe"}                                          → {"torch": …, "device": …, "augmentation": …}
    {"do": "open", "case": …, "file": …, "attributes": {…}}     → {"settings": [{"name": …, "coarse": …}]}
    {"do": "first", "setting": …, "file": …}                    → {}, and the values in the file
    {"do": "again", "setting": …, "times": …}                   → {"ms": …}

Files are safetensors. What goes wrong is answered as {"error": …}.
"""

import gc
import json
import sys
import time

import torch

import augmentation
import cases
import tensors
from pipeline import cores

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


class Session:
    """The case that is open, and its settings that were begun."""

    def __init__(self, case, file, attributes):
        self.make, settings = cases.CASES[case]
        self.settings = {s.name: s for s in settings if device.type == "cuda" or not s.needs_gpu}
        self.inputs = tensors.read(file)
        self.attributes = attributes
        self.works = {}

    def work(self, name):
        if name not in self.works:
            self.works[name] = self.make(self.inputs, self.attributes, self.settings[name], device)
        return self.works[name]


session = None


def describe():
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else None
    return {"torch": torch.__version__, "device": gpu or "CPU", "augmentation": augmentation.source()}


def open_case(case, file, attributes):
    global session
    session = None
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    session = Session(case, file, attributes)
    return {"settings": [{"name": s.name, "coarse": s.coarse} for s in session.settings.values()]}


def first(setting, file):
    with session.settings[setting].active():
        values = session.work(setting).first()
        synchronize()
    tensors.write(file, values)
    return {}


def seconds(work, times):
    synchronize()
    start = time.perf_counter()
    for _ in range(times):
        work.again()
    synchronize()
    return time.perf_counter() - start


def again(setting, times):
    work = session.work(setting)
    with session.settings[setting].active():
        taken = work.timed(times, synchronize) if hasattr(work, "timed") else seconds(work, times)
    return {"ms": taken * 1000}


REQUESTS = {"describe": describe, "open": open_case, "first": first, "again": again}


def answer(request):
    try:
        return REQUESTS[request.pop("do")](**request)
    except Exception as error:  # Told to the benchmark, which leaves this setting out.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return {"error": f"{type(error).__name__}: {lines[0] if lines else 'no message'}"}


def main():
    # What libraries print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    # Debian's PyTorch would take one.
    torch.set_num_threads(cores())
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


# Processes that augment may import this file again.
if __name__ == "__main__":
    main()
