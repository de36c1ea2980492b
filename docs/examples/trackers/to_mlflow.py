"""Sends a run to MLflow while it trains, or when it has ended: python to_mlflow.py RUN [EXPERIMENT]"""

import sys
from pathlib import Path

import mlflow

from metrics import follow, numbers_of, settings_of


def main(run, experiment="simclr"):
    mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name=Path(run).resolve().name):
        mlflow.log_params(settings_of(run))
        for record in follow(run):
            if record["type"] == "warning":
                mlflow.set_tag(f"warning.{record['kind']}", record["message"])
                continue
            mlflow.log_metrics(numbers_of(record), step=record["step"])
        figures = Path(run) / "figures"
        if figures.is_dir():
            mlflow.log_artifacts(str(figures), "figures")


if __name__ == "__main__":
    main(*sys.argv[1:])
