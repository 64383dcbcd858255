/* Streams that Portable 1 writes in a script: `runJobs` for browsers, and in Node a program:
   portable_jobs.js RUNTIME PRODUCTS MODEL JOBS > RESULTS, with portable.js or portable.wasm as the runtime, and the
   files of portable_driver.c. All streams go on side by side, a step each in turn. */
'use strict';

/* `runtime`: the Portable1 of portable.js, or the bytes of portable.wasm. `products`: how much of a step is done at a
   time. */
function runJobs(runtime, model, jobs, products = Infinity) {
  const words = new DataView(model.buffer, model.byteOffset);
  const [lstm, V, H, L] = [12, 20, 28, 32].map((place) => words.getUint32(place, true));
  const layers = Array.from({ length: L }, (_, layer) => layer);
  const maker = runtime.open ? scripted() : compiled();

  function scripted() {
    const opened = runtime.open(model);
    return (seed, settings) => {
      const stream = new runtime.Stream(opened);
      let drawn = 0;
      return {
        read(id) {
          stream.begin(id);
          while (!stream.go(products));
        },
        draw: () => runtime.draw(stream.logits, settings, runtime.uniform(seed, drawn++)),
        logits: () => stream.logits,
        hidden: (layer) => stream.h[layer],
        carried: (layer) => stream.c[layer],
      };
    };
  }

  function compiled() {
    const wasm = new WebAssembly.Instance(new WebAssembly.Module(runtime), {}).exports;
    let free = wasm.free_from();
    const take = (bytes) => {
      const begin = free;
      free += Math.ceil(bytes / 64) * 64;
      const lacking = Math.ceil((free - wasm.memory.buffer.byteLength) / 65536);
      if (lacking > 0) wasm.memory.grow(lacking);
      return begin;
    };
    const packed = take(model.length);
    new Uint8Array(wasm.memory.buffer).set(model, packed);
    if (wasm.open_model(packed, model.length)) throw new Error('the model is refused');
    const place = take(4);
    const numbers = (address, count) => new Float32Array(wasm.memory.buffer, address, count);
    return ([low, high], { temperature, topK, topP }) => {
      const stream = take(wasm.stream_bytes());
      wasm.start(stream, low, high);
      return {
        read(id) {
          new Uint32Array(wasm.memory.buffer, place, 1)[0] = id;
          wasm.read(stream, place, 1);
        },
        draw: () => wasm.draw(stream, temperature, topK || 0, topP || 0),
        logits: () => numbers(wasm.logits(stream), V),
        hidden: (layer) => numbers(wasm.hidden(stream, layer), H),
        carried: (layer) => numbers(wasm.carried(stream, layer), H),
      };
    };
  }

  const bitsOf = (floats) => new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  function sum(stream) {
    let total = 0;
    let place = 0;
    for (const part of [stream.logits(), ...layers.map(stream.hidden)])
      for (const bits of bitsOf(part)) total = (total + Math.imul(bits, Math.imul(++place, 2654435761) | 1)) | 0;
    return total;
  }

  const writers = [];
  const job = new DataView(jobs.buffer, jobs.byteOffset, jobs.length);
  for (let place = 0; place < jobs.length; ) {
    const [low, high, topK, prompt, length] = [0, 4, 24, 28, 32].map((field) => job.getUint32(place + field, true));
    const [temperature, topP] = [8, 16].map((field) => job.getFloat64(place + field, true));
    const read = Array.from({ length: prompt }, (_, i) => job.getUint32(place + 40 + 4 * i, true));
    const stream = maker([low, high], { temperature, topK: topK || null, topP: topP || null });
    writers.push({ read, length, stream, ids: [], sums: [] });
    place += 40 + 4 * prompt;
  }
  for (let place = 0; writers.some(({ read, length }) => place < read.length + length); place++)
    for (const { read, length, stream, ids, sums } of writers) {
      if (place >= read.length + length) continue;
      if (place >= read.length) ids.push(stream.draw());
      stream.read(place < read.length ? read[place] : ids[ids.length - 1]);
      sums.push(sum(stream));
    }
  const results = writers.flatMap(({ ids, sums, stream }) => [
    ids,
    sums,
    ...layers.flatMap((layer) => [stream.hidden(layer), ...(lstm ? [stream.carried(layer)] : [])].map(bitsOf)),
    bitsOf(stream.logits()),
  ]);
  const whole = new Uint32Array(results.reduce((total, part) => total + part.length, 0));
  let place = 0;
  for (const part of results) {
    whole.set(part, place);
    place += part.length;
  }
  return new Uint8Array(whole.buffer);
}

if (typeof module !== 'undefined') {
  const { readFileSync, writeSync } = require('fs');
  const [runtime, products, model, jobs] = process.argv.slice(2);
  const read = (name) => new Uint8Array(readFileSync(name));
  const results = runJobs(
    runtime.endsWith('.js') ? require(runtime) : read(runtime), read(model), read(jobs), Number(products),
  );
  for (let place = 0; place < results.length; ) place += writeSync(1, results, place);
}
