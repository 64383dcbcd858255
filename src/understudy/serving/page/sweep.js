/* Five temperatures of one seed, side by side, with the first difference marked. */

import { calledBack, completions } from './api.js';
import { announce, complain } from './announce.js';
import { settings } from './settings.js';
import { change, ending } from './text.js';

const TEMPERATURES = [0.4, 0.6, 0.8, 1, 1.2];
const READ = 200000;
const element = (id) => document.getElementById(id);

export class Sweep {
  constructor(desk, writer) {
    [this.desk, this.writer, this.request] = [desk, writer, null];
    element('sweep').addEventListener('click', () => this.begin());
    element('sweep-close').addEventListener('click', () => this.close());
    element('sweep-table').addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
  }

  close() {
    this.request?.abort();
    element('sweep-table').hidden = true;
    this.desk.sheet.focus();
  }

  async begin() {
    const wanted = settings();
    if (!wanted.model) return;
    this.desk.settle();
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    const { passage } = this.writer;
    const { sheet, tree } = this.desk;
    const [begin, end] = passage ? [passage.at, passage.at + passage.put.length] : sheet.selected;
    const place = {
      at: begin, node: tree.current, passage, cut: passage ? passage.cut : sheet.text.slice(begin, end),
    };
    const prompt = ending(sheet.text.slice(0, begin), READ);
    const columns = TEMPERATURES.map((temperature) => this.column({ ...wanted, temperature }, place));
    element('sweep-columns').replaceChildren(...columns.map(({ item }) => item));
    element('sweep-table').hidden = false;
    element('sweep-title').focus();
    try {
      await Promise.all(columns.map((column) => this.write(column, columns, prompt, request.signal)));
      announce('Five temperatures are written.');
    } catch (error) {
      if (!calledBack(error)) complain(error);
      request.abort();
    }
  }

  column(asked, place) {
    const item = document.createElement('li');
    const title = document.createElement('h3');
    title.textContent = `Temperature ${asked.temperature.toFixed(1)}`;
    const text = document.createElement('p');
    text.className = 'paper';
    const told = document.createElement('p');
    told.className = 'hint';
    const use = document.createElement('button');
    use.type = 'button';
    use.textContent = 'Use this';
    use.setAttribute('aria-label', `Use the text of temperature ${asked.temperature}`);
    use.disabled = true;
    const column = { item, text, told, use, asked, written: '', done: false };
    use.addEventListener('click', () => this.use(column, place));
    item.append(title, text, told, use);
    return column;
  }

  async write(column, columns, prompt, signal) {
    for await (const { text } of completions({ ...column.asked, prompt, unknown: 'skip' }, signal)) {
      if (signal.aborted) return;
      column.written += text.replaceAll('\r', '');
      this.compare(columns);
    }
    column.done = true;
    column.use.disabled = false;
    this.compare(columns);
  }

  /** Mark in each column the first character that is another one than in the first column. */
  compare(columns) {
    const [first] = columns;
    for (const column of columns) {
      const { at } = column === first ? { at: -1 } : (change(first.written, column.written) ?? { at: -1 });
      const told = at < 0 || at >= Math.min(first.written.length, column.written.length) ? -1 : at;
      if (told < 0) {
        column.text.replaceChildren(column.written);
      } else {
        const mark = document.createElement('mark');
        const end = told + (column.written.codePointAt(told) > 0xffff ? 2 : 1);
        const sign = column.written.slice(told, end);
        mark.textContent = sign === '\n' ? '↵\n' : sign;
        column.text.replaceChildren(column.written.slice(0, told), mark, column.written.slice(end));
      }
      const count = Array.from(column.written.slice(0, Math.max(0, told))).length + 1;
      column.told.textContent = column === first ? 'The others are held against this one.'
        : told >= 0 ? `Differs from character ${count.toLocaleString('en')} on.`
          : column.done && first.done ? 'The same text.' : 'The same so far.';
    }
  }

  use({ asked, written }, place) {
    const { desk } = this;
    if (place.node !== desk.tree.current) desk.go(place.node);
    if (place.passage) desk.go(place.passage.parent);
    this.writer.place(place.at, place.cut, written, asked);
    this.close();
  }
}
