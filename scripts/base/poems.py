"""Long poems by authors of whom no line is in the texts that results are reported on, each from its first line on."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from texts import lines_of_verse, plain_verse

LONGEST = 600_000
"""Of a poem so many characters are taken at most."""
FOOTNOTE = re.compile(r"\(\d+\)")
CURLY = str.maketrans("’‘“”", "''\"\"")


class Poem(NamedTuple):
    """A poem, or poems by one author, with the beginnings of its first and of its last line."""

    author: str
    first: str
    last: str


POEMS = (
    Poem("Tennyson", "These to His Memory--since he held them dear", "Where all of high and holy dies away"),
    Poem("Ariosto", "Angelica, whom pressing danger frights", "Loosed from the more than icy corse, to font"),
    Poem("Quintus of Smyrna", "When godlike Hector by Peleides slain", "Even all that 'scaped the fell sea-tempest"),
    Poem("Dante", "Midway upon the journey of our life", "The Love which moves the sun and the other stars"),
    Poem("Dante", "IN the midway of this our mortal life", "That moves the sun in heav'n and all the stars"),
    Poem("Whitman", "Come, said my soul,", "Good-bye my Fancy!"),
    Poem("Longfellow", "I heard the trailing garments of the Night", "Shepherd! who with thine amorous, sylvan song"),
    Poem("Cowper", "I sing the Sofa.  I, who lately sang", "Whose approbation--prosper even mine"),
    Poem("Pope", "Achilles’ wrath, to Greece the direful spring", "And peaceful slept the mighty Hector’s shade"),
    Poem("Byron", "I want a hero: an uncommon want", "The phantom of her frolic Grace"),
    Poem("Keats", "A thing of beauty is a joy for ever:", "Home through the gloomy wood in wonderment"),
    Poem("Scott", "Harp of the North! that moldering long", "And now, 'tis silent all!--Enchantress, fare thee well"),
)
"""In the order in which the collection has them; Ariosto, Quintus and both Dantes as others translated them."""


def authors() -> str:
    """Whose they are."""
    return ", ".join(sorted({poem.author for poem in POEMS}))


def poems(packages: Path) -> Iterator[str]:
    """Their texts out of the collection, a line of verse a line."""
    return found(POEMS, lines_of_verse(packages))


def found(wanted: Iterable[Poem], lines: Iterator[str]) -> Iterator[str]:
    """The texts of poems in the lines of a collection.

    Raises:
        LookupError: one of them is not there.
    """
    for poem in wanted:
        first = next((line for line in lines if line.startswith(poem.first)), None)
        if first is None:
            raise LookupError(f"no line begins with {poem.first!r} after the poems before it")
        taken, length = [first], 0
        for line in lines:
            taken.append(line)
            length += len(line) + 1
            if line.startswith(poem.last) or length > LONGEST:
                break
        yield "\n".join(plain_verse(FOOTNOTE.sub("", line).translate(CURLY) for line in taken))
