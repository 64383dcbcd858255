/* What of the text stands word for word in the text that the model learned from. */

import { calledBack, post } from './api.js';
import { complain } from './announce.js';
import { counted, places } from './text.js';

const LENGTH = 30;
const PAUSE = 600;
const element = (id) => document.getElementById(id);

export class Copies {
  constructor(desk) {
    [this.desk, this.sheet] = [desk, desk.sheet];
    [this.spans, this.timer, this.request] = [[], 0, null];
    element('copies').addEventListener('change', () => this.soon(0));
    element('model').addEventListener('change', () => this.soon(0));
    desk.addEventListener('text', () => {
      if (!element('copies').checked) return;
      this.spans = [];
      this.paint();
      this.soon(PAUSE);
    });
    this.sheet.addEventListener('moved', () => this.paint());
  }

  soon(pause) {
    clearTimeout(this.timer);
    this.request?.abort();
    if (element('copies').checked) this.timer = setTimeout(() => this.look(), pause);
    else {
      this.spans = [];
      this.paint();
      element('copies-told').textContent = '';
    }
  }

  async look() {
    const { text } = this.sheet;
    const model = element('model').value;
    const told = element('copies-told');
    if (!model) return;
    const request = new AbortController();
    this.request = request;
    told.textContent = 'Looking. The first time the learned text is read, which can take some seconds.';
    try {
      const found = await post('/studio/copies', { model, text, length: LENGTH }, request.signal);
      if (request.signal.aborted) return;
      if (found.missing) {
        told.textContent = found.missing;
        return;
      }
      const at = places(text);
      this.spans = found.spans.map((span) => (at ? span.map((place) => at[place]) : span));
      told.textContent = this.spans.length
        ? `${counted(this.spans.length, 'copied run')} of ${LENGTH} characters or more, underlined. The longest has ${found.longest}.`
        : `No run of ${LENGTH} characters or more is copied. The longest has ${found.longest}.`;
      this.paint();
    } catch (error) {
      told.textContent = '';
      if (!calledBack(error)) complain(error);
    }
  }

  paint() {
    if (!this.spans.length) {
      if (this.painted) this.sheet.mirror.paint('copied', []);
      this.painted = false;
      return;
    }
    const [begin, end] = this.sheet.mirror.visible();
    this.sheet.mirror.paint('copied', this.spans.filter(([from, to]) => to > begin && from < end));
    this.painted = true;
  }
}
