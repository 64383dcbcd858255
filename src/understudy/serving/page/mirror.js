/* The text once more, behind the one that is edited: a block a line, so that a key costs the layout of one line.

   It is what tells where characters are, and what is coloured. Places count halves of characters. */

const LONG = 3000; // characters of a line of which only a part may be in sight
const PAINTS = globalThis.CSS?.highlights && globalThis.Highlight && globalThis.StaticRange;

export class Mirror {
  constructor(element, scroller, marks) {
    [this.element, this.scroller, this.marks] = [element, scroller, marks];
    this.painted = new Map(); // name -> spans, where the browser has no highlights
    this.set('');
  }

  /** Show another text. */
  set(text) {
    const lines = text.split('\n');
    this.blocks = lines.map(block);
    this.starts = startsOf(lines, 0);
    this.element.replaceChildren(...this.blocks);
  }

  /** Follow a change. */
  apply({ at, cut, put }) {
    const [first, last] = [this.lineAt(at), this.lineAt(at + cut.length)];
    const head = this.line(first).slice(0, at - this.starts[first]);
    const tail = this.line(last).slice(at + cut.length - this.starts[last]);
    const lines = (head + put + tail).split('\n');
    const kept = Math.min(lines.length, last - first + 1);
    for (let number = 0; number < kept; number += 1) {
      const node = this.blocks[first + number].firstChild;
      if (node.data !== lines[number]) node.data = lines[number];
    }
    const grown = put.length - cut.length;
    if (lines.length === last - first + 1) {
      for (let number = 1; number < lines.length; number += 1) {
        this.starts[first + number] = this.starts[first + number - 1] + lines[number - 1].length + 1;
      }
      for (let line = last + 1; line < this.starts.length; line += 1) this.starts[line] += grown;
      return;
    }
    const fresh = lines.slice(kept).map(block);
    for (const gone of this.blocks.slice(first + kept, last + 1)) gone.remove();
    const pieces = document.createDocumentFragment();
    pieces.append(...fresh);
    this.blocks[first + kept - 1].after(pieces);
    this.blocks = this.blocks.slice(0, first + kept).concat(fresh, this.blocks.slice(last + 1));
    const after = this.starts.slice(last + 1).map((start) => start + grown);
    this.starts = this.starts.slice(0, first).concat(startsOf(lines, this.starts[first]), after);
  }

  line(number) {
    return this.blocks[number].firstChild.data;
  }

  /** The number of the line that a place is in. */
  lineAt(at) {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The boxes of the characters from one place to another, in the window. */
  boxes(begin, end) {
    return this.pieces(begin, end).flatMap(([node, from, to]) => {
      const range = document.createRange();
      range.setStart(node, from);
      range.setEnd(node, to);
      return [...range.getClientRects()];
    });
  }

  /** The text nodes that hold a span, each with its part. */
  pieces(begin, end) {
    const found = [];
    for (let line = this.lineAt(begin); line < this.blocks.length && this.starts[line] < end; line += 1) {
      const node = this.blocks[line].firstChild;
      const from = Math.max(0, begin - this.starts[line]);
      const to = Math.min(node.length, end - this.starts[line]);
      if (from < to) found.push([node, from, to]);
    }
    return found;
  }

  /** The first and the last place of what is in sight. */
  visible() {
    const box = this.scroller.getBoundingClientRect();
    const [top, bottom] = [Math.max(0, box.top), Math.min(innerHeight, box.bottom)];
    const offset = this.element.getBoundingClientRect().top;
    const first = this.blockFrom(top - offset);
    const last = Math.min(this.blockFrom(bottom - offset), this.blocks.length - 1);
    return [this.inside(first, top), this.inside(last, bottom) + (this.line(last).length > LONG ? 200 : this.line(last).length)];
  }

  /** The number of the last block that begins above a height. */
  blockFrom(height) {
    const { offsetTop } = this.blocks[0];
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].offsetTop - offsetTop <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Of a long line the place at a height of the window; of others where they begin. */
  inside(number, height) {
    const start = this.starts[number];
    const { length } = this.line(number);
    if (length <= LONG) return start;
    let [low, high] = [0, length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const box = this.boxes(start + middle, start + middle + 1)[0];
      if (box && box.top <= height) low = middle;
      else high = middle - 1;
    }
    return start + Math.max(0, low - 200);
  }

  /** Colour spans, [begin, end] each, by the style of that name; what had it before has it no more. */
  paint(name, spans) {
    if (!PAINTS) {
      this.painted.set(name, spans);
      this.paintBoxes(name, spans);
      return;
    }
    const ranges = [];
    for (const [begin, end] of spans) {
      for (const [node, startOffset, endOffset] of this.pieces(begin, end)) {
        ranges.push(new StaticRange({ startContainer: node, startOffset, endContainer: node, endOffset }));
      }
    }
    if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
    else CSS.highlights.delete(name);
  }

  /** The same with a box for each span, for browsers that cannot colour text otherwise. */
  paintBoxes(name, spans) {
    for (const box of this.marks.querySelectorAll(`[data-name="${name}"]`)) box.remove();
    const origin = this.element.getBoundingClientRect();
    for (const [begin, end] of spans) {
      for (const { left, top, width, height } of this.boxes(begin, end)) {
        const mark = document.createElement('span');
        mark.dataset.name = name;
        mark.className = `mark ${name}`;
        Object.assign(mark.style, {
          left: `${left - origin.left}px`, top: `${top - origin.top}px`, width: `${width}px`, height: `${height}px`,
        });
        this.marks.append(mark);
      }
    }
  }
}

function block(line) {
  const element = document.createElement('div');
  element.append(document.createTextNode(line));
  return element;
}

function startsOf(lines, first) {
  let start = first;
  return lines.map(({ length }) => {
    start += length + 1;
    return start - length - 1;
  });
}
