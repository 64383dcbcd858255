/* Learning: a text is dropped or chosen, looked at, and given to a process; and the runs of the folder. */

import { get, post } from './api.js';
import { announce, complain, hush, tell } from './announce.js';
import { counted, duration, named } from './text.js';
import { Watch } from './watch.js';

const MOST = 15e6; // bytes of a text, below what the server takes
const NEXT = 5000;
const element = (id) => document.getElementById(id);

export class Learn {
  /** `chosen` is called with the name of a run whose model is to write. */
  constructor(chosen) {
    this.text = null;
    this.timer = 0;
    this.watch = new Watch(() => this.list(), chosen);
    element('file').addEventListener('change', ({ target }) => this.take(target.files[0]));
    const holds = (event) => event.dataTransfer?.types.includes('Files');
    for (const name of ['dragenter', 'dragover']) {
      document.addEventListener(name, (event) => {
        if (!holds(event)) return; // a piece of text that is moved
        event.preventDefault();
        element('drop').classList.add('over');
      });
    }
    document.addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) element('drop').classList.remove('over');
    });
    document.addEventListener('drop', (event) => {
      element('drop').classList.remove('over');
      if (!holds(event)) return;
      event.preventDefault(); // else the browser would leave the page for the file
      if (document.body.dataset.place === 'learn') this.take(event.dataTransfer.files[0]);
    });
    element('begin').addEventListener('submit', (event) => {
      event.preventDefault();
      this.begin();
    });
  }

  enter() {
    this.list();
  }

  leave() {
    clearTimeout(this.timer);
    this.watch.pause();
  }

  /** Take a file: it is read here, and sent to the server on this address alone. */
  async take(file) {
    if (!file) return;
    hush();
    element('survey').hidden = true;
    this.text = null;
    try {
      if (file.size > MOST) {
        throw new Error(`${file.name} is larger than ${counted(MOST / 1e6, 'megabyte')}; learn it with understudy train.`);
      }
      element('drop-told').textContent = `Reading ${file.name}.`;
      const text = decoded(new Uint8Array(await file.arrayBuffer()), file.name);
      const seen = await post('/studio/survey', { name: file.name, text });
      this.text = { name: file.name, text };
      this.show(file.name, seen);
    } catch (error) {
      complain(error);
    }
    element('drop-told').textContent = '';
    element('file').value = '';
  }

  show(name, seen) {
    element('survey-title').textContent = name;
    element('survey-counts').textContent =
      `${counted(seen.characters, 'character')}, ${seen.distinct.toLocaleString('en')} distinct.`;
    element('survey-head').textContent = this.text.text.slice(0, 300);
    element('survey-common').replaceChildren(...seen.common.map(([sign, count]) => {
      const item = document.createElement('li');
      const code = document.createElement('code');
      code.textContent = named(sign);
      item.append(code, ` ${count.toLocaleString('en')}`);
      return item;
    }));
    const { count, shown, fewer_than: bound } = seen.rare;
    element('survey-rare').textContent = count
      ? `${counted(count, 'character')} come fewer than ${bound} times and will hardly be learned: ${shown.map(named).join(' ')}`
      : '';
    element('survey-returns').hidden = !seen.carriage_returns;
    element('survey-advice').textContent = seen.advice;
    if (!element('minutes').value) element('minutes').value = String(seen.minutes ?? 5);
    element('survey').hidden = false;
    element('survey-title').focus();
    announce(`${name}: ${element('survey-counts').textContent}`);
  }

  async begin() {
    const minutes = Number(element('minutes').value);
    if (!this.text || !element('minutes').checkValidity() || !(minutes > 0)) {
      complain('Minutes: expected a number from 0.1 to 10,080.');
      element('minutes').focus();
      return;
    }
    element('start').disabled = true;
    try {
      const lf = !element('survey-returns').hidden && element('lf').checked;
      const asked = { ...this.text, minutes, newlines: lf ? 'lf' : 'keep' };
      const { name } = await post('/studio/runs', asked);
      element('survey').hidden = true;
      this.text = null;
      hush();
      await this.watch.open(name);
      element('watch-title').focus();
      this.list();
    } catch (error) {
      complain(error);
    }
    element('start').disabled = false;
  }

  async list() {
    clearTimeout(this.timer);
    if (document.body.dataset.place !== 'learn') return;
    try {
      const { runs } = await get('/studio/runs');
      const going = runs.find(({ state }) => state === 'learning' || state === 'stopping');
      if (going && !this.watch.name) await this.watch.open(going.name);
      else this.watch.go();
      const shown = JSON.stringify(runs);
      if (shown !== this.shown) this.rows(runs);
      this.shown = shown;
    } catch (error) {
      complain(error);
    }
    this.timer = setTimeout(() => this.list(), NEXT);
  }

  rows(runs) {
    element('runs-none').hidden = runs.length > 0;
    element('runs-table').hidden = runs.length === 0;
    const held = document.activeElement?.dataset?.does;
    element('runs').replaceChildren(...runs.map((run) => this.row(run)));
    if (held) element('runs').querySelector(`[data-does="${CSS.escape(held)}"]`)?.focus();
  }

  row(run) {
    const row = document.createElement('tr');
    const cell = (text, label) => {
      const made = document.createElement('td');
      made.textContent = text;
      made.dataset.label = label;
      row.append(made);
      return made;
    };
    const name = document.createElement('th');
    name.scope = 'row';
    name.append(this.button(run.name, `watch ${run.name}`, () => this.look(run.name), `Look at ${run.name}`));
    row.append(name);
    cell(STATES[run.state] ?? run.state, 'State');
    cell(run.loss === null ? '–' : run.loss.toFixed(3), 'Loss');
    cell(run.characters === null ? '–' : run.characters.toLocaleString('en'), 'Characters');
    cell(run.seconds ? duration(run.seconds) : '–', 'Learned for');
    const last = cell('', '');
    if (run.state === 'stopped' && run.resumable) {
      last.append(this.button('Go on', `resume ${run.name}`, () => this.resume(run.name), `Go on with ${run.name}`));
    }
    return row;
  }

  button(text, does, act, label) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'small';
    button.textContent = text;
    button.dataset.does = does;
    button.setAttribute('aria-label', label);
    button.addEventListener('click', act);
    return button;
  }

  async look(name) {
    try {
      await this.watch.open(name);
      element('watch-title').focus();
    } catch (error) {
      complain(error);
    }
  }

  async resume(name) {
    try {
      await post(`/studio/runs/${encodeURIComponent(name)}/resume`, {});
      tell(`${name} goes on.`);
      await this.look(name);
    } catch (error) {
      complain(error);
    }
    this.list();
  }
}

export const STATES = {
  learning: 'is learning', stopping: 'is stopping', stopped: 'stopped', done: 'done', failed: 'failed',
};

function decoded(bytes, name) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${name} is not UTF-8 text. Save it as UTF-8, or learn it with understudy train --encoding.`);
  }
  if (text.includes('\0')) throw new Error(`${name} has NUL characters, so it is no text.`);
  if (!text) throw new Error(`${name} is empty.`);
  return text;
}
