/* Writing: going on from the cursor, drawing the same passage again, stopping; undo and the rest of the buttons. */

import { calledBack, completions } from './api.js';
import { announce, complain, hush, tell } from './announce.js';
import * as fields from './settings.js';
import { counted, ending, short } from './text.js';

const READ = 200000; // characters before a passage that are sent
const SAID = 400; // characters of what was written that are read aloud
const SETTLING = 120; // milliseconds for which a slider must rest
const element = (id) => document.getElementById(id);

export class Writer {
  constructor(desk) {
    [this.desk, this.sheet] = [desk, desk.sheet];
    this.request = null;
    this.timer = 0;
    desk.addEventListener('settled', () => this.request?.abort());
    desk.addEventListener('tree', () => this.show());
    element('go').addEventListener('click', () => (this.request ? this.stop() : this.goOn()));
    element('undo').addEventListener('click', () => this.step(() => desk.undo(), 'Nothing before this.', 'Undone.'));
    element('redo').addEventListener('click', () => this.step(() => desk.redo(), 'Nothing after this.', 'Done again.'));
    this.sheet.keys.push((event) => this.key(event));
    fields.listen(() => this.redrawSoon());
    this.show();
  }

  key(event) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      if (!this.request) this.goOn();
      return true;
    }
    if (event.key === 'Escape' && this.request) {
      this.stop();
      return true;
    }
    return false;
  }

  step(work, none, done) {
    announce(work() ? done : none);
  }

  /** Write on from the cursor, in the place of what is selected. */
  goOn() {
    const [begin, end] = this.sheet.selected;
    return this.write(begin, this.sheet.text.slice(begin, end), fields.settings());
  }

  /** Cut the text at a place, put a character there, and write on; all of it is one node. */
  branch(at, sign) {
    return this.write(at, this.sheet.text.slice(at), fields.settings(), { first: sign });
  }

  stop() {
    this.desk.settle();
    announce('Stopped.');
  }

  redrawSoon() {
    clearTimeout(this.timer);
    if (this.passage) this.timer = setTimeout(() => this.redraw(), SETTLING);
  }

  /** The node that the sliders draw again: the current one, where it was written by a model. */
  get passage() {
    const { draft, tree } = this.desk;
    if (draft) return draft.former;
    return tree.node.kind === 'generation' && tree.node.settings ? tree.node : null;
  }

  /** Draw the last passage again with the settings as they are now: a node beside it. */
  redraw() {
    const { passage } = this;
    if (!passage) return;
    const { first, max_tokens } = passage.settings;
    const wanted = { ...fields.settings(), max_tokens, ...(first ? { first } : {}) };
    if (!this.desk.draft) {
      const twin = this.desk.tree.twin(wanted);
      if (twin === passage.id) return;
      if (twin) {
        this.desk.go(twin);
        return;
      }
    }
    if (this.desk.draft && JSON.stringify(passage.settings) === JSON.stringify(wanted)) {
      this.desk.abandon();
      this.desk.go(passage.id);
      this.request?.abort();
      return;
    }
    this.write(passage.at, passage.cut, wanted, { first, former: passage });
  }

  async write(at, cut, wanted, { first = '', former = null } = {}) {
    if (!wanted.model) {
      complain('There is no model to write with.');
      return;
    }
    hush();
    const { desk } = this;
    desk.begin(at, cut, first ? { ...wanted, first } : wanted, former);
    const { draft } = desk;
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.busy();
    let text = first;
    if (first) desk.draw(text);
    try {
      const prompt = ending(this.sheet.text.slice(0, at), READ) + first;
      const { first: _, ...asked } = wanted;
      for await (const choice of completions({ ...asked, prompt, unknown: 'skip' }, request.signal)) {
        if (desk.draft !== draft) return;
        text += choice.text;
        desk.draw(text);
      }
      if (desk.draft !== draft) return;
      draft.whole = true;
      desk.settle();
      announce(`Written: ${short(text, SAID)}`);
    } catch (error) {
      if (calledBack(error) || desk.draft !== draft) return;
      if (former) {
        desk.abandon();
        desk.go(desk.tree.current);
      } else desk.settle();
      complain(error);
    } finally {
      if (this.request === request) this.request = null;
      this.busy();
    }
  }

  /** Put a text that is written already at a place, as a node. */
  place(at, cut, put, settings) {
    this.desk.put({ at, cut, put }, 'generation', settings);
    tell(`${counted(Array.from(put).length, 'character')} put in.`);
  }

  busy() {
    element('go').textContent = this.request ? 'Stop' : 'Write on';
    element('go').classList.toggle('main', !this.request);
  }

  show() {
    const { tree } = this.desk;
    element('undo').disabled = tree.undo === null;
    element('redo').disabled = tree.redo === null;
    const { node } = tree;
    const told = node.kind === 'generation' && node.settings
      ? 'Moving these draws the last passage again.'
      : 'These hold for the next passage.';
    if (element('redraw-hint').textContent !== told) element('redraw-hint').textContent = told;
  }
}
