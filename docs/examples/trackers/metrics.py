"""Lines of a run's metrics.jsonl: those that are there, and then those that are added until the run ends."""

import json
import time
from pathlib import Path


def settings_of(run):
    """The settings of a run, as its config.json has them."""
    config = json.loads((Path(run) / "config.json").read_text(encoding="utf-8"))
    return {"data": config.get("data"), **config["settings"]}


def numbers_of(record):
    """The numbers of a line by name; those of an epoch and of a probe before training are told apart from those of a step."""
    prefix = "" if record["type"] == "step" else "epoch/"
    skipped = ("type", "step", "epoch", "epochs", "time", "batchSize")
    flat = {}
    for name, value in record.items():
        if name in skipped:
            continue
        if isinstance(value, dict):
            flat.update({f"{prefix}{name}.{key}": inner for key, inner in value.items()})
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            flat[prefix + name] = value
    return flat


def follow(run, live=True, pause=1.0):
    """
    Yields the records of a run in the order of their steps. With live, it waits for more while a process trains there: its
    lock is in the folder. A run that resumes replaces the file; what was told stays told, and only later steps follow.
    """
    path = Path(run) / "metrics.jsonl"
    told = {}
    while True:
        training = (Path(run) / "run.lock").exists()
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # its end is still being written
            record = json.loads(line)
            kind = record["type"] + record.get("kind", "")
            if record["step"] > told.get(kind, -1):
                told[kind] = record["step"]
                yield record
        if not (live and training):
            return
        time.sleep(pause)
