/* Watching one run: its losses against time, what it writes, how long it still takes; stopping and going on. */

import { get, post } from './api.js';
import { announce, complain, tell } from './announce.js';
import { draw } from './chart.js';
import { duration } from './text.js';

const SOON = 1000;
const HIDDEN = 5000;
const SAID = 30000; // milliseconds between two things that are said aloud
const RECENT = 20;
const element = (id) => document.getElementById(id);

export class Watch {
  /** `changed` is called when the run's state becomes another one, `chosen` when its model is to write. */
  constructor(changed, chosen) {
    this.changed = changed;
    this.name = null;
    this.timer = 0;
    this.said = 0;
    element('stop').addEventListener('click', () => this.tell('stop', 'It stops, and keeps where it is.'));
    element('resume').addEventListener('click', () => this.tell('resume', 'It goes on.'));
    element('write-with').addEventListener('click', () => chosen(this.name));
    element('watch-close').addEventListener('click', () => this.close());
    new ResizeObserver(() => this.draw()).observe(element('chart'));
  }

  async open(name) {
    this.pause();
    this.name = name;
    this.forget();
    [this.run, this.samples, this.state] = [null, '', null];
    element('watch').hidden = false;
    element('watch-title').textContent = name;
    await this.look();
  }

  forget() {
    [this.since, this.mark] = [0, ''];
    [this.learned, this.held, this.seconds, this.last, this.speeds] = [[], [], 0, { step: 0, epoch: 0 }, []];
  }

  close() {
    this.pause();
    this.name = null;
    element('watch').hidden = true;
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  /** Look again, if there is anything to look at. */
  go() {
    if (this.name && !this.timer) this.look();
  }

  async look() {
    const { name } = this;
    this.pause();
    if (!name) return;
    let again = document.hidden ? HIDDEN : SOON;
    try {
      const asked = new URLSearchParams({ since: this.since, mark: this.mark });
      const found = await get(`/studio/runs/${encodeURIComponent(name)}?${asked}`);
      if (name !== this.name) return;
      this.take(found);
      if (found.journal.more) again = 0;
      else if (!['learning', 'stopping'].includes(found.run.state)) again = -1;
    } catch (error) {
      complain(error);
      again = HIDDEN;
    }
    if (again >= 0 && document.body.dataset.place === 'learn') this.timer = setTimeout(() => this.look(), again);
  }

  take({ run, journal, samples }) {
    if (journal.mark !== this.mark && this.mark) this.forget();
    this.run = run;
    [this.since, this.mark] = [journal.since, journal.mark];
    let looked = null;
    for (const line of journal.lines) looked = this.point(line) ?? looked;
    this.draw();
    this.figures();
    this.show(samples);
    if (looked !== null && Date.now() - this.said > SAID) {
      this.said = Date.now();
      announce(`${run.name}: loss ${looked.toFixed(2)}. ${element('watch-left').textContent}`);
    }
    if (run.state !== this.state) {
      const before = this.state;
      this.state = run.state;
      if (before) {
        announce(`${run.name}: ${run.state}.`);
        this.changed();
      }
    }
  }

  /** Take a line of the metrics in; its loss on the text held back, where it has one. */
  point(line) {
    if (line.setback) {
      this.last = { ...this.last, step: line.step, epoch: NaN };
      return null;
    }
    const { step, epoch, train_loss: loss, characters_per_second: speed, validation_loss_streamed: held } = line;
    if (!Number.isFinite(step) || !Number.isFinite(loss)) return null;
    const steps = Math.max(0, step - this.last.step);
    const took = speed > 0 && step ? (steps * (epoch / step) * (this.run.train_characters ?? 0)) / speed : 0;
    this.seconds += took;
    if (steps && took) this.speeds = [...this.speeds, took / steps].slice(-RECENT);
    this.last = { step, epoch, speed, loss };
    this.learned.push([this.seconds, loss]);
    if (!Number.isFinite(held)) return null;
    this.held.push([this.seconds, held]);
    return held;
  }

  draw() {
    if (!this.run) return;
    draw(element('chart'), this.learned, this.held, this.going ? this.seconds + this.left : 0);
    const unit = element('chart').dataset.unit ?? 'seconds';
    const last = this.held.at(-1);
    element('chart').setAttribute('aria-label', last
      ? `Loss against time: ${last[1].toFixed(3)} on the text held back after ${duration(last[0])}.`
      : 'Loss against time; nothing is known yet.');
    element('chart-told').textContent = `Nats a character, against ${unit} of learning.`;
  }

  get going() {
    return this.run.state === 'learning' || this.run.state === 'stopping';
  }

  /** Seconds that are left, as the last steps went; looks at the text held back are in the run's own time. */
  get left() {
    const { steps, step, seconds } = this.run;
    if (!this.speeds.length || !steps) return 0;
    const recent = this.speeds.reduce((sum, each) => sum + each, 0) / this.speeds.length;
    const whole = step > 0 && seconds ? seconds / step : 0;
    return Math.max(0, steps - this.last.step) * Math.max(recent, Math.min(whole, 2 * recent));
  }

  figures() {
    const { run } = this;
    const { step, loss, speed, epoch } = this.last;
    const known = step > 0;
    element('watch-state').textContent = run.state === 'failed'
      ? `It failed: ${run.trouble ?? 'nothing says why'}`
      : !known && this.going ? 'It reads the text and measures this machine. That takes some seconds.'
        : { learning: 'It is learning.', stopping: 'It stops after this step.', stopped: 'It was stopped, and can go on.', done: 'It is done.' }[run.state];
    element('watch-state').classList.toggle('trouble', run.state === 'failed');
    const left = this.left;
    element('watch-left').textContent = this.going && known ? `About ${duration(left)} left.` : '';
    const held = this.held.at(-1)?.[1];
    const facts = {
      'Held back': held === undefined ? '–' : `${held.toFixed(3)} nats (${(held / Math.LN2).toFixed(2)} bits)`,
      Learned: known ? `${loss.toFixed(3)} nats` : '–',
      Step: known ? `${step.toLocaleString('en')}${run.steps ? ` of ${run.steps.toLocaleString('en')}` : ''}` : '–',
      Readings: known && Number.isFinite(epoch) ? epoch.toFixed(1) : '–',
      Speed: known ? `${Math.round(speed).toLocaleString('en')} characters/s` : '–',
      Model: run.cell ? `${run.cell.toUpperCase()} ${run.units}` : '–',
    };
    element('watch-facts').replaceChildren(...Object.entries(facts).map(([name, value]) => {
      const group = document.createElement('div');
      const [term, told] = [document.createElement('dt'), document.createElement('dd')];
      [term.textContent, told.textContent] = [name, value];
      group.append(term, told);
      return group;
    }));
    element('progress').hidden = !(this.going && run.steps && known);
    element('progress').max = run.steps ?? 1;
    element('progress').value = Math.min(step, run.steps ?? 1);
    element('stop').hidden = run.state !== 'learning';
    element('resume').hidden = !(run.state === 'stopped' && run.resumable);
    element('write-with').hidden = !run.model;
  }

  show(samples) {
    const now = JSON.stringify(samples);
    if (now === this.samples) return;
    this.samples = now;
    element('samples').replaceChildren(...samples.toReversed().map(({ step, text }) => {
      const item = document.createElement('li');
      const [title, sample] = [document.createElement('h4'), document.createElement('p')];
      title.textContent = `After ${step.toLocaleString('en')} steps`;
      sample.className = 'paper';
      sample.textContent = text;
      item.append(title, sample);
      return item;
    }));
    element('samples-none').hidden = samples.length > 0;
  }

  async tell(what, said) {
    const { name } = this;
    try {
      await post(`/studio/runs/${encodeURIComponent(name)}/${what}`, {});
      tell(said);
    } catch (error) {
      complain(error);
    }
    await this.look();
    this.changed();
  }
}
