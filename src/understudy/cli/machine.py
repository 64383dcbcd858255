"""`understudy info --machine`: the machine, and what Understudy uses of it."""

from understudy.showing.terminal import say, say_document


def show(*, as_json: bool) -> int:
    """Tell; the status."""
    from understudy.training.machine import described

    found = described()
    if as_json:
        say_document(found)
        return 0
    memory, kind = found["memory"], found["number_type"]
    rows = {
        "processor": found["processor"],
        "instructions": found["instructions"],
        "cores": f"{found['cores']}, of which {found['threads']} are used at a time",
        "memory": "unknown" if memory is None else f"{memory / 2**30:.1f} GiB",
        "recurrence": found["kernels"],
        "learns in": kind,
        "matrix rate": f"{found['matrix_rate'] / 1e9:,.0f} billion operations a second in {kind}",
        "its steps": f"{found['step_rate'] / 1e9:,.0f} billion, with their equations (LSTM 512, 32 lanes)",
        "writing": found["writing"],
        "GPU": found["gpu"] or "none that PyTorch finds",
        "versions": ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
    }
    for name, value in rows.items():
        say(f"{name:<14}{value}")
    return 0
