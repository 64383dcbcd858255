/* Ghost text: what might come next, in grey at the cursor, while one types. */

import { completions, calledBack } from './api.js';
import { announce } from './announce.js';
import { settings } from './settings.js';
import { ending } from './text.js';

const PAUSE = 60; // milliseconds after the last key
const LENGTH = 40;
const LITTLE = 12; // characters of a suggestion after which more are asked for
const WAYS = 3;
const READ = 20000; // characters before the cursor that are sent
const element = (id) => document.getElementById(id);

export class Ghost {
  constructor(desk, complain) {
    [this.desk, this.sheet, this.complain] = [desk, desk.sheet, complain];
    this.ways = [];
    this.chosen = 0;
    this.at = -1;
    this.timer = 0;
    this.request = null;
    this.asked = 0;
    desk.addEventListener('text', ({ detail }) => this.follow(detail));
    this.sheet.addEventListener('caret', () => { if (this.shown && this.sheet.caret !== this.at) this.dismiss(); });
    this.sheet.field.addEventListener('blur', () => setTimeout(() => this.left(), 150));
    this.sheet.addEventListener('moved', () => { if (this.shown) this.sheet.showGhost(this.at, this.way); });
    this.sheet.keys.push((event) => this.key(event));
    this.sheet.ghost.addEventListener('click', () => this.take());
    element('ghost-take').addEventListener('click', () => this.take());
    element('ghost-next').addEventListener('click', () => this.leaf(1));
    element('ghost-away').addEventListener('click', () => this.dismiss());
    element('suggest').addEventListener('change', () => this.dismiss());
  }

  get shown() {
    return !this.sheet.ghost.hidden;
  }

  get way() {
    return this.ways[this.chosen] ?? '';
  }

  left() {
    const within = element('ghost-bar').contains(document.activeElement);
    if (!within && document.activeElement !== this.sheet.field) this.dismiss();
  }

  follow({ change, typed }) {
    if (!typed || !change) {
      this.dismiss();
      return;
    }
    if (this.shown && change.put && !change.cut && change.at === this.at && this.way.startsWith(change.put)) {
      this.typedAlong(change.put);
      return;
    }
    this.dismiss();
    if (element('suggest').checked && document.body.dataset.place === 'write') {
      this.timer = setTimeout(() => this.ask(), PAUSE);
    }
  }

  /** What was typed is what was suggested: the rest of it stays, until there is little of it. */
  typedAlong(put) {
    this.request?.abort();
    clearTimeout(this.timer);
    const kept = this.way;
    this.ways = [kept, ...this.ways.filter((way) => way !== kept)]
      .filter((way) => way.startsWith(put)).map((way) => way.slice(put.length)).filter(Boolean);
    this.chosen = 0;
    this.at += put.length;
    if (this.ways.length) this.show();
    else this.dismiss();
    if (this.way.length < LITTLE) this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const [begin, at] = this.sheet.selected;
    const wanted = settings();
    if (begin !== at || this.desk.draft || !wanted.model || document.activeElement !== this.sheet.field) return;
    const request = new AbortController();
    this.request = request;
    this.asked = performance.now();
    const texts = Array(WAYS).fill('');
    const prompt = ending(this.sheet.text.slice(0, at), READ);
    try {
      const asked = { ...wanted, max_tokens: LENGTH, n: WAYS, prompt, unknown: 'skip' };
      for await (const { index, text } of completions(asked, request.signal)) {
        if (request.signal.aborted) return;
        texts[index] += text.replaceAll('\r', '');
        this.offer(at, texts);
      }
      if (!request.signal.aborted) this.offer(at, texts, true);
    } catch (error) {
      if (!calledBack(error)) this.complain(error);
    }
  }

  offer(at, texts, whole = false) {
    const [kept, first] = [this.way, !this.shown];
    this.ways = [...new Set(texts.map((text) => trimmed(text, whole)).filter((text) => text.trim()))];
    if (!this.ways.length) return;
    const again = this.ways.findIndex((way) => kept && way.startsWith(kept));
    this.chosen = Math.max(0, again);
    this.at = at;
    this.show();
    if (first) {
      performance.measure('suggestion', { start: this.asked, end: performance.now() });
      announce('A suggestion is there.');
    }
    if (whole) announce(`Suggestion: ${this.way}. Tab takes it, the arrows up and down show others.`);
  }

  show() {
    this.sheet.showGhost(this.at, this.way);
    element('ghost-bar').hidden = false;
    element('ghost-count').textContent = `${this.chosen + 1} of ${this.ways.length}`;
  }

  key(event) {
    if (!this.shown || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === 'Tab' && !event.shiftKey) this.take();
    else if (event.key === 'Escape') this.dismiss('Suggestion dismissed.');
    else if (event.key === 'ArrowDown') this.leaf(1);
    else if (event.key === 'ArrowUp') this.leaf(-1);
    else return false;
    return true;
  }

  leaf(step) {
    if (!this.ways.length) return;
    this.chosen = (this.chosen + step + this.ways.length) % this.ways.length;
    this.show();
    announce(`${this.chosen + 1} of ${this.ways.length}: ${this.way}`);
  }

  take() {
    const { at, way } = this;
    if (!way) return;
    this.dismiss();
    const { model, temperature, top_p, seed } = settings();
    const written = { model, temperature, top_p, seed, max_tokens: Array.from(way).length };
    this.desk.put({ at, cut: '', put: way }, 'generation', written);
    this.sheet.focus();
    this.sheet.reveal(at + way.length);
    announce(`Taken: ${way}`);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  dismiss(said = '') {
    clearTimeout(this.timer);
    this.request?.abort();
    if (this.shown && said) announce(said);
    this.ways = [];
    this.at = -1;
    this.sheet.hideGhost();
    element('ghost-bar').hidden = true;
  }
}

/** As much of a suggestion as is worth showing: up to the end of its line, and, when all has come, of a word. */
function trimmed(text, whole) {
  const end = text.search(/\S\n/);
  if (end >= 0) return text.slice(0, end + 1);
  const word = text.search(/\s\S*$/);
  return whole && word > 0 && text.length >= LENGTH ? text.slice(0, word) : text;
}
