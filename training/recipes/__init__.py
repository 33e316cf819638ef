"""How a model is made, scored and sampled, inside the training child process.

Only `config`, `errors` and `result` are importable without torch. Every recipe takes its
configuration, folders, `report(event: dict)` and `should_stop() -> bool`, resumes from the newest
complete checkpoint in its output folder, and returns a `RecipeResult`.

Set `MALLOC_ARENA_MAX=2` in the environment of the child process: glibc otherwise keeps one heap
per thread, and peak memory more than doubles. It must be set before the process starts.
"""
