# %% [markdown] steps="sample"
# # How a net learns to write
#
# A program reads a book, one character after another. It knows no words and no grammar. At each place it guesses which
# character comes next, looks, and changes itself so that it would have guessed a little better. After a minute of this
# it can go on by itself: it guesses a character, takes it as if it had read it, and guesses again. Then something like
# this comes out:
#
# ```text
# {{output of: written}}
# ```
#
# Look at it for a moment before you read on. What is right about it, and what is not? Most words exist. The lines are
# about as long as lines of the book, and whatever the book does with capitals, names and empty lines is done here too.
# Only sense is missing.
#
# Three things are worth noticing:
#
# - Every word was spelled letter by letter. Nobody told the program that there are words.
# - Nobody told it what a page of the book looks like either.
# - It learned from pieces of 64 characters, and still keeps to the form of the book for as long as it writes.
#
# This page shows how that comes about. It is a notebook: what stands below a block of code was printed by that block.
# You need a little Python, and to know what a logarithm is. Reading takes half an hour. Running all of it takes less
# than five minutes on two cores of a laptop, no GPU; it needs Jupyter and matplotlib beside Understudy.
#
# Where a **question** stands, answer it before you look further down.

# %% [markdown] steps="text"
# ## A text
#
# Everything starts with a text, and any text will do. This cell says which; to learn from one of your own, put its
# path there. A hundred thousand characters are enough to try, a million are better.

# %% tags="parameters" steps="text"
TEXT = "@shakespeare"  # a million characters of plays; or a path, such as "mybook.txt"
STEPS = 1500  # how long the net further down learns

# %% steps="text"
import hashlib
import math
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import HTML, display
from matplotlib_inline.backend_inline import set_matplotlib_formats

import understudy
from understudy.text.source import find

set_matplotlib_formats("svg", metadata={"Date": None})
plt.rcParams |= {"svg.hashsalt": "tutorial", "figure.figsize": (3.6, 3.0), "font.size": 11, "axes.grid": True}
RUNS = Path("runs/tutorial")  # what is learned here goes there

(source,) = find([TEXT])
with source.open() as file:
    text = file.read().decode()

# %% [markdown] steps="length, beginning"
# How long is it, and how does it begin?

# %% steps="length, beginning"
print(f"{len(text):,} characters\n")
print(text[:250])

# %% [markdown] steps="distinct"
# **Question:** how many *different* characters does such a text have? Count capitals, small letters and punctuation.

# %% steps="distinct"
symbols = sorted(set(text))
V = len(symbols)
counts = Counter(text)
print(V, "different characters:", "".join(symbols).encode("unicode_escape").decode())


def table(*rows):
    """Print rows in columns: words to the left, numbers to the right."""
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            str(cell).rjust(width) if column else str(cell).ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells))


print("\nThe six most frequent ones:\n")
table(("character", "how often"), *((repr(one), f"{count / len(text):.1%}") for one, count in counts.most_common(6)))

# %% [markdown] steps="vectorize"
# ## Characters become numbers
#
# A net computes, so it needs numbers. We put the characters in order and number them from 0. Such a number is called
# an **id**, and the list of all characters in their order is the **vocabulary**. Two look-ups are all it takes: one
# from character to id, one back.

# %% steps="vectorize, lookup"
id_of = {symbol: number for number, symbol in enumerate(symbols)}


def encode(piece):
    return np.array([id_of[symbol] for symbol in piece], dtype=np.int64)


def decode(ids):
    return "".join(symbols[number] for number in ids)


def shown(ids):
    return repr(decode(ids))


table(("character", "id"), *((repr(symbol), id_of[symbol]) for symbol in symbols[:20]))

# %% steps="vectorize, mapped"
print(repr(text[:13]))
print(encode(text[:13]))
print(repr(decode(encode(text[:13]))))

ids = encode(text)
assert decode(ids) == text  # nothing is lost on the way

# %% [markdown]
# An id says nothing about its character: that 'b' comes after 'a' means nothing to the net. It is a name, not a
# quantity. What the characters mean for each other, the net has to find out.
#
# Understudy keeps the vocabulary inside the model's file, so that a model can never be used with another one by
# mistake. It numbers as we did:

# %%
from understudy.text.vocabulary import Vocabulary

vocabulary = Vocabulary.of_text(text)
assert (vocabulary.encode(text) == ids).all()

# %% [markdown] steps="task"
# ## The task: what comes next?
#
# **Question:** you have read the two characters that the next cell prints. Which one comes next? And how sure are you?

# %% steps="task"
pairs = Counter(text[place : place + 2] for place in range(len(text) - 2))
pair = next(pair for pair, _ in pairs.most_common() if pair.isalpha())
after = Counter(text[place + 2] for place in range(len(text) - 2) if text.startswith(pair, place))
print(f"{pair!r} stands {pairs[pair]:,} times in the text; after it comes\n")
table(("character", "share"), *((repr(c), f"{n / after.total():.1%}") for c, n in after.most_common(6)))

# %% [markdown] steps="task"
# There is no single right answer, and so the net is not asked for one. It is asked for *all* characters, each with a
# probability. The longer the beginning that it has read, the better it can know: after two characters much is
# possible, after a whole page far less.
#
# How good is such an answer? We look at the probability $p$ that was given to the character that really came, and take
# $-\ln p$. This is the **surprise**, and its unit is the **nat**. Divided by $\ln 2$ it is in **bits**.

# %% steps="task, loss"
table(
    ("given to what came", "nats", "bits"),
    *((f"{p:.3g}", f"{math.log(1 / p):.3f}", f"{math.log2(1 / p):.3f}") for p in (1, 0.9, 0.5, 1 / V, 0.001)),
)

# %% [markdown] steps="loss"
# Certain and right costs nothing. Certain and wrong costs without end, which teaches a net to be honest about its
# doubts. The mean surprise over many places is the **loss** (in full, the cross-entropy), and it is the only thing
# that learning will make smaller. Nothing else is ever asked of the net: it learns spelling and layout because they
# make the next character less surprising.
#
# Three losses are worth knowing before any net comes in. What does it cost to know nothing at all, so that every
# character is as likely as any other? To know only how frequent each one is? And to know only what follows each single
# one? What would someone write who knows no more than that?

# %% steps="loss"
cut = int(0.9 * len(ids))  # the last tenth is held back: nothing below learns from it
learned, held = ids[:cut], ids[cut:]


def counting_one(known, unseen):
    """Mean nats where each character is given its share of the known text; one is added to every count."""
    shares = (np.bincount(known, minlength=V) + 1) / (len(known) + V)
    return -np.log(shares[unseen]).mean()


def counting_two(known, unseen):
    """The same with what followed the character before."""
    followed = np.bincount(known[:-1] * V + known[1:], minlength=V * V).reshape(V, V) + 1
    shares = followed / followed.sum(1, keepdims=True)
    return -np.log(shares[unseen[:-1], unseen[1:]]).mean()


ladder = {
    "every character alike": math.log(V),
    "how frequent each is": counting_one(learned, held),
    "what follows each one": counting_two(learned, held),
}
table(("what is known", "nats a character"), *((name, f"{nats:.3f}") for name, nats in ladder.items()))

dice = np.random.default_rng(1)  # and this is what they would write
often = np.bincount(learned, minlength=V) / len(learned)
pages = [dice.integers(0, V, 50), dice.choice(V, 50, p=often), [learned[0]]]
while len(pages[2]) < 50:
    places = np.flatnonzero(learned[:-1] == pages[2][-1])  # wherever its last character stands in the text
    pages[2].append(learned[dice.choice(places) + 1])
for name, page in zip(ladder, pages, strict=True):
    print(f"\n{name}:\n   {shown(page)}")

# %% [markdown]
# Keep these three numbers in mind. You will see the net pass them, one after the other.
#
# Note the last tenth of the text, which is held back. A net that has learned a text by heart would predict that text
# perfectly and nothing else. So we judge it by what it has never seen. The tutorial that this page descends from had
# no such part; nobody could tell from it when a net had learned enough.

# %% [markdown] steps="chunks"
# ## Pieces to learn from
#
# To learn from a text at one place after another would be slow. So it is cut into pieces, called **chunks**, which are
# read side by side. To make `seq` guesses and check them all, we need `seq + 1` characters: the first has nothing
# before it, and the last is only there to be guessed.

# %% steps="chunks"
seq = 100
chunks = learned[: len(learned) // (seq + 1) * (seq + 1)].reshape(-1, seq + 1)
print(f"{len(chunks):,} chunks of {seq + 1} characters; the first three:\n")
for chunk in chunks[:3]:
    print(repr(decode(chunk)), "\n")

# %% [markdown] steps="input-target"
# Each chunk gives two rows, which differ by one place: what is read, the **input**, and what should have been said at
# each place, the **target**.
#
# **Question:** the chunk of five characters `Hello` gives four guesses. Which input, and which target?

# %% steps="input-target"


def split(chunk):
    return chunk[:-1], chunk[1:]


reads, should_say = split(chunks[0])
print("'Hello' ->", "Hello"[:-1], "and", "Hello"[1:], "\n")
print("input: ", shown(reads[:40]), "...")
print("target:", shown(should_say[:40]), "...")

# %% [markdown] steps="step-by-step"
# Read down the columns, and you have the first steps of learning. At each one the net has seen all the characters
# above it too, not only the one in its row:

# %% steps="step-by-step"
for step, (read, say) in enumerate(zip(reads[:5], should_say[:5], strict=True)):
    print(f"step {step}: reads {shown([read]):4} ({read:2}), should say {shown([say]):4} ({say:2})")

# %% [markdown] steps="batches"
# ## Batches, and what is wrong with the usual ones
#
# A processor multiplies large matrices faster than many small ones, so several chunks are read at once. Together they
# are a **batch**. The tutorial of 2018 shuffles the chunks like cards and deals them out in batches of 64, so that
# each batch is a fair sample of the whole book.
#
# Now the snag. The net reads from left to right and keeps notes for itself: some hundred numbers in which it holds
# what it needs of what it has read. These notes are its **state**; you will see them soon. Where a chunk ends, what
# should happen to the state? The tutorial hands it on to the next batch. But look what stands there:

# %% steps="batches, shuffled"
from understudy.text.batches import Lanes, ShuffledChunks
from understudy.text.encoded import Ids

shuffled = ShuffledChunks(Ids(learned), batch_size=64, length=seq, seed=1)
lanes = Lanes(Ids(learned), lanes=64, length=seq)
print("a batch of inputs, (time, batch):", shuffled[0].inputs.shape, "\n")
for name, batches in {"shuffled chunks": shuffled, "contiguous lanes": lanes}.items():
    print(f"{name}, first row of two batches in a row:")
    print("   ...", shown(batches[0].inputs[-25:, 0]))
    print("      ", shown(batches[1].inputs[:25, 0]), "...\n")

# %% [markdown] steps="batches"
# With shuffled chunks, the notes that a row receives were made on *some other page of the book*. There is a way
# without this fault: cut the text into 64 long strips, called **lanes**, and read all of them from left to right. Then
# row 7 of a batch goes on exactly where row 7 of the last one ended, and the notes are its own.
#
# ![Above: chunks of the text dealt out in any order, so that a row is handed the state of another place. Below: the
# text in three lanes, read from left to right, so that a row is handed its own state.](drawings/batches.svg)
#
# **Question:** the tutorial's net works all the same. Why? And how much better will lanes be?

# %% [markdown] steps="batches, measured"
# An answer that you may not expect. Here are twelve nets, three of each kind, which differ in nothing but how the text
# was dealt out to them. The numbers are losses on held-back text, medians of three; how *windowed* and *streamed*
# differ is told further down, and does not matter yet.
#
# | batches | the state at a chunk's beginning | windowed | streamed |
# |---|---|---|---|
# | shuffled chunks | another page's, as in 2018 | 1.830 | 1.818 |
# | shuffled chunks | zero | 1.817 | 1.809 |
# | lanes | its own | 1.838 | 1.814 |
# | lanes | zero | 1.821 | 1.813 |
#
# (The tutorial's recipe with 256 units, four passes over the plays. `benchmarks/batching.py` repeats it, and
# `benchmarks/RESULTS.md` has every run.)
#
# - **The mistake is one, and it costs little.** The first row is worse than the second by about a hundredth of a nat,
#   with every seed. Notes from another page mislead the net for ten characters or so; by then it has made new ones.
#   From the other ninety of each hundred it learns undisturbed. You will see this in a picture further down.
# - **Lanes are no better here.** Their state is the right one, and still they come out behind chunks that begin from
#   zero, with every seed. The last row has no state at all, and is behind the second row too; so most of it is not the
#   state, it is the order. A likely reason: row 7 stays in one scene for a long while, and the net gets used to the 64
#   scenes that it is in at the moment, at the cost of all others. Shuffled batches are a fair sample each time.
# - **What was never practised is done badly.** A net that was always handed the right state has never had to begin
#   without one. So the third row is at its worst where every window begins from zero.
#
# This is so for these nets, and may be otherwise for larger ones that learn for longer. But it shows that something
# can be wrong and still be nearly harmless, and that its repair can cost more than it brings. Only measuring tells.
# Understudy's own recipe takes lanes, starts a quarter of them from zero at every step, so that both is practised, and
# lets the net's steps become very small towards the end.

# %% [markdown] steps="embedding"
# ## The net
#
# It has three parts. Each is a few lines of arithmetic, and you will see all of them. We make a net that has learned
# nothing yet: its numbers, the **weights**, are drawn at random.

# %% steps="embedding"
from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network

E, H = 64, 128


def untrained(cell, scheme="default"):
    network = Network(ModelConfig(cell, vocabulary=V, embedding=E, units=H, layers=1))
    initialize(network, scheme, seed=1)
    return network


def weights_of(network):
    """Its weights as NumPy arrays, by name."""
    return {name: weight.detach().numpy() for name, weight in network.named_parameters()}


network = untrained("gru")
weights = weights_of(network)
for name, weight in weights.items():
    print(f"{name:22} {weight.shape}")

# %% [markdown] steps="embedding"
# **A row for each character.** The first part is a table with a row of E numbers for each of the V characters. To read
# a character is to look up its row. This is called an **embedding**. The rows begin at random; while the net learns,
# characters that behave alike come to have rows alike.
#
# Below, $x$ is the row of the character that is read.

# %% steps="embedding"
character = text[0]
x = weights["embedding.weight"][id_of[character]]
print(f"{character!r} is row {id_of[character]} of the table, {len(x)} numbers: {x[:4].round(2)} ...")

# %% [markdown] steps="gru"
# **A state that is read and rewritten.** The second part is where the reading happens. It takes the row $x$ and the
# state $h$ as it was, H numbers, and gives the state as it is now, $h'$. That it uses its own last result is why such
# a net is called **recurrent**.
#
# ![One step: a character's row and the state go into the cell; out of the cell comes the new state, which goes to the
# next step, and, through the dense layer, a probability for every character.](drawings/step.svg)
#
# What should such a cell be able to do? Keep what is still needed, drop what is not, and take in the new. The **gated
# recurrent unit** (GRU) does this with two **gates**. A gate is a number between 0, shut, and 1, open; there is one
# for each number of the state. The function $\sigma$ squeezes any number into that range.
#
# The reset gate: how much of each old note may be looked at to write the new one?
#
# $$ r = \sigma(W_r x + b_r + U_r h + c_r) $$
#
# The update gate: how much of each old note stays?
#
# $$ z = \sigma(W_z x + b_z + U_z h + c_z) $$
#
# The proposal for the new notes:
#
# $$ n = \tanh(W_n x + b_n + r \odot (U_n h + c_n)) $$
#
# And the new state, a mixture of the proposal and the old state ($\odot$ multiplies number by number):
#
# $$ h' = (1 - z) \odot n + z \odot h $$
#
# **Question:** what is $h'$ where $z$ is 1? Where it is 0?
#
# The code says the same, line by line. The three $W$ lie on top of each other in one matrix, and so do the three $U$.

# %% steps="gru"


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def linear(a, matrix, bias):
    return a @ matrix.T + bias


def gru(x, state, weights):
    """One step: x (B, E) and the state h (B, H) give the next state."""
    (h,) = state
    x_r, x_z, x_n = np.split(linear(x, weights["layers.0.weight_ih"], weights["layers.0.bias_ih"]), 3, axis=-1)
    h_r, h_z, h_n = np.split(linear(h, weights["layers.0.weight_hh"], weights["layers.0.bias_hh"]), 3, axis=-1)
    r = sigmoid(x_r + h_r)
    z = sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return ((1 - z) * n + z * h,)


# %% [markdown] steps="lstm"
# There is an older cell, the **LSTM** (long short-term memory). It has a second row of notes, the memory $c$, which is
# changed only by gates: $f$ forgets, $i$ lets in, and $o$ decides what of it is shown as $h$.
#
# $$ i, f, o = \sigma(W x + b + U h + c_0) $$
#
# $$ g = \tanh(W_g x + b_g + U_g h + c_g) $$
#
# $$ c' = f \odot c + i \odot g $$
#
# $$ h' = o \odot \tanh(c') $$
#
# (Each of $i$, $f$ and $o$ has its own $W$, $U$ and biases.)

# %% steps="lstm"


def lstm(x, state, weights):
    """One step: x (B, E) and the state h, c (B, H) give the next state."""
    h, c = state
    sums = linear(x, weights["layers.0.weight_ih"], weights["layers.0.bias_ih"])
    sums = sums + linear(h, weights["layers.0.weight_hh"], weights["layers.0.bias_hh"])
    i, f, g, o = np.split(sums, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# %% [markdown] steps="dense"
# **A number for each character.** The third part, the **dense** layer, multiplies $h'$ with one more matrix and so
# gives each character of the vocabulary a number, its **logit**: the higher, the likelier. To make probabilities of
# them, each is put into the exponential function and divided by the sum of all; this is the **softmax**.

# %% steps="dense"


def dense(h, weights):
    return linear(h, weights["output.weight"], weights["output.bias"])


def softmax(logits):
    shares = np.exp(logits - logits.max(-1, keepdims=True))  # the subtraction changes no share
    return shares / shares.sum(-1, keepdims=True)


# %% [markdown] steps="unrolled"
# That is the whole net. To read a chunk is to take one step after the other. Drawn step by step it looks long, but
# every box has the *same* weights:
#
# ![The net unrolled over a chunk: one box for each character, the state going from box to box, each box's guess held
# against the next character, and the state of the last box carried to the next batch.](drawings/training.svg)
#
# Do our few lines really compute what Understudy computes? Both kinds of cell, on the first chunk of the text:

# %% steps="equations-checked"


def read(ids, state, weights, cell):
    """Ids (T, B) and a state give logits (T, B, V) and the state after them."""
    logits = []
    for row in ids:
        state = cell(weights["embedding.weight"][row], state, weights)
        logits.append(dense(state[0], weights))
    return np.stack(logits), state


for name, cell in {"gru": gru, "lstm": lstm}.items():
    network = untrained(name)
    zero = network.zero_state(1)
    ours, _ = read(reads[:, None], tuple(part.numpy() for part in zero[0]), weights_of(network), cell)
    with torch.no_grad():
        theirs, _ = network(torch.from_numpy(reads[:, None]), zero)
    difference = np.abs(ours - theirs.numpy()).max()
    assert difference < 1e-4
    print(f"{name:4}: {ours.size:,} logits, equal but for rounding")

# %% [markdown] steps="summary"
# **Question:** how many weights has such a net? Count the matrices that you have seen.

# %% steps="summary"
for name, gates in {"gru": 3, "lstm": 4}.items():
    counted = V * E + gates * (H * E + H * H + 2 * H) + V * H + V
    assert counted == untrained(name).config.parameters
    print(f"{name:4}: {counted:,}")

# %% [markdown] steps="untrained-loss"
# ## What does a net know that has learned nothing?
#
# **Question:** nothing has been learned yet. What will the loss be? You can say it to within a few hundredths before
# you run anything.

# %% steps="untrained-loss"
batch = lanes[0]
inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
for scheme in ("default", "keras"):
    network = untrained("gru", scheme)
    with torch.no_grad():
        loss, _ = network.loss(inputs, targets, network.zero_state(64))
    print(f"loss of an untrained net ({scheme} weights): {loss:.3f}")
print(f"ln {V} = {math.log(V):.3f}")

# %% [markdown] steps="untrained-loss"
# Random weights near zero make logits near zero. Then all V characters are about equally likely, each $1/V$, and the
# surprise at any of them is $-\ln(1/V) = \ln V$. It can hardly be less: the net would have to know something. And if
# it is much more, something is broken, for then the net is sure of things that it cannot know. So this is the first
# thing to look at in any net of this kind, and it costs a second.

# %% [markdown] steps="gradient"
# ## Learning
#
# The loss depends on the weights, and on nothing else that we can change. For every single weight it can be computed
# which way it must go for the loss to fall, and how steeply it falls. All these slopes together are the **gradient**.
# It is found by going back through the drawing above, from the guesses to the first character of the chunk. So one
# **step** of learning has four parts: read a batch, compute the loss, compute the gradient, move all weights a little
# way down the slope. Here they are, on the same batch again and again:

# %% steps="gradient"
network = untrained("gru")
for step in range(31):
    loss, state = network.loss(inputs, targets, network.zero_state(64))
    if step in (0, 1, 2, 10, 30):
        print(f"after {step:2} steps: {loss.item():.3f}")
    network.zero_grad()
    loss.backward()  # the gradient
    with torch.no_grad():
        for weight in network.parameters():
            weight -= 0.5 * weight.grad  # downhill

# %% [markdown] steps="optimizer"
# In practice the step down is made by an **optimiser**, which remembers how each weight's slope went before and gives
# every weight a stride of its own. The tutorial uses Adam. Understudy uses Muon for the large matrices and AdamW for
# the rest; `optimizer="adam"` is there too.
#
# Note the state in that picture of a chunk. What comes out of the last box of a batch goes into the first box of the
# next one, as numbers. The gradient does not go back that far: it ends where the chunk begins. So the net is *taught*
# over 64 or 100 characters, and yet can *remember* for longer.

# %% [markdown] steps="training, curve"
# Now in earnest. `understudy.Run` is a training run that you can go through with a `for`: it learns, and every few
# steps gives a report. Wherever the report comes with a look at the held-back text, we draw the curve again. The
# dashed lines are the three losses from above.
#
# **Question:** which of the lines will it pass, and how fast?

# %% steps="training, curve"
run = understudy.Run(
    TEXT,
    out=RUNS / "net",
    overwrite=True,
    start_from="none",  # begin from nothing; there is a shorter way, at the end of this page
    cell="lstm",
    units=256,
    steps=STEPS,
    evaluate_every=max(1, STEPS // 6),
    seed=1,
)

figure, axes = plt.subplots()
for name, nats in ladder.items():
    axes.axhline(nats, color="0.5", linestyle="--", linewidth=1)
    axes.text(STEPS, nats, name, ha="right", va="bottom", color="0.4", fontsize=10)
axes.set(xlabel="steps", ylabel="nats a character", xscale="log", xlim=(10, STEPS), ylim=(1, math.log(V) + 0.3))
(learning,) = axes.plot([], [], label="what it learns from")
(looking,) = axes.plot([], [], "o-", label="held back")
axes.legend(loc="lower left", fontsize=10)
figure.tight_layout()
live = display(figure, display_id=True)

reports = []
for report in run:
    reports.append(report)
    if report.windowed is not None:
        looks = [one for one in reports if one.windowed is not None]
        learning.set_data([one.step for one in reports], [one.train_loss for one in reports])
        looking.set_data([one.step for one in looks], [one.windowed.loss for one in looks])
        live.update(figure)
plt.close(figure)
model = run.model

# %% [markdown] steps="training"
# Frequencies are learned at once, pairs soon after, and then it goes on for as long as you let it, ever more slowly.
# At each look the net was asked to write a little. Hold it against what the three lines wrote, further up:

# %% steps="training"
for report, sample in list(zip(looks, run.samples, strict=False))[:: max(1, len(looks) // 3)]:
    print(f"--- after {report.step} steps, {report.windowed.loss:.2f} nats\n{sample[:160]}\n")

# %% [markdown] steps="training"
# The run has kept its figures, and they can be drawn with one word. `model.history` has them as lists.

# %% steps="training, curve"
model.plot()

# %% [markdown] steps="checkpoint"
# ## Stopped and taken up again
#
# Learning may take minutes or days, and machines go to sleep, crash or are needed for something else. So a run writes
# **checkpoints**: everything that its future depends on. The weights alone are not enough.
#
# **Question:** what else belongs to it, if the run is to go on *exactly* as if nothing had happened?
#
# The state that is carried from batch to batch, what the optimiser remembers, and the place in the text. And, as a
# model without its vocabulary is a lock without a key, the characters too.
#
# Let us try. A process of its own begins to learn, and we kill it in the middle, without warning, in the way no
# program can prepare for. Then we let it go on. Beside it we let the same run go undisturbed.

# %% steps="checkpoint, killed"
settings = {
    "quiet": True,
    "preset": "tiny",
    "units": 96,
    "steps": 400,
    "evaluate_every": 400,
    "validation": 0.02,
    "checkpoint_every": 100,
    "seed": 7,
    "start_from": "none",
}
call = f"import understudy; understudy.train({TEXT!r}, out={str(RUNS / 'killed')!r}, overwrite=True, **{settings})"

process = subprocess.Popen([sys.executable, "-c", call])
saved = RUNS / "killed" / "checkpoint"
while process.poll() is None and len(list(saved.glob("step-*.safetensors"))) < 2:
    time.sleep(0.01)
process.kill()  # SIGKILL: it learns nothing of its end
print("the process ended with status", process.wait(), "and has left:")
for path in sorted(saved.glob("*.safetensors")):
    print(f"   {path.name}  {path.stat().st_size:,} bytes")

# %% steps="checkpoint, resumed"
understudy.train(out=RUNS / "killed", resume=True, quiet=True)
understudy.train(TEXT, out=RUNS / "undisturbed", overwrite=True, **settings)

digests = set()
for name in ("killed", "undisturbed"):
    data = (RUNS / name / "model.safetensors").read_bytes()
    digests.add(hashlib.sha256(data).hexdigest())
    print(f"{name:12} {len(data):,} bytes  SHA-256 {hashlib.sha256(data).hexdigest()[:16]}...")
assert len(digests) == 1

# %% [markdown] steps="checkpoint, resumed"
# The two models are the same to the last byte. In a notebook, you may also interrupt the cell that trains, or `break`
# out of the loop over a run: a checkpoint is written, and `resume=True` goes on from it.

# %% [markdown] steps="rebuild"
# ## Writing
#
# The net learned with many rows side by side. To write, it needs one.
#
# **Question:** look at the shapes of the weights above. Which of them must change for that?
#
# None: how many rows are read at once stands in no weight. The net is built again from the model's file, with a state
# for one row.

# %% steps="rebuild, latest"
for path in sorted((RUNS / "net").iterdir()):
    if not path.name.startswith("."):
        print(path.name + ("/" if path.is_dir() else ""))

model = understudy.load(RUNS / "net")
engine, vocabulary = model.engine, model.vocabulary
print("\nthe state of one row:", [part.shape for part in engine.zero_state(1)])

# %% [markdown] steps="generate"
# Now the loop that the sample at the top of this page came from. There are four parts to it again:
#
# 1. Read the beginning, one character after the other. It leaves a state and the logits for what comes next.
# 2. Make probabilities of them, and draw: roll a die with V sides, each as large as its probability.
# 3. Write the character down, and *read it*, with the state as it was. This gives the next state and the next logits.
# 4. Go on with 2.
#
# ![Writing: the character that was drawn is read in the next step, and the state is fed back.](drawings/writing.svg)

# %% steps="generate, state-fed-back"
from understudy.generation.sampling import uniforms


def write(beginning, length, temperature, seed):
    """Go on from a beginning, character by character."""
    logits, state = engine.read(vocabulary.encode(beginning)[:, None], engine.zero_state(1))
    written = []
    for chance in uniforms(seed, 0, length):  # so many numbers between 0 and 1
        shares = softmax(logits[0].astype(np.float64) / temperature)
        drawn = int((shares.cumsum() < chance).sum())
        written.append(drawn)
        logits, state = engine.read(np.array([[drawn]], dtype=np.int64), state)
    return vocabulary.decode(np.array(written, dtype=np.int64))


START = text[: text.index("\n") + 1] if "\n" in text[:80] else text[:20]
by_hand = write(START, 400, temperature=0.8, seed=1)
print(START + by_hand)

# %% [markdown] steps="generate"
# `model.generate` does the same, only faster. Same beginning, same seed, same text:

# %% steps="generate"
began = time.perf_counter()
by_model = model.generate(START, length=400, temperature=0.8, seed=1)
assert by_model == by_hand
print("the same 400 characters")

# %% tags="hide-output" name="written" steps="sample"
print(model.generate(length=600, temperature=0.7, seed=5).strip())

# %% [markdown]
# (This was the one at the top.)

# %% [markdown] steps="temperature"
# ## Temperature
#
# Before the softmax, the logits are divided by a number, the **temperature**. Below 1 it makes what is likely
# likelier, above 1 it evens things out.
#
# **Question:** what happens as it goes to 0? And when it is very large?
#
# Here is what the net expects after one beginning, at five temperatures:

# %% steps="temperature"
TEMPERATURES = (0.2, 0.5, 0.8, 1.0, 1.5)
opening = text[: text.index(" ", 60) + 1]
logits, _ = engine.read(vocabulary.encode(opening)[:, None], engine.zero_state(1))
shares = {temperature: softmax(logits[0].astype(np.float64) / temperature) for temperature in TEMPERATURES}
best = np.argsort(-logits[0])[:6]
print("after", repr(opening[-20:]), "\n")
table(
    ("", *TEMPERATURES),
    *((shown([one]), *(f"{shares[temperature][one]:.1%}" for temperature in TEMPERATURES)) for one in best),
)

# %% steps="temperature"
import html


def side_by_side(pages):
    """Texts beside each other, or below each other where there is no room."""
    boxes = "".join(
        '<div style="flex:1 1 12rem;min-width:0;border:1px solid #8888;border-radius:6px;padding:.5rem">'
        f"<strong>{html.escape(title)}</strong>"
        f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0 0">{html.escape(page)}</pre></div>'
        for title, page in pages.items()
    )
    return HTML(f'<div style="display:flex;flex-wrap:wrap;gap:.5rem;text-align:left">{boxes}</div>')


side_by_side(
    {
        f"temperature {temperature}": model.generate(START, length=260, temperature=temperature, seed=3)
        for temperature in TEMPERATURES
    }
)

# %% [markdown] steps="temperature"
# All five have the same seed: the die fell alike each time, only its sides differ in size. A cold net says again and
# again what is safest. A hot one misspells. What you like best lies between, for most people at 0.6 to 0.9.

# %% [markdown] steps="state"
# ## What the state holds
#
# All that the net knows of what it has read is in its state. It has a fixed size, however long the text was; so it
# cannot hold everything. And as it is nothing but numbers, it can be kept, copied and gone back to. Here a beginning
# is read once, and its state is used twice, each time with another seed: a story with two ends.

# %% steps="state, forked"
here = model.start(text[:400], seed=1)
numbers = np.concatenate(here.layers)
print("so far: ...", repr(text[360:400]))
print(f"its state: {len(numbers)} numbers, {numbers[:4].round(2)} ...")
side_by_side({f"seed {seed}": model.generate(here, length=220, temperature=0.7, seed=seed) for seed in (1, 2)})

# %% [markdown] steps="state, remembered"
# Does the net really use it? We let it read pieces of a hundred characters of the held-back text, each of which begins
# with one of three states: the right one, left by the text just before; none, which means all zeros; or a wrong one,
# left by another page.
#
# **Question:** how far into the hundred characters will you be able to tell the three apart?

# %% steps="state, remembered"
from understudy.model.file import read as read_model
from understudy.model.parameters import network_of

learner = network_of(read_model(RUNS / "net"))
starts = np.arange(1, min(500, len(held) // seq - 1), dtype=np.int64) * seq
before = torch.from_numpy(Ids(held).gather(starts - seq, seq))
block = torch.from_numpy(Ids(held).gather(starts, seq + 1))
with torch.inference_mode():
    none = learner.zero_state(len(starts))
    own = learner(before, none)[1]
    wrong = tuple(tuple(part.roll(len(starts) // 2, 0) for part in layer) for layer in own)
    surprise = {
        name: torch.nn.functional.cross_entropy(
            learner(block[:-1], state)[0].movedim(-1, 1), block[1:], reduction="none"
        ).mean(1)
        for name, state in {"the wrong state": wrong, "no state": none, "its own state": own}.items()
    }

figure, axes = plt.subplots()
for name, nats in surprise.items():
    axes.plot(range(1, 41), nats[:40], label=name)
axes.set(xlabel="characters read since", ylabel="nats a character")
axes.legend()
figure.tight_layout()
plt.show()
table(
    ("mean of", "own", "none", "wrong"),
    *(
        (name, *(f"{surprise[which][place].mean():.3f}" for which in ("its own state", "no state", "the wrong state")))
        for name, place in {"the first 10": slice(0, 10), "all 100": slice(0, seq)}.items()
    ),
)

# %% [markdown] steps="state, remembered"
# The right notes help, wrong ones mislead; but after some ten or twenty characters the net has read enough to replace
# them. This is why the mistake of 2018 costs so little. Its net gets a wrong state at one place of a hundred, has
# forgotten it soon after, and learns over all the rest of the chunk from a state that is its own. It even learns to
# forget faster, because it has to: in the measurement above, ten characters after a wrong state cost nets that were
# trained so 2.17 nats each, and nets that only ever had the right one 2.38.

# %% [markdown] steps="evaluation"
# ## How good is it?
#
# Two ways of asking are honest, and they give different numbers, so say which one you mean. **Windowed**: the text is
# cut into windows of 256 characters, and the net begins each without a state. **Streamed**: it reads from beginning to
# end and keeps its state. To see whether the numbers are any good, we hold them against programs that are no nets at
# all: `xz`, which packs files, and counting, which looks up what followed the last five characters wherever they stood
# before (with the smoothing of Kneser and Ney, the best of its kind).

# %% steps="evaluation, windowed, streamed, baselines"
from understudy.evaluation.baselines import compressed, kneser_ney

unseen = decode(held)
windowed, streamed = model.evaluate(unseen, protocol="windowed"), model.evaluate(unseen, protocol="streamed")
losses = {
    **ladder,
    "xz": compressed(Ids(learned), Ids(held), vocabulary).bits * math.log(2) / len(held),
    "counting six": kneser_ney(Ids(learned), Ids(held), V),
    "the net, windowed": windowed.loss,
    "the net, streamed": streamed.loss,
}
table(
    ("", "nats", "bits", "choices"),
    *((name, f"{nats:.3f}", f"{nats / math.log(2):.3f}", f"{math.exp(nats):.1f}") for name, nats in losses.items()),
)

# %% [markdown] steps="evaluation"
# The last column says the same once more: a net with a loss of $\ln 4$ is as unsure as someone who has to choose
# between four characters at every place. Bits are what a file would need: a text at two bits a character can be packed
# into a quarter of its bytes.

# %% [markdown] steps="surprise"
# Where is it surprised? Here is a piece of the text that it has not learned, coloured by how much each character
# surprised the net.
#
# **Question:** where in a word will the colour be strongest?

# %% steps="surprise"
model.score(unseen[:500])

# %% [markdown] steps="surprise"
# At beginnings. Once a word is under way, its end is often certain. What remains is what nobody could know: which
# word, which name, who speaks next. Better nets are better there, and there is no end to that.

# %% [markdown] steps="exercises"
# ## Now you
#
# **Another start.** Change `START`, and run the cell again. Try a name from the text, a line of your own, a single
# letter. A character that the text does not have cannot be read, and Understudy says so:

# %% steps="exercise-start"
START = text[-200:].strip().split("\n")[-1][:20]  # change me
print(START + model.generate(START, length=250, temperature=0.7, seed=1))

try:
    model.generate("\N{SNOWMAN}")
except understudy.UserError as error:
    print("\n" + str(error))

# %% [markdown] steps="exercise-temperature"
# **Another temperature.** Find the one at which you can just no longer tell it from the original. Then try
# `temperature=1` with `top_p=0.9`, which draws at full heat but leaves out what is least likely.

# %% steps="exercise-temperature"
TEMPERATURE = 1.1  # change me
print(model.generate(opening, length=250, temperature=TEMPERATURE, seed=1))

# %% [markdown] steps="exercise-layer"
# **Another layer.** Nets can be stacked: the state of one is what the next one reads. Is a second layer better, in the
# same number of steps? In the same time? Try also `cell="gru"`, half the units, and `batches="chunks"`.

# %% steps="exercise-layer"
for layers in (1, 2):  # change me
    began = time.perf_counter()
    small = understudy.train(
        TEXT,
        out=RUNS / "small",
        overwrite=True,
        start_from="none",
        quiet=True,
        cell="lstm",
        units=64,
        layers=layers,
        steps=max(20, STEPS // 5),
        evaluate_every=max(20, STEPS // 5),
    )
    score = small.evaluate(unseen[:20_000])
    print(f"layers: {layers}, {score.loss:.3f} nats, {time.perf_counter() - began:.0f} seconds")

# %% [markdown] steps="exercise-text, head-start"
# **Your own text.** Put its path here. This run does not begin from nothing: where it helps, Understudy begins from a
# model that can spell already, and then a short text is enough. The one below has 40,000 characters, ten pages of a
# book, and is learned in seconds. Without `quiet=True`, `understudy.train` shows how far it is.

# %% steps="exercise-text, head-start"
OWN = RUNS / "own.txt"  # change me: "mybook.txt"
with find(["@python"])[0].open() as file:  # prose that comes with every Python
    OWN.write_text(file.read().decode()[:40_000])

steps = max(9, STEPS // 10)
mine = understudy.train(OWN, out=RUNS / "mine", overwrite=True, steps=steps, evaluate_every=steps // 3)
print(mine.generate(OWN.read_text()[:200], length=400, temperature=0.7, seed=1))

# %% [markdown]
# ## Where to go from here
#
# - [The guide](guide/index.md): what to do for your own text, by task.
# - [The recipe](recipe.md): how size, rate and all the rest were chosen, with the trials.
# - [The design](design.md): the way of a text through the library, room by room.
# - [Performance](performance.md): why it is fast.
# - `understudy serve --open`: a page to write, learn and see with, in a browser.
