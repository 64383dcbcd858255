/* Seeing: surprise over the text, or one neuron, and what the model makes of the place where the cursor is. */

import { calledBack, post } from './api.js';
import { announce, complain } from './announce.js';
import { LEVELS, Scores, paint } from './heat.js';
import { before, characterAt, named, percent, places } from './text.js';

const PAUSE = 30; // milliseconds after a key until it is scored again,
const LONGER = 1000; // and one more for so many characters of the text, which is sent,
const FURTHER = 100; // and for so many that are to be scored: who types on should not wait for them
const NEURON_PAUSE = 250;
const RESTS_FROM = 20000; // characters of a text that is coloured anew only when no key came
const RESTS = 80; // for so many milliseconds
const BOUNDS = [0.1, 0.35, 0.65];
const HEAT = Array.from({ length: LEVELS }, (_, level) => `h${level + 1}`);
const NEURON = ['p1', 'p2', 'p3', 'm1', 'm2', 'm3'];
const element = (id) => document.getElementById(id);

export class See {
  constructor(desk) {
    [this.desk, this.sheet] = [desk, desk.sheet];
    this.scores = new Scores();
    this.scores.clear(this.sheet.text.length);
    this.values = null; // of the neuron, by place
    [this.request, this.timer, this.frame] = [null, 0, 0];
    desk.addEventListener('text', ({ detail }) => this.follow(detail));
    this.sheet.addEventListener('moved', () => this.soon());
    this.sheet.addEventListener('caret', () => this.later());
    element('model').addEventListener('change', () => this.afresh());
    for (const field of document.querySelectorAll('[name="shown"]')) field.addEventListener('change', () => this.turn());
    for (const id of ['layer', 'unit']) element(id).addEventListener('input', () => this.turn());
    element('unit-next').addEventListener('click', () => this.leaf(1));
    element('unit-previous').addEventListener('click', () => this.leaf(-1));
    element('surprise-next').addEventListener('click', () => this.jump(1));
    element('surprise-previous').addEventListener('click', () => this.jump(-1));
  }

  get here() {
    return document.body.dataset.place === 'see';
  }

  get shown() {
    return document.querySelector('[name="shown"]:checked').value;
  }

  follow({ change, typed }) {
    if (change) {
      this.scores.follow(change);
      if (this.values) this.values = spliced(this.values, change);
    }
    if (!this.here) return;
    if (typed) this.later();
    else this.soon();
    this.ask();
  }

  /** The place is entered or left. */
  enter() {
    this.turn();
    this.tell();
  }

  leave() {
    this.request?.abort();
    clearTimeout(this.timer);
    this.paint();
  }

  /** All is to be had anew: another model. */
  afresh() {
    this.scores.clear(this.sheet.text.length);
    this.values = null;
    this.layers = null;
    if (this.here) this.turn();
  }

  turn() {
    element('neuron-part').hidden = this.shown !== 'neuron';
    element('heat-part').hidden = this.shown !== 'surprise';
    element('surprises').hidden = !this.here || this.shown !== 'surprise';
    if (!this.here) return;
    this.values = null;
    this.soon();
    this.ask();
  }

  ask() {
    this.request?.abort();
    clearTimeout(this.timer);
    if (this.desk.draft && !this.here) return;
    const { length } = this.sheet.text;
    const pause = PAUSE + length / LONGER + Math.min(400, (length - this.scores.begin) / FURTHER);
    if (this.shown === 'neuron') this.timer = setTimeout(() => this.look(), pause + NEURON_PAUSE);
    else if (this.shown === 'surprise') this.timer = setTimeout(() => this.score(), pause);
  }

  async score() {
    const { scores } = this;
    const model = element('model').value;
    if (!model || scores.whole) {
      this.sum();
      return;
    }
    const request = new AbortController();
    this.request = request;
    const began = performance.now();
    try {
      await scores.score(model, this.sheet.text, request.signal, (first, end) => {
        if (Number.isNaN(scores.mean) || performance.now() - began > 1000) scores.measure();
        if (performance.now() - began > 400) {
          const share = percent(end / this.sheet.text.length);
          element('heat-told').textContent = `Scoring: ${share} of the text. This model reads it character by character.`;
        }
        this.soon();
      });
      if (request.signal.aborted) return;
      this.sum();
      this.soon();
      this.tell();
    } catch (error) {
      if (!calledBack(error)) complain(error);
    }
  }

  sum() {
    const { scores } = this;
    const { count, mean } = scores;
    element('heat-told').textContent = count
      ? `${mean.toFixed(2)} nats a character in the mean (${(mean / Math.LN2).toFixed(2)} bits), over ${count.toLocaleString('en')}.`
      : 'Write something, and it is coloured by how much it surprises the model.';
    element('surprise-next').disabled = element('surprise-previous').disabled = !count;
  }

  async look() {
    const model = element('model').value;
    if (!model) return;
    const request = new AbortController();
    this.request = request;
    try {
      this.layers ??= await post('/studio/units', { model });
      element('layer').max = String(this.layers.layers);
      element('unit').max = String(this.layers.units - 1);
      if (!element('layer').checkValidity() || !element('unit').checkValidity()) {
        element('neuron-told').textContent = `There are ${this.layers.layers} layers of ${this.layers.units} units, from 0 on.`;
        return;
      }
      const { text } = this.sheet;
      const [layer, unit] = [Number(element('layer').value) - 1, Number(element('unit').value)];
      element('neuron-told').textContent = 'Reading the text.';
      const { values } = await post('/studio/units', { model, text, layer, unit }, request.signal);
      if (request.signal.aborted) return;
      const at = places(text);
      this.values = new Float32Array(text.length);
      values.forEach((value, number) => {
        this.values.fill(value ?? NaN, at ? at[number] : number, at ? at[number + 1] : number + 1);
      });
      const known = values.filter((value) => value !== null);
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      element('neuron-told').textContent = known.length
        ? `Unit ${unit} of layer ${layer + 1}, ${mean.toFixed(2)} in the mean; each character shows it after reading it.`
        : 'Write something to see what the unit does.';
      this.soon();
      this.tell();
    } catch (error) {
      if (!calledBack(error)) complain(error);
    }
  }

  leaf(step) {
    if (!this.layers) return;
    const { layers, units } = this.layers;
    const all = layers * units;
    const which = ((Number(element('layer').value) - 1) * units + Number(element('unit').value) + step + all) % all;
    element('layer').value = String(Math.floor(which / units) + 1);
    element('unit').value = String(which % units);
    this.turn();
  }

  jump(step) {
    const at = this.scores.surprise(this.sheet.caret, step);
    if (at < 0) {
      announce('No more surprises that way.');
      return;
    }
    this.sheet.focus();
    this.sheet.select(at);
    this.sheet.reveal(at);
    this.tell();
    announce(element('see-told').textContent);
  }

  /** What is known of the character that the cursor stands before, or, at the end, behind. */
  tell() {
    if (!this.here) return;
    const { caret, text } = this.sheet;
    const at = caret < text.length ? caret : before(text, text.length);
    const sign = characterAt(text, at);
    const told = element('see-told');
    if (!sign) {
      told.textContent = '';
      return;
    }
    if (this.shown === 'neuron') {
      const value = this.values?.[at];
      told.textContent = Number.isFinite(value) ? `${named(sign)}: ${value.toFixed(2)} after it.` : `${named(sign)}: not read.`;
      return;
    }
    const value = this.scores.nats[at];
    const said = Number.isFinite(value)
      ? `${named(sign)}: ${value.toFixed(2)} nats, probability ${percent(Math.exp(-value))}.`
      : `${named(sign)}: ${at ? 'not scored, or unknown to the model' : 'nothing stands before it'}.`;
    if (told.textContent !== said) told.textContent = said;
  }

  /** After the next frame, which is the key's; in a long text when the keys rest: colouring it takes a frame itself. */
  later() {
    clearTimeout(this.resting);
    if (this.sheet.text.length > RESTS_FROM) {
      this.resting = setTimeout(() => this.soon(), RESTS);
      return;
    }
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.soon();
    });
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.tell(); // before anything is measured
      this.paint();
    });
  }

  paint() {
    const { mirror } = this.sheet;
    const [heat, neuron] = [this.here && this.shown === 'surprise', this.here && this.shown === 'neuron' && this.values];
    if (heat || this.heated) {
      paint(mirror, HEAT, heat ? (at) => (this.scores.level(at) ? `h${this.scores.level(at)}` : '') : null);
    }
    if (neuron || this.charged) paint(mirror, NEURON, neuron ? (at) => look(this.values[at]) : null);
    [this.heated, this.charged] = [heat, Boolean(neuron)];
  }
}

function look(value) {
  let level = 0;
  for (const bound of BOUNDS) level += Math.abs(value) >= bound;
  return level ? (value > 0 ? 'p' : 'm') + level : '';
}

function spliced(values, { at, cut, put }) {
  const moved = new Float32Array(values.length - cut.length + put.length).fill(NaN);
  moved.set(values.subarray(0, at));
  moved.set(values.subarray(at + cut.length), at + put.length);
  return moved;
}
