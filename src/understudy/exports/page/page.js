/* What the page does: it reads what is asked for, writes, and shows. `Portable1` (portable.js) stands before it.

   Everything is done in slices of a few milliseconds on the page's own thread, between which the browser draws and
   listens: a worker would have to be loaded from an address, and the page's policy allows none. */

(() => {
  'use strict';

  const SLICE = 10; // milliseconds
  const LONGEST = 1000000;
  const PRODUCTS = 60000; // of JavaScript between two looks at the clock
  const LARGEST_SEED = 2n ** 64n - 1n;
  const BASE64_PIECE = 1 << 16; // characters, a multiple of four
  const LINES = 4000; // characters of a block of the text, so that no layout is of the whole of it
  const element = (id) => document.getElementById(id);
  const told = JSON.parse(element('model').textContent);

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

  // Text <-> ids, and its end ---------------------------------------------------------------------------------------

  const symbols = Array.from(told.characters || '');
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]));
  const half = (sign) => sign.length === 1 && sign >= '\ud800' && sign <= '\udfff';

  function unknownIn(text) {
    const unknown = Array.from(text).filter((sign) => half(sign) || (told.kind === 'characters' && !ids.has(sign)));
    return Array.from(new Set(unknown)).sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
  }

  function idsOf(text) {
    const known = Array.from(text).filter((sign) => !half(sign));
    if (told.kind === 'bytes') return Array.from(new TextEncoder().encode(known.join('')));
    return known.filter((sign) => ids.has(sign)).map((sign) => ids.get(sign));
  }

  /* Ids to text. The bytes of an unfinished character are kept back. */
  function decoder() {
    if (told.kind === 'characters') return (id) => symbols[id];
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    return (id) => utf8.decode(Uint8Array.of(id), { stream: true });
  }

  /* Passes text on, but keeps back what may yet become a stop text; see generation/stopping.py. */
  class StopWatch {
    constructor(stops) {
      this.stops = stops;
      this.held = '';
      this.stopped = false;
    }

    feed(text) {
      this.held += text;
      const places = this.stops.map((stop) => [this.held.indexOf(stop), stop.length]).filter(([place]) => place >= 0);
      if (places.length) {
        this.stopped = true;
        places.sort((a, b) => a[0] + a[1] - b[0] - b[1] || a[0] - b[0]);
        return this.take(places[0][0]);
      }
      return this.take(this.held.length - this.unsure());
    }

    finish() {
      return this.stopped ? '' : this.take(this.held.length);
    }

    take(length) {
      const taken = this.held.slice(0, length);
      this.held = this.held.slice(length);
      return taken;
    }

    unsure() {
      const longest = Math.max(0, ...this.stops.map((stop) => stop.length - 1));
      for (let length = Math.min(longest, this.held.length); length > 0; length--) {
        const end = this.held.slice(-length);
        if (this.stops.some((stop) => stop.startsWith(end))) return length;
      }
      return 0;
    }
  }

  /* What is asked for, written: `show` gets the text as it comes, and how many symbols are drawn by then. Whoever stops
     it gets the text of that length. */
  function* writing(engine, asked, show) {
    const decode = decoder();
    const watch = new StopWatch(asked.stops);
    const prompt = idsOf(asked.start);
    engine.start(asked.seed);
    for (const id of prompt.length ? prompt : [told.opening]) {
      if (stopping) break;
      yield* engine.read(id);
    }
    let drawn = 0;
    while (drawn < asked.length && !watch.stopped && !stopping) {
      const id = engine.draw(asked.settings);
      show(watch.feed(decode(id)), ++drawn);
      if (!watch.stopped && drawn < asked.length) yield* engine.read(id);
    }
    show(watch.finish(), drawn);
    return watch.stopped;
  }

  // What is asked for -----------------------------------------------------------------------------------------------

  class Refused extends Error {
    constructor(field, message) {
      super(message);
      this.field = field;
    }
  }

  const labelOf = (id) => document.querySelector(`label[for="${id}"]`).textContent;

  function whole(id, least, most) {
    const given = element(id).value.trim();
    const number = /^\d+$/.test(given) ? BigInt(given) : null;
    if (number === null || number < least || (most !== null && number > most)) {
      const range = most === null ? `from ${least}` : `from ${least} to ${most}`;
      throw new Refused(id, `${labelOf(id)} ${given}: expected a whole number ${range}`);
    }
    return number;
  }

  function number(id, said, allows) {
    const given = element(id).value.trim();
    const plain = /^(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?$/i.test(given); // some keyboards have no point but a comma
    const found = plain ? Number(given.replace(',', '.')) : NaN;
    if (!(Number.isFinite(found) && allows(found))) {
      throw new Refused(id, `${labelOf(id)} ${given}: expected a number ${said}`);
    }
    return found;
  }

  const inWords = (count) => count.toLocaleString('en');
  const there = (id) => element(id).value.trim() !== '';
  const unprintable = (sign) => sign !== ' ' && /[\p{C}\p{Z}]/u.test(sign);
  const ESCAPES = { n: '\n', t: '\t', '\\': '\\' };

  function named(sign) {
    const code = sign.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    return unprintable(sign) ? `(U+${code})` : `${sign} (U+${code})`;
  }

  function read() {
    const start = element('start').value;
    const skip = element('skip').checked;
    const unknown = skip ? [] : unknownIn(start);
    if (unknown.length) {
      const names = unknown.slice(0, 20).map(named).join(', ') + (unknown.length > 20 ? ', ...' : '');
      throw new Refused(
        'start', `The model never saw ${names}: leave them out, or let “More settings” leave them out.`,
      );
    }
    const length = Number(whole('length', 0n, BigInt(LONGEST)));
    const temperature = number('temperature', 'from 0', (found) => found >= 0);
    const chance = BigInt(crypto.getRandomValues(new Uint32Array(1))[0]);
    const seed = there('seed') ? whole('seed', 0n, LARGEST_SEED) : chance;
    const topK = there('top-k') ? whole('top-k', 1n, null) : null;
    const topP = there('top-p') ? number('top-p', 'above 0 and at most 1', (found) => found > 0 && found <= 1) : null;
    const stops = element('stop').value.split('\n').filter(Boolean);
    return {
      start,
      length,
      seed: [Number(seed & 0xffffffffn), Number(seed >> 32n)],
      settings: { temperature, topK: topK === null ? null : Number(topK), topP },
      stops: stops.map((stop) => stop.replace(/\\([nt\\])/g, (_, sign) => ESCAPES[sign])),
      shown: { seed: String(seed), temperature: String(temperature), topK, topP, skip },
    };
  }

  // The command that writes the same; see shell.py ------------------------------------------------------------------

  function quoted(argument) {
    const signs = Array.from(argument);
    if (signs.some(unprintable)) return `$'${signs.map(escaped).join('')}'`;
    if (/^[\w@%+=:,./-]+$/.test(argument) && !argument.startsWith('=')) return argument;
    return `'${argument.replace(/'/g, `'"'"'`)}'`;
  }

  function escaped(sign) {
    if (sign === "'" || sign === '\\') return `\\${sign}`;
    if (!unprintable(sign)) return sign;
    const byte = sign.length === 1 ? sign.charCodeAt(0) - 0xdc00 : 0; // of a name that is not UTF-8
    if (byte >= 0x80 && byte <= 0xff) return `\\x${byte.toString(16)}`;
    return Array.from(new TextEncoder().encode(sign), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  }

  function commandFor({ start, length, stops, shown }) {
    const option = (name, value) => (value.startsWith('-') ? [`${name}=${value}`] : [name, value]);
    const words = ['understudy', 'generate', told.called];
    if (start) words.push(...option('--start', start));
    words.push('--length', String(length), '--temperature', shown.temperature, '--seed', shown.seed);
    if (shown.topK !== null) words.push('--top-k', String(shown.topK));
    if (shown.topP !== null) words.push('--top-p', String(shown.topP));
    for (const stop of stops) words.push(...option('--stop', stop));
    if (shown.skip) words.push('--unknown', 'skip');
    return words.map(quoted);
  }

  // What is shown ---------------------------------------------------------------------------------------------------

  let written = ''; // the prompt and the text: what the command prints
  let fresh = ''; // what of it is not shown yet
  let block = null;
  let stopping = false;
  let busy = false;

  function show() {
    while (fresh) {
      const end = block.length > LINES ? fresh.indexOf('\n') : -1; // a new block begins a line of its own
      const piece = end < 0 ? fresh : fresh.slice(0, end);
      block.node.appendData(piece);
      block.length += piece.length;
      fresh = fresh.slice(end < 0 ? fresh.length : end + 1);
      if (end >= 0) block = newBlock();
    }
  }

  function newBlock() {
    const line = element('text').appendChild(document.createElement('div'));
    return { line, node: line.appendChild(document.createTextNode('')), length: 0 };
  }

  function clear(start) {
    element('text').textContent = '';
    block = newBlock();
    const prompt = block.line.insertBefore(document.createElement('span'), block.node);
    prompt.className = 'prompt';
    prompt.textContent = start;
    written = start;
    fresh = '';
  }

  /* Lines of a command break between its words: browsers would break them after a dash as well. */
  function showCommand(words) {
    const command = element('command');
    command.textContent = '';
    words.forEach((word, place) => {
      if (place) command.append(' ');
      const part = command.appendChild(document.createElement('span'));
      part.className = word.length < 24 ? 'word' : '';
      part.textContent = word;
    });
  }

  function refuse(error) {
    element('trouble').textContent = error.message;
    if (error.field) {
      const field = element(error.field);
      field.setAttribute('aria-invalid', 'true');
      if (field.closest('details')) field.closest('details').open = true;
      field.focus();
    }
  }

  async function write() {
    element('trouble').textContent = '';
    for (const field of document.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
    let asked;
    try {
      asked = read();
    } catch (error) {
      return refuse(error);
    }
    [busy, stopping] = [true, false];
    element('write').textContent = 'Stop';
    element('status').textContent = `Writing with seed ${asked.shown.seed}.`;
    showCommand(commandFor(asked));
    element('result').hidden = false;
    clear(asked.start);
    try {
      const engine = await ready;
      const began = performance.now();
      let [drawn, shown] = [0, 0];
      const generator = writing(engine, asked, (text, sofar) => {
        written += text;
        fresh += text;
        shown += Array.from(text).length;
        drawn = sofar;
      });
      const ended = await inSlices(generator, engine.slice, show);
      const seconds = Math.max(performance.now() - began, 1) / 1000;
      const speed = seconds >= 0.1 ? `, ${inWords(Math.round(drawn / seconds))} a second` : '';
      const [count, what] = told.kind === 'bytes' ? [drawn, 'byte'] : [shown, 'character'];
      const how = ended ? ' to where it ends' : stopping ? ' until it was stopped' : '';
      const counted = `${inWords(count)} ${what}${count === 1 ? '' : 's'}`;
      element('status').textContent = `Wrote ${counted}${how}, with seed ${asked.shown.seed}${speed}.`;
      if (stopping) showCommand(commandFor({ ...asked, length: drawn }));
    } catch (error) {
      element('status').textContent = '';
      refuse(error);
    }
    busy = false;
    element('write').textContent = 'Write';
    return undefined;
  }

  async function copy(text, button) {
    const label = button.textContent;
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      copied = copyOldWay(text); // a page that came over plain HTTP has no clipboard
    }
    element('said').textContent = button.textContent = copied ? 'Copied' : 'The browser refused';
    setTimeout(() => { element('said').textContent = ''; button.textContent = label; }, 1500);
    button.focus();
  }

  function copyOldWay(text) {
    const field = document.body.appendChild(document.createElement('textarea'));
    field.value = text;
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    return copied;
  }

  function save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([`${written}\n`], { type: 'text/plain;charset=utf-8' }));
    link.download = told.saved;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  element('hosting').hidden = true;
  element('asked').hidden = false;
  element('asked').addEventListener('submit', (event) => {
    event.preventDefault();
    if (busy) stopping = true;
    else write();
  });
  element('asked').addEventListener('keydown', (event) => {
    const sent = event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.tagName === 'TEXTAREA';
    if (sent && !busy) write();
  });
  element('copy').addEventListener('click', ({ currentTarget }) => copy(written, currentTarget));
  const copyCommand = ({ currentTarget }) => copy(element('command').textContent, currentTarget);
  element('copy-command').addEventListener('click', copyCommand);
  element('save').addEventListener('click', save);
  const ready = made();
  ready.catch(refuse);
})();
