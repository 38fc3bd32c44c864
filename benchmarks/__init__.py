"""Speed, as ratios to peers measured in the same run: uv run python -m benchmarks

`__main__.py` bakes a project for each place where sessions can be kept, starts the servers, and
makes an environment in which peers and projects run side by side. What is measured in there begins
in `worker.py`: `peers/` are the others, `ours.py` is a rendered project, `backends/` say for each
place what the least possible work is and how to fill it, `scenarios/` say what is timed. `goals.py`
judges, `table.py` and `chart.py` show it.
"""
