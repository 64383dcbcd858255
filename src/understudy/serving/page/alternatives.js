/* What else might stand at a place: the model's distribution there, each sign a way to go on. */

import { calledBack, post } from './api.js';
import { complain } from './announce.js';
import { before, characterAt, ending, named, percent } from './text.js';

const READ = 200000;
const SHOWN = 20;
const PAUSE = 60; // milliseconds for which the cursor must rest,
const LONGER = 1000; // and one more for so many characters, which are sent
const element = (id) => document.getElementById(id);

export class Alternatives {
  /** `branch(at, sign)` goes on from a sign in the place of the one that stands there. */
  constructor(desk, branch) {
    [this.desk, this.sheet, this.branch] = [desk, desk.sheet, branch];
    this.at = -1;
    this.request = null;
    this.timer = 0;
    this.sheet.field.addEventListener('click', (event) => {
      const at = this.sheet.placeAt(event.clientX, event.clientY);
      if (this.open && at >= 0) this.look(at);
    });
    this.sheet.addEventListener('caret', () => this.follow());
    desk.addEventListener('text', () => this.follow());
    this.sheet.keys.push((event) => this.key(event));
    element('else-at-cursor').addEventListener('click', () => {
      this.look(this.sheet.caret);
      element('else').querySelector('button')?.focus();
    });
    element('else').addEventListener('keydown', (event) => this.walk(event));
  }

  get open() {
    return document.body.dataset.place !== 'learn';
  }

  key(event) {
    if (event.key !== '.' || !(event.ctrlKey || event.metaKey)) return false;
    this.look(this.sheet.caret, true);
    return true;
  }

  /** In the place where one sees, the distribution follows the cursor; in the other it is asked for. */
  follow() {
    if (document.body.dataset.place === 'see') {
      clearTimeout(this.timer);
      const pause = PAUSE + this.sheet.text.length / LONGER;
      this.timer = setTimeout(() => this.look(this.sheet.caret), pause);
    } else if (this.at > this.sheet.text.length) this.clear();
  }

  clear() {
    this.request?.abort();
    this.at = -1;
    this.sheet.mirror.paint('looked', []);
    element('else').replaceChildren();
    element('else-told').textContent = 'Click a character, or press Ctrl and the full stop.';
  }

  async look(at, focus = false) {
    const { text } = this.sheet;
    const model = element('model').value;
    if (!model || this.desk.draft) return;
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.at = at;
    const there = characterAt(text, at);
    this.sheet.mirror.paint('looked', there ? [[at, at + there.length]] : []);
    try {
      const found = await post('/studio/next', { model, text: ending(text.slice(0, at), READ), top: SHOWN }, request.signal);
      if (request.signal.aborted) return;
      this.show(at, there, found);
      if (focus) element('else').querySelector('button')?.focus();
    } catch (error) {
      if (!calledBack(error)) complain(error);
    }
  }

  show(at, there, { next, rest }) {
    const last = characterAt(this.sheet.text, before(this.sheet.text, at));
    const after = at === 0 ? 'At the beginning' : `After ${named(last)}`;
    const stands = next.find(([sign]) => sign === there);
    const share = stands ? percent(stands[1]) : `less than ${percent(next.at(-1)?.[1] ?? 0).replace('<', '')}`;
    element('else-told').textContent = there ? `${after} stands ${named(there)}, with ${share}.` : `${after} comes:`;
    const most = next[0]?.[1] ?? 1;
    element('else').replaceChildren(...next.map(([sign, probability], number) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.tabIndex = number ? -1 : 0;
      button.className = sign === there ? 'way there' : 'way';
      const name = document.createElement('code');
      name.textContent = named(sign).replace(/^an? (?=.)/, '').replace('line’s', 'line');
      const told = document.createElement('span');
      told.textContent = percent(probability);
      const bar = document.createElement('span');
      bar.className = 'bar';
      bar.style.inlineSize = `${Math.max(1, (100 * probability) / most)}%`;
      bar.setAttribute('aria-hidden', 'true');
      button.append(bar, name, told);
      button.disabled = Array.from(sign).length !== 1; // a byte is no character yet
      if (sign === there) button.setAttribute('aria-current', 'true');
      button.addEventListener('click', () => {
        this.clear();
        this.branch(at, sign);
        this.sheet.focus();
      });
      const item = document.createElement('li');
      item.append(button);
      return item;
    }));
    element('else-rest').textContent = rest > 0 ? `All others together: ${percent(rest)}.` : '';
  }

  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape') this.sheet.focus();
    if (!step) return;
    event.preventDefault();
    const ways = [...element('else').querySelectorAll('button')];
    const next = ways[(ways.indexOf(document.activeElement) + step + ways.length) % ways.length];
    for (const way of ways) way.tabIndex = way === next ? 0 : -1;
    next?.focus();
  }
}
