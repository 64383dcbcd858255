"""Where the milliseconds of a training step on a CPU go, part by part, each timed alone with the step's own shapes.

    python benchmarks/step_parts.py [--rounds 15] [--as avx2]

"The necessary products" are the step's necessary operations at the rate of a large product, measured in the same run:
what no part can be spared of. "All else" is the whole step less the sum of the parts: Python, batches, packing of
matrices, memory.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from processors import add_as, begin_as
from torch import Tensor
from torch.nn import functional as F
from training_speed import Case, best_rate, cases, understudy_step

from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.model.recurrence.compiled import Kernels, kept_type, tiles_serve
from understudy.model.recurrence.packed import Packed
from understudy.training.optimizer import Numbers, Optimizer
from understudy.training.recipe import Recipe


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """Median time of the work, after two times to get warm."""
    taken = []
    for _ in range(rounds + 2):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return 1e3 * median(taken[2:])


def recurrence_parts(case: Case) -> dict[str, Callable[[], object]]:
    """The products and the kernels of all steps of one layer."""
    T, B, H, V = case.length, case.batch, case.units, case.vocabulary
    G, dtype = 3 if case.cell == "gru" else 4, getattr(torch, case.precision)
    weight = (torch.randn(G * H, H) * 0.03).to(dtype)
    forward, backward = Packed(weight, B), Packed(weight.t().contiguous(), B)
    hidden, d_gates = torch.randn(T + 1, B, H).to(dtype), torch.randn(T, B, G * H).to(dtype)
    rows, d_rows = hidden[:-1].unbind(), d_gates.unbind()
    kernels, tiled = Kernels(case.cell, dtype, B, H, keeps=True), tiles_serve(dtype, H)
    kernels.use(
        ids=torch.randint(V, (T, B)),
        source=torch.randn(V, G * H).to(dtype),
        bias=torch.zeros(H),
        hidden=hidden,
        last=torch.zeros(B, H),
        carried=torch.zeros(T + 1, B, H),
        gates=torch.zeros(T, B, 4 * H, dtype=kept_type(dtype)),
        d_outputs=torch.zeros(T, B, H, dtype=dtype),
        d_carried=torch.zeros(B, H),
        d_gates=torch.zeros(T, B, G * H, dtype=dtype),
        d_inputs=torch.zeros(1, B, G * H, dtype=dtype),
        d_table=torch.zeros(V, G * H),
        d_bias=torch.zeros(H),
        weight=weight.float(),
        panels=torch.zeros(G * H, H, dtype=dtype) if tiled else None,
        arriving=torch.zeros(B, H),
    )
    gradient: dict[str, Callable[[], object]] = {
        "matrix product, the weights' gradient": lambda: d_gates.view(T * B, -1).t() @ hidden[:-1].view(T * B, H)
    }
    if tiled:
        last = torch.zeros(B, H, dtype=dtype)
        whole: dict[str, Callable[[], object]] = {
            "all steps there, products and equations": lambda: kernels.forward_sequence(T),
            "all steps back, with the table's gradient": lambda: kernels.backward_sequence(T, last),
        }
        return whole | gradient
    there, back = kernels.step("forward"), kernels.step("backward")
    product, arriving = torch.zeros(B, G * H, dtype=dtype), torch.zeros(B, H, dtype=dtype)
    parts: dict[str, Callable[[], object]] = {
        "matrix products, forward": lambda: [forward.times(row) for row in rows],
        "matrix products, back": lambda: [backward.times(row) for row in d_rows],
        "elementwise kernel, forward": lambda: [there(t, product) for t in range(T)],
        "elementwise kernel, back, with the table's gradient": lambda: [back(t, arriving) for t in range(T)],
    }
    return parts | gradient


def other_parts(case: Case) -> dict[str, Callable[[], object]]:
    """The output layer with the loss, and the optimiser."""
    config = ModelConfig(case.cell, case.vocabulary, case.embedding, case.units, case.layers)
    network = Network(config)
    initialize(network, "default", 0)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    recipe = Recipe(cell=case.cell, optimizer="adam")
    optimizer = Optimizer(network, recipe)
    numbers = Numbers.of(recipe, 1e-9, 1)
    dtype = getattr(torch, case.precision)
    outputs = torch.randn(case.length, case.batch, case.units).to(dtype).requires_grad_()
    targets = torch.randint(case.vocabulary, (case.length * case.batch,))

    def output_and_loss() -> Tensor:
        logits = F.linear(outputs, network.output.weight.to(dtype), network.output.bias.to(dtype)).float()
        loss = F.cross_entropy(logits.flatten(0, 1), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    return {"output layer and loss, both ways": output_and_loss, "optimiser": lambda: optimizer.step(numbers, [])}


def main() -> None:
    """Print a table for each case of one layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    add_as(parser)
    parsed = parser.parse_args()
    begin_as(parsed.processor)
    rounds = parsed.rounds
    for case in cases():
        if case.layers > 1:
            continue
        step = understudy_step(case)
        parts = {
            name: milliseconds(work, rounds) for name, work in (recurrence_parts(case) | other_parts(case)).items()
        }
        whole = milliseconds(step, rounds)
        rate = median(best_rate(case.precision) for _ in range(5))
        necessary = 1e3 * case.operations * case.batch * case.length / rate
        parts["all else"] = whole - sum(parts.values())
        print(f"\n| {case.name} | ms a step | share |\n|---|---|---|")
        for name, taken in parts.items():
            print(f"| {name} | {taken:.1f} | {taken / whole:.0%} |")
        print(f"| the whole step | {whole:.1f} | |")
        print(
            f"| the necessary products at the machine's rate | {necessary:.1f} | {necessary / whole:.0%} |", flush=True
        )


if __name__ == "__main__":
    main()
