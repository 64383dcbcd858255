"""The table of n-grams against its definition, written out."""

import pytest
import torch

from understudy.errors import ConfigError
from understudy.model.config import NGRAM_LENGTHS, RECENT, Cell, ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.model.ngrams import NGrams

V, E, H, R, T, B = 11, 6, 8, 23, 20, 3


def network(cell: Cell = "lstm", layers: int = 1) -> Network:
    made = Network(ModelConfig(cell, V, E, H, layers, R))
    initialize(made, "default", seed=3)
    assert made.ngrams is not None
    torch.nn.init.normal_(made.ngrams.weight)
    return made


def table(made: Network) -> NGrams:
    assert made.ngrams is not None
    return made.ngrams


def row(place: int, last: list[int]) -> int:
    """The row of the n-gram of the length at that place among them, which ends with the last of these codes."""
    length, value = NGRAM_LENGTHS[place], 0
    for code in last[-length:]:
        value = (value * 1_540_483_477 + code) % (2**31 - 1)
    return place * R + value % R


def test_rows_are_the_hashes_of_the_last_characters() -> None:
    ngrams = table(network())
    codes = torch.randint(1, 0x110001, (RECENT + T, B))
    codes[:RECENT, 0] = 0  # before a text's first character there is nothing
    found = ngrams.rows(codes).view(len(NGRAM_LENGTHS), T, B)
    for t in range(T):
        for b in range(B):
            last = codes[: RECENT + t + 1, b].tolist()
            assert found[:, t, b].tolist() == [row(place, last) for place in range(len(NGRAM_LENGTHS))]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_state_carries_the_last_characters(cell: Cell) -> None:
    net = network(cell, layers=2).double()
    ids = torch.randint(V, (T, B))
    whole, after = net(ids, net.zero_state(B))
    logits, state, begin = [], net.zero_state(B), 0
    for length in (1, 2, 14, 3):
        part, state = net(ids[begin : begin + length], state)
        logits.append(part)
        begin += length
    torch.testing.assert_close(torch.cat(logits), whole)
    torch.testing.assert_close(state, after)
    assert torch.equal(after[-1][0], (ids[-RECENT:] + 1).t().double())
    assert [tuple(part.shape[1] for part in layer) for layer in after] == list(net.config.state_widths)
    alone, _ = net(ids[:, 2:], net.zero_state(1))
    torch.testing.assert_close(whole[:, 2:], alone)


def test_a_text_is_scored_with_what_its_ngrams_add() -> None:
    net = network().double()
    ids = torch.randint(V, (T, B))
    codes = torch.cat([torch.zeros(RECENT, B, dtype=torch.int64), ids + 1])
    rows = table(net).rows(codes).view(len(NGRAM_LENGTHS), T, B)
    x = net.embedding(ids) + table(net).weight[rows].sum(0)
    plain = Network(ModelConfig("lstm", V, E, H, 1)).double()
    plain.load_state_dict({name: part for name, part in net.state_dict().items() if "ngrams" not in name})
    hidden = torch.nn.LSTM(E, H).double()
    hidden.load_state_dict(
        {f"{name}_l0": getattr(plain.layers[0], name) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )
    expected = plain.output(hidden(x)[0])
    torch.testing.assert_close(net(ids, net.zero_state(B))[0], expected)


def test_the_gradient_of_an_occurrence_is_what_autograd_says() -> None:
    net = network().double()
    ids, targets = torch.randint(V, (T, B)), torch.randint(V, (T, B))
    net.loss(ids, targets, net.zero_state(B))[0].backward()  # type: ignore[no-untyped-call]
    seen = table(net).occurrences
    assert seen is not None
    assert table(net).weight.grad is None
    assert net.embedding.weight.grad is not None
    by_symbol = torch.zeros_like(net.embedding.weight).index_add_(0, ids.flatten(), seen.gradient)
    torch.testing.assert_close(by_symbol, net.embedding.weight.grad)  # the table and the embedding are summed
    assert seen.rows.shape == (len(NGRAM_LENGTHS), T * B)


def test_a_step_moves_the_rows_that_occurred_and_no_other() -> None:
    net = network().double()
    ngrams = table(net)
    ids, targets = torch.randint(3, (T, 1)), torch.randint(3, (T, 1))
    net.loss(ids, targets, net.zero_state(1))[0].backward()  # type: ignore[no-untyped-call]
    assert ngrams.occurrences is not None
    rows, gradient, _ = ngrams.occurrences
    before, squares = ngrams.weight.detach().clone(), torch.rand(len(NGRAM_LENGTHS) * R).double()
    expected, sums = before.clone(), squares.clone()
    for of_length in rows:
        for place, one in zip(of_length.tolist(), gradient, strict=True):
            sums[place] += one.square().mean()
        for place, one in zip(of_length.tolist(), gradient, strict=True):
            expected[place] -= 0.1 * one / (sums[place].sqrt() + 1e-8)
    ngrams.learn(squares, torch.tensor(0.1).double())
    torch.testing.assert_close(squares, sums)
    torch.testing.assert_close(ngrams.weight.detach(), expected)
    still = [place for place in range(len(NGRAM_LENGTHS) * R) if place not in rows.flatten().tolist()]
    assert still
    assert torch.equal(ngrams.weight.detach()[still], before[still])


def test_only_the_first_numbers_of_a_wide_vector_are_added_to() -> None:
    config = ModelConfig("lstm", V, 100, H, 1, R)
    ngrams = NGrams(config)
    ngrams.start()
    torch.nn.init.ones_(ngrams.weight)
    x, _ = ngrams(torch.zeros(T, B, 100), torch.randint(V, (T, B)), torch.zeros(B, RECENT))
    assert (x[..., :16] == len(NGRAM_LENGTHS)).all()
    assert not x[..., 16:].any()


def test_a_new_table_adds_nothing() -> None:
    with_table = Network(ModelConfig("lstm", V, E, H, 1, R))
    without = Network(ModelConfig("lstm", V, E, H, 1))
    for made in (with_table, without):
        initialize(made, "default", seed=1)
    ids = torch.randint(V, (T, B))
    one, _ = with_table(ids, with_table.zero_state(B))
    other, _ = without(ids, without.zero_state(B))
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_a_config_says_of_a_table_only_where_there_is_one() -> None:
    without, with_table = ModelConfig("lstm", V, E, H, 1), ModelConfig("lstm", V, E, H, 1, R)
    assert "ngrams" not in without.to_document()
    for config in (without, with_table):
        assert ModelConfig.from_document(config.to_document()) == config
    assert with_table.parameters == without.parameters + len(NGRAM_LENGTHS) * R * E
    for wrong in (-1, 1 << 21, 2.0, True):
        with pytest.raises(ConfigError, match="ngrams"):
            ModelConfig.from_document(with_table.to_document() | {"ngrams": wrong})


def test_the_table_learns_what_follows_what_in_one_reading() -> None:
    """Words drawn at random: eight characters tell the ninth, if what followed them before is known."""
    generator = torch.Generator().manual_seed(0)
    words = torch.randint(V, (40, 10), generator=generator)
    text = words[torch.randint(len(words), (400,), generator=generator)].flatten()
    losses: dict[int, float] = {}
    for ngrams in (0, 4001):
        net = Network(ModelConfig("lstm", V, 16, 16, 1, ngrams))
        initialize(net, "default", seed=0)
        rest = [parameter for parameter in net.parameters() if parameter.shape[0] != len(NGRAM_LENGTHS) * ngrams]
        optimizer = torch.optim.Adam(rest, 0.01)
        squares, state = torch.zeros(len(NGRAM_LENGTHS) * ngrams), net.zero_state(1)
        for begin in range(0, len(text) - 20, 20):
            block = text[begin : begin + 21, None]
            loss, after = net.loss(block[:-1], block[1:], state)
            net.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if net.ngrams is not None:
                net.ngrams.learn(squares, torch.tensor(0.1))
            state = tuple(tuple(part.detach() for part in layer) for layer in after)
            losses[ngrams] = losses.get(ngrams, 0) * 0.95 + float(loss.detach()) * 0.05
    assert losses[4001] < 0.7 * losses[0]
