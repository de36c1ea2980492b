"""Sends a run to Weights & Biases while it trains, or when it has ended: python to_wandb.py RUN [PROJECT]"""

import sys
from pathlib import Path

import wandb

from metrics import follow, numbers_of, settings_of


def main(run, project="simclr"):
    tracked = wandb.init(project=project, name=Path(run).resolve().name, config=settings_of(run))
    step = None
    numbers = {}
    for record in follow(run):
        if record["type"] == "warning":
            tracked.alert(title=record["kind"], text=record["message"])
            continue
        # All numbers of a step are sent together: a step that was sent cannot be added to.
        if step is not None and record["step"] != step:
            tracked.log(numbers, step=step)
            numbers = {}
        step = record["step"]
        numbers.update(numbers_of(record))
    if numbers:
        tracked.log(numbers, step=step)
    for picture in sorted((Path(run) / "figures").glob("*.png")):
        tracked.log({f"figures/{picture.stem}": wandb.Image(str(picture))})
    tracked.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
