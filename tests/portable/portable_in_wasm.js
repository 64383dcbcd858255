/* Streams that portable.wasm writes in Node: portable_in_wasm.js WASM MODEL JOBS > RESULTS, both as in
   portable_driver.c. */
'use strict';

const { readFileSync, writeSync } = require('fs');
const [wasm, model, jobs] = process.argv.slice(2).map((name) => readFileSync(name));
const w = new WebAssembly.Instance(new WebAssembly.Module(wasm), {}).exports;

let free = w.free_from();
const take = (bytes) => {
  const begin = free;
  free += Math.ceil(bytes / 64) * 64;
  const lacking = Math.ceil((free - w.memory.buffer.byteLength) / 65536);
  if (lacking > 0) w.memory.grow(lacking);
  return begin;
};
const words = (address, count) => new Uint32Array(w.memory.buffer, address, count);
const packed = take(model.length);
new Uint8Array(w.memory.buffer).set(model, packed);
const refused = w.open_model(packed, model.length);
if (refused) process.exit(refused);
const header = new DataView(model.buffer, model.byteOffset);
const [lstm, V, H, L] = [12, 20, 28, 32].map((place) => header.getUint32(place, true));
const size = w.stream_bytes();

const writers = [];
const job = new DataView(jobs.buffer, jobs.byteOffset, jobs.length);
for (let place = 0; place < jobs.length; ) {
  const [top_k, prompt, length] = [24, 28, 32].map((field) => job.getUint32(place + field, true));
  const writer = { top_k, prompt, length, sums: [], stream: take(size), ids: take(4 * (prompt + length)) };
  writer.temperature = job.getFloat64(place + 8, true);
  writer.top_p = job.getFloat64(place + 16, true);
  w.start(writer.stream, job.getUint32(place, true), job.getUint32(place + 4, true));
  for (let i = 0; i < prompt; i++) words(writer.ids, prompt)[i] = job.getUint32(place + 40 + 4 * i, true);
  writers.push(writer);
  place += 40 + 4 * prompt;
}
const layers = [...Array(L).keys()];
const hidden = (stream) => layers.map((layer) => words(w.hidden(stream, layer), H));
const state = (stream) =>
  layers.flatMap((layer) => [words(w.hidden(stream, layer), H), words(w.carried(stream, layer), lstm ? H : 0)]);
const sum = (stream) => {
  let total = 0;
  let place = 0;
  for (const part of [words(w.logits(stream), V), ...hidden(stream)])
    for (const bits of part) total = (total + Math.imul(bits, Math.imul(++place, 2654435761) | 1)) | 0;
  return total;
};
let spare = take(size);
for (let place = 0; writers.some(({ prompt, length }) => place < prompt + length); place++)
  for (const writer of writers) {
    const { prompt, length, ids, temperature, top_k, top_p } = writer;
    if (place >= prompt + length) continue;
    if (place < prompt) w.read(writer.stream, ids + 4 * place, 1);
    else w.write(writer.stream, ids + 4 * place, 1, temperature, top_k, top_p);
    writer.sums.push(sum(writer.stream));
    if (place % 7 === 3) {
      new Uint8Array(w.memory.buffer).copyWithin(spare, writer.stream, writer.stream + size);
      new Uint8Array(w.memory.buffer).fill(255, writer.stream, writer.stream + size);
      [spare, writer.stream] = [writer.stream, spare];
    }
  }
for (const { stream, ids, prompt, length, sums } of writers) {
  const all = [words(ids + 4 * prompt, length), Uint32Array.from(sums), ...state(stream), words(w.logits(stream), V)];
  for (const part of all) {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    for (let place = 0; place < bytes.length; ) place += writeSync(1, bytes, place);
  }
}
