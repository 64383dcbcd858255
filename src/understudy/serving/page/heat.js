/* Surprise over the text: the nats of every character, kept up with while one types, and the colours in sight.

   Places count halves of characters, as the browser's do. What is not known (yet) is NaN. */

import { documents } from './api.js';
import { characters, places } from './text.js';

export const LEVELS = 5;
const SPREAD = 2.5; // standard deviations above the mean from which all is the warmest

export class Scores {
  constructor() {
    this.clear(0);
  }

  /** Forget everything, for a text of some length. */
  clear(length) {
    this.nats = new Float32Array(length).fill(NaN);
    this.begin = 0; // from there on they are to be had again
    [this.mean, this.deviation] = [NaN, NaN];
  }

  /** Follow a change: what comes after it keeps its old numbers until new ones are there. */
  follow({ at, cut, put }) {
    const moved = new Float32Array(this.nats.length - cut.length + put.length);
    moved.set(this.nats.subarray(0, at));
    moved.fill(NaN, at, at + put.length);
    moved.set(this.nats.subarray(at + cut.length), at + put.length);
    this.nats = moved;
    this.begin = Math.min(this.begin, at);
  }

  get whole() {
    return this.begin >= this.nats.length;
  }

  /** Have a text scored from where it changed on; `came` is told how far it is. */
  async score(model, text, signal, came) {
    const at = places(text);
    const place = (number) => (at ? at[number] : number);
    const from = characters(text, this.begin);
    for await (const { at: first, nats } of documents('/studio/score', { model, text, from }, signal)) {
      if (signal.aborted) return;
      nats.forEach((value, number) => {
        this.nats.fill(value ?? NaN, place(first + number), place(first + number + 1));
      });
      this.begin = Math.max(this.begin, place(first + nats.length));
      came(place(first), this.begin);
    }
    this.begin = text.length;
    this.measure();
  }

  /** The mean and the deviation of all that is known. */
  measure() {
    let [count, sum, squares] = [0, 0, 0];
    for (const value of this.nats) {
      if (Number.isNaN(value)) continue;
      count += 1;
      sum += value;
      squares += value * value;
    }
    this.count = count;
    this.mean = sum / count;
    this.deviation = Math.sqrt(Math.max(0, squares / count - this.mean * this.mean));
  }

  /** How warm a place is, 0 to 5: even steps from the mean to 2.5 standard deviations above it. */
  level(at) {
    const value = this.nats[at];
    const beyond = (LEVELS * (value - this.mean)) / (SPREAD * this.deviation);
    return beyond >= 1 ? Math.min(LEVELS, Math.floor(beyond)) : 0;
  }

  /** The next place, in a direction, that is two deviations above the mean; -1 where there is none. */
  surprise(from, step) {
    const bound = this.mean + 2 * this.deviation;
    for (let at = from + step; at >= 0 && at < this.nats.length; at += step) {
      if (this.nats[at] >= bound) return at;
    }
    return -1;
  }
}

/** Paint what is in sight by classes: `named` gives each place its class, '' for none. */
export function paint(mirror, classes, named) {
  const found = new Map(classes.map((name) => [name, []]));
  if (named) {
    const [begin, end] = mirror.visible();
    let [last, start] = ['', begin];
    for (let at = begin; at <= end; at += 1) {
      const name = at < end ? named(at) : '';
      if (name === last) continue;
      if (last) found.get(last).push([start, at]);
      [last, start] = [name, at];
    }
  }
  for (const [name, spans] of found) mirror.paint(name, spans);
}
