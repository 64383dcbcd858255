/* The editor: a plain text field over its mirror. What is typed is told as changes; undoing is not the browser's. */

import { Mirror } from './mirror.js';
import { before, change as changeOf } from './text.js';

export class Sheet extends EventTarget {
  /** Events: `typed` (detail: a change), `caret`, `undo`, `redo`, `moved` (what is in sight changed). */
  constructor(scroller) {
    super();
    this.scroller = scroller;
    this.field = scroller.querySelector('textarea');
    this.ghost = scroller.querySelector('.ghost');
    this.mirror = new Mirror(scroller.querySelector('.mirror'), scroller, scroller.querySelector('.marks'));
    this.text = '';
    this.keys = []; // who is asked about a key, before the field has it
    this.listen();
  }

  listen() {
    this.field.addEventListener('input', (event) => { if (!event.isComposing) this.read(); });
    this.field.addEventListener('compositionend', () => this.read());
    this.field.addEventListener('beforeinput', (event) => {
      const wish = { historyUndo: 'undo', historyRedo: 'redo' }[event.inputType];
      if (!wish) return;
      event.preventDefault();
      this.say(wish);
    });
    this.field.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('selectionchange', () => {
      if (document.activeElement === this.field) this.say('caret');
    });
    const moved = () => {
      this.mirror.show();
      this.say('moved');
    };
    document.addEventListener('scroll', moved, { passive: true, capture: true }); // of whatever scrolls
    const sizes = new ResizeObserver(moved);
    for (const one of [this.field, this.scroller]) sizes.observe(one);
  }

  say(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  key(event) {
    if (event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const letter = event.key.toLowerCase();
      const wish = letter === 'z' ? (event.shiftKey ? 'redo' : 'undo') : letter === 'y' ? 'redo' : null;
      if (wish) {
        event.preventDefault();
        this.say(wish);
        return;
      }
    }
    if (this.keys.some((asked) => asked(event))) event.preventDefault();
  }

  /** Take in what the field has now. */
  read() {
    const now = this.field.value;
    const change = changeOf(this.text, now);
    if (!change) return;
    this.text = now;
    this.mirror.apply(change);
    this.say('typed', change);
    this.soon();
  }

  /** Have the mirror follow in the next frame: its height, and the lines in sight. */
  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.mirror.show();
    });
  }

  get caret() {
    return this.field.selectionEnd;
  }

  get selected() {
    return [this.field.selectionStart, this.field.selectionEnd];
  }

  select(begin, end = begin) {
    this.field.setSelectionRange(begin, end);
  }

  /** Change the text without telling: whoever does it knows. */
  apply(change) {
    this.field.setRangeText(change.put, change.at, change.at + change.cut.length, 'preserve');
    this.text = this.text.slice(0, change.at) + change.put + this.text.slice(change.at + change.cut.length);
    this.mirror.apply(change);
    this.soon();
  }

  /** Show another text, and put the caret somewhere; what differs from the one before. */
  replace(text, caret) {
    const change = changeOf(this.text, text);
    if (change) this.apply(change);
    this.select(caret);
    return change;
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  /** Have a place in sight. */
  reveal(at) {
    const { mirror, scroller } = this;
    const line = mirror.lineAt(at);
    mirror.show();
    const far = !mirror.blocks[line - mirror.first];
    if (far) {
      scroller.scrollTop = mirror.topOf(line) - scroller.clientHeight / 2;
      mirror.show();
    }
    const boxes = mirror.boxes(Math.max(mirror.starts[line], before(this.text, at)), at);
    const box = boxes.at(-1) ?? mirror.blocks[line - mirror.first]?.getBoundingClientRect();
    if (!box) return;
    const view = scroller.getBoundingClientRect();
    if (box.top < view.top + 8) scroller.scrollTop -= view.top + 48 - box.top;
    else if (box.bottom > view.bottom - 8) scroller.scrollTop += box.bottom - view.bottom + 72;
  }

  /** The place of the character under a point of the window; -1 where there is none. */
  placeAt(x, y) {
    const { caret, text } = this;
    for (const at of [caret, before(text, caret)]) {
      const end = at + (text.codePointAt(at) > 0xffff ? 2 : 1);
      const near = (box) => x >= box.left - 1 && x <= box.right + 1 && y >= box.top - 4 && y <= box.bottom + 4;
      if (at < text.length && this.mirror.boxes(at, end).some(near)) return at;
    }
    return -1;
  }

  /** Show grey text at a place, over whatever is there. */
  showGhost(at, text) {
    const { mirror } = this;
    const line = mirror.lineAt(at);
    const [kept, shown] = this.ghost.children;
    kept.textContent = mirror.lines[line].slice(0, at - mirror.starts[line]);
    shown.textContent = text.replaceAll('\n', '↵');
    this.ghost.style.top = `${mirror.space.offsetTop + mirror.topOf(line)}px`;
    this.ghost.hidden = false;
  }

  hideGhost() {
    this.ghost.hidden = true;
    this.ghost.lastElementChild.textContent = '';
  }
}
