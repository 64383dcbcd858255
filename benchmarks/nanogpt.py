"""nanoGPT's recipe for a CPU, written anew from its published settings, as a peer to measure against.

    python benchmarks/nanogpt.py TEXT [--seconds 100] [--seed 0]

A transformer of 4 layers, 4 heads and 128 units over 64 characters: before each half of a layer a normalisation without
bias, GELU, the output tied to the embedding; batches of 12 places drawn at random; AdamW (0.9, 0.99), weight decay 0.1
on matrices, clipping at 1, a hundred steps of warm-up to 1e-3 and a half cosine down to 1e-4; no dropout, float32. Its
two thousand steps are stretched or shortened to the seconds given, so that the rate always ends at its lowest. Ten
times on the way it is looked at, in consecutive windows of 64 over the whole held-back text (the last tenth), and the
best look counts. Time stands still for those looks.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS, HEADS, UNITS, CONTEXT, BATCH = 4, 4, 128, 64, 12
RATE, LOWEST, WARM, LOOKS = 1e-3, 1e-4, 100, 10


class Block(nn.Module):
    """Attention, then two dense layers, each added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.LayerNorm(UNITS, bias=False)
        self.attention = nn.Linear(UNITS, 3 * UNITS, bias=False)
        self.attended = nn.Linear(UNITS, UNITS, bias=False)
        self.between = nn.LayerNorm(UNITS, bias=False)
        self.wide = nn.Linear(UNITS, 4 * UNITS, bias=False)
        self.narrow = nn.Linear(4 * UNITS, UNITS, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, H) to the same."""
        B, T, H = x.shape
        parts = self.attention(self.before(x)).view(B, T, 3, HEADS, H // HEADS).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        x = x + self.attended(seen.transpose(1, 2).reshape(B, T, H))
        out: Tensor = x + self.narrow(F.gelu(self.wide(self.between(x))))
        return out


class Transformer(nn.Module):
    """Ids (B, T) to logits (B, T, V)."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, UNITS)
        self.places = nn.Embedding(CONTEXT, UNITS)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.last = nn.LayerNorm(UNITS, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                ends_a_half = name.endswith(("attended.weight", "narrow.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if ends_a_half else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """The logits."""
        x = self.embedding(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.last(x), self.embedding.weight)


@torch.inference_mode()
def windowed(network: Transformer, ids: Tensor) -> float:
    """Mean nats a character in consecutive windows of 64, the last one shorter."""
    whole, tail = divmod(len(ids) - 1, CONTEXT)
    total = 0.0
    pieces = [(torch.arange(first, min(first + 64, whole)) * CONTEXT, CONTEXT) for first in range(0, whole, 64)]
    for starts, length in pieces + ([(torch.tensor([whole * CONTEXT]), tail)] if tail else []):
        at = starts[:, None] + torch.arange(length)
        total += float(F.cross_entropy(network(ids[at]).flatten(0, 1), ids[at + 1].flatten(), reduction="sum"))
    return total / (len(ids) - 1)


def trained(text: str, seconds: float, seed: int = 0) -> dict[str, float]:
    """Train for so many seconds; the best look's loss (nats, windows of 64) and the steps done."""
    torch.manual_seed(seed)
    symbols, codes = np.unique(np.frombuffer(text.encode("utf-32-le"), dtype="<u4"), return_inverse=True)
    ids = torch.from_numpy(codes.astype(np.int64))
    cut = int(0.9 * len(ids))
    train, held = ids[:cut], ids[cut:]
    network = Transformer(len(symbols))
    matrices = [p for p in network.parameters() if p.ndim == 2]
    vectors = [p for p in network.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))
    spent, steps, looks, best = 0.0, 0, 0, math.inf
    while spent < seconds:
        began = time.perf_counter()
        through = spent / seconds
        rate = LOWEST + (RATE - LOWEST) * (1 + math.cos(math.pi * through)) / 2
        for group in optimizer.param_groups:
            group["lr"] = min(rate, RATE * (steps + 1) / WARM)
        at = torch.randint(len(train) - CONTEXT, (BATCH, 1)) + torch.arange(CONTEXT)
        loss = F.cross_entropy(network(train[at]).flatten(0, 1), train[at + 1].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps += 1
        spent += time.perf_counter() - began
        if spent / seconds * LOOKS >= looks + 1:
            looks += 1
            best = min(best, windowed(network, held))
    return {"loss": best, "steps": steps}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    found = trained(parsed.text.read_text(encoding="utf-8"), parsed.seconds, parsed.seed)
    print(f"{found['steps']:,} steps, {found['loss']:.4f} nats a character in windows of {CONTEXT}")


if __name__ == "__main__":
    main()
