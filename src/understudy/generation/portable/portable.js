/* Portable 1 in JavaScript: a packed model reads and writes (docs/portable.md), for browsers without WebAssembly's SIMD,
   and for Node. In a page arithmetic.js stands before it.

   Legend: V vocabulary, E embedding, H units, L layers, G gates, R rows of n-grams, D numbers of such a row. */

const Portable1 = ((arithmetic) => {
  'use strict';

  const { tanh, sigmoid, WHOLE } = arithmetic;
  const fround = Math.fround;
  const MAGIC = [0x55, 0x4e, 0x44, 0x52, 0x53, 0x54, 0x44, 0x59]; // UNDRSTDY
  const HEADER = 64;
  const MOST = { V: 0x110000, E: 1 << 15, H: 1 << 15, L: 64, R: 1 << 20 };
  const NGRAM_LENGTHS = [3, 4, 5, 6, 8];
  const RECENT = 7;
  const HASH_BASE = 1540483477;
  const HASH_PRIME = 2147483647;

  // The packed model ------------------------------------------------------------------------------------------------

  const aligned = (size) => Math.ceil(size / 64) * 64;

  /* A packed model (Uint8Array), its header and length checked; its sections are views, nothing is copied. */
  function open(bytes) {
    if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) throw new Error('this processor is not little-endian');
    if (bytes.length < HEADER || MAGIC.some((byte, i) => bytes[i] !== byte)) throw new Error('no packed model');
    if (bytes.byteOffset % 64) bytes = bytes.slice();
    const word = new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER / 4);
    const [format, cell, embedded, V, E, H, L, R, D, zero] = word.slice(2, 12);
    if (format !== 1) throw new Error(`a packed model of format ${format}; this reads format 1`);
    const whole = (name, size, least) => size >= least && size <= MOST[name];
    const sizes = whole('V', V, 1) && whole('E', E, 1) && whole('H', H, 1) && whole('L', L, 1) && whole('R', R, 0);
    const rest = cell <= 1 && embedded <= 1 && D === (R ? Math.min(16, E) : 0) && !zero && !word[14] && !word[15];
    if (!sizes || !rest) throw new Error('a packed model with a damaged header');
    const GH = (cell ? 4 : 3) * H;

    let place = HEADER;
    const section = (Numbers, count) => {
      const from = place;
      place += aligned(count * Numbers.BYTES_PER_ELEMENT);
      return () => new Numbers(bytes.buffer, bytes.byteOffset + from, count);
    };
    const matrix = (rows, width, biased) => ({
      width,
      rows: section(Int8Array, rows * width),
      scales: section(Float32Array, rows),
      bias: biased ? section(Float32Array, rows) : () => new Float32Array(rows),
    });
    const plan = { inputs: matrix(V, embedded ? E : GH, false) };
    if (embedded) plan.through = matrix(GH, E, true);
    const codes = R ? section(Uint32Array, V) : null;
    if (R) plan.ngrams = matrix(5 * R, D, false);
    const ngramWeight = R ? section(Float32Array, D * GH) : null;
    const layers = [];
    for (let layer = 0; layer < L; layer++) layers.push(matrix(GH + (layer + 1 < L ? GH : V), H, true));
    if (place !== bytes.length || word[12] + word[13] * 4294967296 !== place) {
      throw new Error(`a packed model of ${bytes.length} bytes whose header asks for ${place}`);
    }
    const there = ({ width, rows, scales, bias }) => {
      const blocked = scales().length - (scales().length % BLOCK);
      return { width, rows: rows(), scales: scales(), bias: bias(), blocked, laid: 0, pairs: null };
    };
    const model = { lstm: cell === 1, V, E, H, L, R, D, GH, layers: layers.map(there) };
    for (const name of Object.keys(plan)) model[name] = there(plan[name]);
    if (R) Object.assign(model, { codes: codes(), ngramWeight: ngramWeight() });
    return model;
  }

  // The product: engines have no instruction for bytes, so each multiplication of float64 does two of them. A pair of
  // rows lies as w + PAIR · w', and 2,048 products of bytes are under 2^25, so that both sums come out exactly.
  const PAIR = 134217728;
  const TOGETHER = 2048;
  const BLOCK = 8;

  /* Lay out the rows up to `to`: at their first use, so that opening a model takes no time. */
  function lay(matrix, to) {
    const { rows, width } = matrix;
    if (matrix.pairs === null) matrix.pairs = new Float64Array((matrix.blocked / 2) * width);
    for (; matrix.laid < to; matrix.laid += 2) {
      const from = matrix.laid * width;
      const place = from / 2;
      for (let k = 0; k < width; k++) matrix.pairs[place + k] = rows[from + k] + PAIR * rows[from + width + k];
    }
  }

  /* Rows `from` to `to` of a product with whole numbers q; both are multiples of BLOCK, or `to` is the end. */
  function multiply(matrix, q, more, out, from, to) {
    const { rows, scales, bias, width, blocked } = matrix;
    const sums = new Int32Array(to - from);
    const paired = Math.min(to, blocked);
    if (paired > matrix.laid) lay(matrix, paired);
    const { pairs } = matrix;
    const unpack = (n, both) => {
      const high = Math.round(both / PAIR);
      sums[n - from] += both - high * PAIR;
      sums[n - from + 1] += high;
    };
    for (let n = from; n < paired; n += BLOCK) {
      for (let first = 0; first < width; first += TOGETHER) {
        const last = Math.min(width, first + TOGETHER);
        const A = (n / 2) * width;
        const B = A + width;
        const C = B + width;
        const D = C + width;
        let [a, b, c, d] = [0, 0, 0, 0];
        for (let k = first; k < last; k++) {
          const level = q[k];
          a += pairs[A + k] * level;
          b += pairs[B + k] * level;
          c += pairs[C + k] * level;
          d += pairs[D + k] * level;
        }
        unpack(n, a);
        unpack(n + 2, b);
        unpack(n + 4, c);
        unpack(n + 6, d);
      }
    }
    for (let n = Math.max(from, blocked); n < to; n++) {
      let a = 0;
      for (let k = 0; k < width; k++) a = (a + Math.imul(rows[n * width + k], q[k])) | 0;
      sums[n - from] = a;
    }
    for (let n = from; n < to; n++) {
      let y = fround(fround(sums[n - from]) * scales[n]);
      if (more !== null) y = fround(y * more);
      out[n] = fround(y + bias[n]);
    }
  }

  // A stream --------------------------------------------------------------------------------------------------------

  /* One stream of an opened model, from the zero state. */
  class Stream {
    constructor(model) {
      const { L, H, GH, V } = model;
      this.model = model;
      this.h = Array.from({ length: L }, () => new Float32Array(H));
      this.c = this.h.map(() => new Float32Array(H));
      this.recent = new Array(RECENT).fill(0);
      // What a layer's h makes: its own gates of the next step, then the input of the layer above, or the logits.
      this.made = model.layers.map(({ scales, bias }) => bias.map((b, n) => fround(fround(0 * scales[n]) + b)));
      this.logits = this.made[L - 1].subarray(GH, GH + V);
      this.x = new Float32Array(GH);
      this.q = new Float64Array(H);
      this.layer = L;
    }

    /* Read a symbol. */
    read(id) {
      this.begin(id);
      while (!this.go(Infinity));
    }

    /* Begin to read a symbol; `go` goes on, so that a page can do other things in the middle of a step. */
    begin(id) {
      this.id = id;
      this.layer = this.model.through ? -1 : 0;
      this.row = 0;
      if (this.layer === 0) this.inputs();
    }

    /* Go on with about so many products; whether the symbol is read. */
    go(products) {
      const { model } = this;
      while (this.layer < model.L && products > 0) {
        const input = this.layer < 0;
        if (!input && this.row === 0) this.cell();
        const matrix = input ? model.through : model.layers[this.layer];
        const all = matrix.scales.length;
        const to = Math.min(all, this.row + BLOCK * Math.ceil(products / (BLOCK * matrix.width)));
        if (input) {
          const q = Float64Array.from(model.inputs.rows.subarray(this.id * model.E, (this.id + 1) * model.E));
          multiply(matrix, q, model.inputs.scales[this.id], this.x, this.row, to);
        } else {
          multiply(matrix, this.q, null, this.made[this.layer], this.row, to);
        }
        products -= (to - this.row) * matrix.width;
        this.row = to;
        if (to === all) {
          if (input) this.ngrams();
          this.layer++;
          this.row = 0;
        }
      }
      return this.layer === model.L;
    }

    inputs() {
      const { inputs, GH } = this.model;
      const scale = inputs.scales[this.id];
      for (let n = 0, place = this.id * GH; n < GH; n++) this.x[n] = fround(scale * inputs.rows[place + n]);
      this.ngrams();
    }

    ngrams() {
      const { R, D, GH, ngrams, ngramWeight, codes } = this.model;
      if (!R) return;
      this.recent.push(codes[this.id]);
      const summed = new Float32Array(D);
      let [hash, factor, j] = [0, 1, 0];
      for (let back = 0; back <= RECENT; back++) {
        hash = (hash + timesModulo(this.recent[RECENT - back], factor)) % HASH_PRIME;
        factor = timesModulo(HASH_BASE, factor);
        if (back + 1 !== NGRAM_LENGTHS[j]) continue;
        const row = (hash % R) + j++ * R;
        for (let d = 0; d < D; d++) {
          summed[d] = fround(summed[d] + fround(ngrams.scales[row] * ngrams.rows[row * D + d]));
        }
      }
      this.recent.shift();
      for (let d = 0; d < D; d++) {
        const v = summed[d];
        for (let n = 0; n < GH; n++) this.x[n] = fround(this.x[n] + fround(v * ngramWeight[d * GH + n]));
      }
    }

    /* The equations of the layer that is due, and its h in whole numbers. */
    cell() {
      const { H, GH, lstm } = this.model;
      const { layer, q } = this;
      const x = layer ? this.made[layer - 1].subarray(GH) : this.x;
      const [g, h, c] = [this.made[layer], this.h[layer], this.c[layer]];
      for (let k = 0; k < H; k++) {
        if (lstm) {
          const i = sigmoid(fround(x[k] + g[k]));
          const f = sigmoid(fround(x[H + k] + g[H + k]));
          const o = sigmoid(fround(x[3 * H + k] + g[3 * H + k]));
          const fresh = fround(i * tanh(fround(x[2 * H + k] + g[2 * H + k])));
          c[k] = fround(fround(f * c[k]) + fresh);
          h[k] = fround(o * tanh(c[k]));
        } else {
          const r = sigmoid(fround(x[k] + g[k]));
          const z = sigmoid(fround(x[H + k] + g[H + k]));
          const n = tanh(fround(x[2 * H + k] + fround(r * g[2 * H + k])));
          h[k] = fround(n + fround(z * fround(h[k] - n)));
        }
        let level = fround(64 * h[k]);
        level = level > -64 ? level : -64;
        level = level < 64 ? level : 64;
        q[k] = level + WHOLE - WHOLE; // half to even
      }
    }
  }

  /* a · b mod HASH_PRIME for a under 2^32 and b under 2^31: in two parts, each product under 2^53. */
  function timesModulo(a, b) {
    const low = a % 4096;
    return ((((a - low) / 4096) * b) % HASH_PRIME * 4096 + low * b) % HASH_PRIME;
  }

  return { open, Stream, ...arithmetic };
})(typeof Arithmetic1 !== 'undefined' ? Arithmetic1 : require('./arithmetic.js'));

if (typeof module !== 'undefined') module.exports = Portable1;
