/* What writes in the page: WebAssembly where there is SIMD, or else the mirror (arithmetic.js and portable.js, which stand
   before this file), in slices of a few milliseconds on the page's own thread, between which the browser draws and
   listens: a worker would have to be loaded from an address, and the page's policy allows none. */

const element = (id) => document.getElementById(id);
const told = JSON.parse(element('model').textContent);

const SLICE = 10; // milliseconds
const PRODUCTS = 60000; // of JavaScript between two looks at the clock
const BASE64_PIECE = 1 << 16; // characters, a multiple of four

// Slices ----------------------------------------------------------------------------------------------------------

/* Run a generator to its end, with rests, and give what it returns. It yields how much it did, in the engine's
   products: browsers that hide the time from pages let their clock stand still for long, so a slice ends
   by either. */
function inSlices(generator, most, rest) {
  return new Promise((resolve, reject) => {
    const channel = new MessageChannel(); // a timer would wait four milliseconds in each turn
    channel.port1.onmessage = () => {
      try {
        const ends = performance.now() + SLICE;
        let done = false;
        let result;
        let left = most;
        while (!done && left > 0 && performance.now() < ends) {
          const { value, done: last } = generator.next();
          done = last;
          if (done) result = value;
          else left -= value;
        }
        rest();
        if (!done) return channel.port2.postMessage(null);
        channel.port1.close();
        return resolve(result);
      } catch (error) {
        channel.port1.close();
        return reject(error);
      }
    };
    channel.port2.postMessage(null);
  });
}

// Engines: the same arithmetic, compiled or not -------------------------------------------------------------------

class Mirror {
  constructor() {
    this.name = 'JavaScript, as this browser has no WebAssembly with SIMD: slower, but the same text';
    this.slice = 8e6;
    this.packed = new Uint8Array(told.bytes);
  }

  open() {
    this.model = Portable1.open(this.packed);
  }

  start(seed) {
    this.stream = new Portable1.Stream(this.model);
    this.seed = seed;
    this.drawn = 0;
  }

  draw(settings) {
    return Portable1.draw(this.stream.logits, settings, Portable1.uniform(this.seed, this.drawn++));
  }

  *read(id) {
    this.stream.begin(id);
    while (!this.stream.go(PRODUCTS)) yield PRODUCTS;
    yield Math.min(PRODUCTS, told.bytes);
  }
}

class Compiled {
  static async make() {
    const program = Uint8Array.from(atob(element('program').textContent), (sign) => sign.charCodeAt(0));
    return new Compiled((await WebAssembly.instantiate(program)).instance.exports);
  }

  constructor(wasm) {
    this.name = 'WebAssembly';
    this.slice = 4e7;
    this.wasm = wasm;
    this.place = wasm.free_from();
    this.stream = Math.ceil((this.place + told.bytes) / 64) * 64 + 64; // behind the model and one id
    this.reserve(this.stream);
    this.packed = new Uint8Array(wasm.memory.buffer, this.place, told.bytes);
  }

  reserve(bytes) {
    const { memory } = this.wasm;
    const missing = Math.ceil((bytes - memory.buffer.byteLength) / 65536);
    if (missing > 0) memory.grow(missing);
  }

  open() {
    const refused = this.wasm.open_model(this.place, told.bytes);
    if (refused) throw new Error(`the model in this file is damaged (${refused})`);
    this.reserve(this.stream + this.wasm.stream_bytes());
    this.packed = null;
    this.id = new Uint32Array(this.wasm.memory.buffer, this.stream - 64, 1);
  }

  start([low, high]) {
    this.wasm.start(this.stream, low, high);
  }

  draw({ temperature, topK, topP }) {
    return this.wasm.draw(this.stream, temperature, topK === null ? 0 : Math.min(topK, told.symbols), topP || 0);
  }

  *read(id) {
    this.id[0] = id;
    this.wasm.read(this.stream, this.id.byteOffset, 1);
    yield told.bytes;
  }
}

async function made() {
  let engine;
  try {
    engine = await Compiled.make();
  } catch (error) {
    engine = new Mirror(); // no WebAssembly, none with SIMD, or a browser whose policy knows no wasm-unsafe-eval
  }
  await inSlices(decoding(element('weights').textContent, engine.packed), Infinity, () => {});
  element('weights').remove();
  engine.open();
  element('engine').textContent = `Computed by ${engine.name}.`;
  return engine;
}

function* decoding(base64, bytes) {
  let place = 0;
  for (let from = 0; from < base64.length; from += BASE64_PIECE) {
    const piece = atob(base64.slice(from, from + BASE64_PIECE));
    for (let i = 0; i < piece.length; i++) bytes[place++] = piece.charCodeAt(i);
    yield 0;
  }
}
