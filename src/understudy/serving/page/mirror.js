/* The text once more, behind the one that is edited: of it only the lines in sight, with some above and below.

   It is what tells where characters are, and what is coloured. Every line is a block whose height is measured once, so
   that a key costs the layout of one line, however long the text is. Places count halves of characters. */

const LONG = 3000; // characters of a line of which only a part may be in sight
const MARGIN = 600; // pixels above and below what is in sight that are there too
const PAINTS = globalThis.CSS?.highlights && globalThis.Highlight && globalThis.StaticRange;

export class Mirror {
  constructor(element, scroller, marks) {
    [this.element, this.scroller, this.marks] = [element, scroller, marks];
    [this.space, this.gauge] = element.children;
    this.lines = [''];
    this.starts = [0];
    this.heights = [0]; // 0 where they are to be measured
    this.blocks = []; // of the lines from `first` on
    [this.first, this.width] = [0, 0];
    new ResizeObserver(() => this.resized()).observe(element);
  }

  resized() {
    if (this.element.clientWidth === this.width) return;
    this.width = this.element.clientWidth;
    this.heights.fill(0);
    this.show();
  }

  /** Follow a change. */
  apply({ at, cut, put }) {
    const [first, last] = [this.lineAt(at), this.lineAt(at + cut.length)];
    const head = this.lines[first].slice(0, at - this.starts[first]);
    const tail = this.lines[last].slice(at + cut.length - this.starts[last]);
    const fresh = (head + put + tail).split('\n');
    const grown = put.length - cut.length;
    if (fresh.length === 1 && first === last) {
      this.lines[first] = fresh[0];
      for (let line = first + 1; line < this.starts.length; line += 1) this.starts[line] += grown;
      const own = this.blocks[first - this.first];
      if (own) own.firstChild.data = fresh[0];
      this.heights[first] = 0;
      return;
    }
    const joined = (of, between) => of.slice(0, first).concat(between, of.slice(last + 1));
    const after = this.starts.slice(last + 1).map((start) => start + grown);
    this.lines = joined(this.lines, fresh);
    this.starts = this.starts.slice(0, first).concat(startsOf(fresh, this.starts[first]), after);
    this.heights = joined(this.heights, fresh.map(() => 0));
    this.put(this.first, this.first + this.blocks.length);
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

  /** How far below the first line another one begins. */
  topOf(line) {
    this.measure();
    let top = 0;
    for (let number = 0; number < line; number += 1) top += this.heights[number];
    return top;
  }

  /** Measure the lines that are new or another width has changed. */
  measure() {
    const wanted = [];
    this.heights.forEach((height, line) => { if (!height) wanted.push(line); });
    if (!wanted.length || !this.element.clientWidth) return;
    if (wanted.length === 1 && this.blocks[wanted[0] - this.first]) {
      this.heights[wanted[0]] = this.blocks[wanted[0] - this.first].getBoundingClientRect().height;
      return;
    }
    this.gauge.replaceChildren(...wanted.map((line) => block(this.lines[line])));
    [...this.gauge.children].forEach((one, number) => {
      this.heights[wanted[number]] = one.getBoundingClientRect().height;
    });
    this.gauge.replaceChildren();
  }

  /** Have the lines in sight there; the numbers of the first and the last one in sight. */
  show() {
    this.measure();
    const box = this.scroller.getBoundingClientRect();
    const offset = this.space.getBoundingClientRect().top;
    const [top, bottom] = [Math.max(0, box.top) - offset, Math.min(innerHeight, box.bottom) - offset];
    const count = this.lines.length;
    let [above, line] = [0, 0];
    const until = (height) => {
      for (; line < count - 1 && above + this.heights[line] <= height; line += 1) above += this.heights[line];
      return line;
    };
    const [from, first, last] = [top - MARGIN, top, bottom].map(until);
    const to = until(bottom + MARGIN);
    for (; line < count; line += 1) above += this.heights[line];
    if (this.total !== above) this.space.style.height = `${above}px`;
    this.total = above;
    const end = this.first + this.blocks.length;
    const there = first >= this.first && last < end && end <= count && this.blocks.length < 4 * (to - from + 20);
    if (!there) this.put(from, to + 1);
    else this.place();
    return [first, last];
  }

  /** Put the lines from one to before another there. */
  put(from, to) {
    this.first = Math.min(from, this.lines.length - 1);
    this.blocks = this.lines.slice(this.first, to).map(block);
    this.space.replaceChildren(...this.blocks);
    this.place();
  }

  place() {
    const top = `${this.topOf(this.first)}px`;
    if (this.top !== top) this.space.style.paddingTop = top;
    this.top = top;
  }

  /** The boxes of the characters from one place to another, in the window, as far as they are there. */
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
    const last = Math.min(this.lines.length, this.first + this.blocks.length);
    for (let line = Math.max(this.first, this.lineAt(begin)); line < last && this.starts[line] < end; line += 1) {
      const node = this.blocks[line - this.first].firstChild;
      const from = Math.max(0, begin - this.starts[line]);
      const to = Math.min(node.length, end - this.starts[line]);
      if (from < to) found.push([node, from, to]);
    }
    return found;
  }

  /** The first place of what is in sight, and that after the last. */
  visible() {
    const [first, last] = this.show();
    const box = this.scroller.getBoundingClientRect();
    return [this.inside(first, box.top, -200), this.inside(last, box.bottom, 200, true)];
  }

  /** Of a long line a place near a height of the window; of others where they begin, or end. */
  inside(number, height, slack, end = false) {
    const start = this.starts[number];
    const { length } = this.lines[number];
    if (length <= LONG) return end ? start + length : start;
    let [low, high] = [0, length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const box = this.boxes(start + middle, start + middle + 1)[0];
      if (box && box.top <= height) low = middle;
      else high = middle - 1;
    }
    return start + Math.min(length, Math.max(0, low + slack));
  }

  /** Colour spans, [begin, end] each, by the style of that name; what had it before has it no more. */
  paint(name, spans) {
    if (!PAINTS) {
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
