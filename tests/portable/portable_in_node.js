/* Streams that Portable 1 writes in Node. Argument: portable.js; standard input: a job; standard output: what came of it. */
'use strict';

const { createHash } = require('crypto');
const { readFileSync } = require('fs');
const Portable1 = require(process.argv[2]);

const job = JSON.parse(readFileSync(0, 'utf8'));
const model = Portable1.open(new Uint8Array(readFileSync(job.model)));
const bytesOf = (numbers) => new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
const hexOf = (numbers) => Buffer.from(bytesOf(numbers)).toString('hex');

const streams = job.streams.map(({ seed, prompt, length, settings, products = Infinity, every = true }) => {
  const stream = new Portable1.Stream(model);
  const steps = createHash('sha256');
  const read = (id) => {
    stream.begin(id);
    while (!stream.go(products));
    if (!every) return;
    steps.update(bytesOf(stream.logits));
    for (const h of stream.h) steps.update(bytesOf(h));
  };
  for (const id of prompt) read(id);
  const ids = [];
  for (let place = 0; place < length; place++) {
    ids.push(Portable1.draw(stream.logits, settings, Portable1.uniform(seed, place)));
    read(ids[place]);
  }
  const parts = stream.h.flatMap((h, layer) => (model.lstm ? [h, stream.c[layer]] : [h]));
  if (model.R) parts.push(Float32Array.from(stream.recent));
  return { ids, steps: steps.digest('hex'), state: parts.map(hexOf), logits: hexOf(stream.logits) };
});
process.stdout.write(JSON.stringify(streams));
