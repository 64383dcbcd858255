/* Texts and symbols, as `understudy generate` has them; and a text that is written. */

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
