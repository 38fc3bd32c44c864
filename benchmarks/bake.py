"""How long a bake takes, as a ratio to a template of one file: uv run python -m benchmarks.bake

Each round bakes every template once, in a process of its own and in turn, so that a busy machine is
busy for all of them alike; the least of all rounds counts. A ratio travels between machines, a time
does not. The goal is 1.3 and the limit 1.5.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))


def one_file_template(folder: Path) -> Path:
    project = folder / "one-file" / "{{cookiecutter.project_slug}}"
    project.mkdir(parents=True)
    (project / "README.md").write_text("# {{ cookiecutter.project_slug }}\n", encoding="utf-8")
    questions = json.dumps({"project_slug": "my-flask-app"})
    (project.parent / "cookiecutter.json").write_text(questions, encoding="utf-8")
    return project.parent


def seconds(template: Path, configuration: Path, answers: list[str]) -> float:
    """The wall time of one bake."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", output]
        command += ["--config-file", str(configuration), str(template), *answers]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a bake, as a ratio to a one-file template.")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds

    choices = {
        prompt: answers
        for prompt, answers in QUESTIONS.items()
        if isinstance(answers, list) and not prompt.startswith("_")
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        configuration = folder / "cookiecutter.yaml"
        configuration.write_text(json.dumps({"replay_dir": f"{folder}/replay"}), encoding="utf-8")
        bakes: dict[str, tuple[Path, list[str]]] = {"one file": (one_file_template(folder), [])}
        for chosen in product(*choices.values()):
            answers = [f"{name}={value}" for name, value in zip(choices, chosen, strict=True)]
            bakes[", ".join(chosen)] = (ROOT, answers)

        times: dict[str, list[float]] = {name: [] for name in bakes}
        for _ in range(rounds):
            for name, (template, answers) in bakes.items():
                times[name].append(seconds(template, configuration, answers))

    least = {name: min(measured) for name, measured in times.items()}
    for name, time_taken in least.items():
        print(f"{name:30} {time_taken * 1000:6.0f} ms {time_taken / least['one file']:6.2f}")


if __name__ == "__main__":
    main()
