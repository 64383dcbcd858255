from hypothesis import given
from hypothesis import strategies as st

from understudy.generation.stopping import StopWatch

letters = st.text("ab", max_size=30)


@given(letters, st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.data())
def test_the_text_ends_before_the_first_stop_text_however_it_is_cut(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    watch, shown, place = StopWatch(stops), "", 0
    while place < len(text):
        size = data.draw(st.integers(1, len(text) - place))
        shown += watch.feed(text[place : place + size])
        assert not any(stop in shown for stop in stops), "no part of a stop text is ever shown whole"
        place += size
    shown += watch.finish()
    found = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    assert watch.stopped == bool(found)
    assert shown == (text[: min(found)[1]] if found else text)


def test_what_cannot_become_a_stop_text_is_shown_at_once() -> None:
    watch = StopWatch(["###"])
    assert watch.feed("a#") == "a"
    assert watch.feed("b") == "#b"
    assert watch.feed("##") == ""
    assert watch.finish() == "##"
