/* Portable 1 in JavaScript: the arithmetic of docs/portable.md, for browsers without WebAssembly's SIMD, and for Node.

   A float32 operation is one in float64 whose result Math.fround rounds again: for sums, products and quotients of
   float32 numbers the two roundings give what one would, since 53 bits are more than twice 24 and two. No function of
   Math that engines round as they please (exp, pow) is used.

   Legend: V vocabulary, E embedding, H units, L layers, G gates, R rows of n-grams, D numbers of such a row. */

const Portable1 = (() => {
  'use strict';

  const fround = Math.fround;
  const MAGIC = [0x55, 0x4e, 0x44, 0x52, 0x53, 0x54, 0x44, 0x59]; // UNDRSTDY
  const HEADER = 64;
  const MOST = { V: 0x110000, E: 1 << 15, H: 1 << 15, L: 64, R: 1 << 20 };
  const NGRAM_LENGTHS = [3, 4, 5, 6, 8];
  const RECENT = 7;
  const HASH_BASE = 1540483477;
  const HASH_PRIME = 2147483647;
  const COLDEST = 1e-30;

  // The functions ---------------------------------------------------------------------------------------------------

  /* 2^n exactly, which an engine's own power need not be. */
  function twoTo(n) {
    let power = 1;
    for (; n > 0; n--) power *= 2;
    for (; n < 0; n++) power /= 2;
    return power;
  }

  const float32 = (digits, power) => fround(parseInt(digits, 16) * twoTo(power - 24)); // 0x1.DDDDDDp(power), exactly
  const [P4, P3] = [float32('1cadb14', -27), float32('159c2b0', -16)];
  const [P2, P1] = [float32('1ca2c2a', -9), float32('1120b12', -3)];
  const [Q4, Q3] = [float32('1a17f0c', -21), float32('15885ae', -12)];
  const [Q2, Q1] = [float32('1a7f7c8', -6), float32('1de5ad2', -2)];

  function tanh(x) {
    x = x > -9 ? x : -9; // also where x is not a number
    x = x < 9 ? x : 9;
    const t = fround(x * x);
    let p = fround(fround(P4 * t) + P3);
    p = fround(fround(p * t) + P2);
    p = fround(fround(p * t) + P1);
    p = fround(fround(p * t) + 1);
    let q = fround(fround(Q4 * t) + Q3);
    q = fround(fround(q * t) + Q2);
    q = fround(fround(q * t) + Q1);
    q = fround(fround(q * t) + 1);
    let y = fround(fround(x * p) / q);
    y = y > -1 ? y : -1;
    return y < 1 ? y : 1;
  }

  function sigmoid(x) {
    return fround(fround(tanh(fround(x * 0.5)) * 0.5) + 0.5);
  }

  const TAYLOR = [1];
  for (let n = 1, factorial = 1; n <= 13; n++) {
    factorial *= n;
    TAYLOR.unshift(1 / factorial);
  }
  const LOG2_E = 0x171547652b82fe * twoTo(-52);
  const WHOLE = 6755399441055744; // 1.5 · 2^52: what is added to it loses all that is not whole
  const LN2_HIGH = 0x162e42fee00000 * twoTo(-53);
  const LN2_LOW = 0x1a39ef35793c76 * twoTo(-85);
  const power = new Float64Array(1);
  const powerBits = new Uint32Array(power.buffer);

  function exponential(x) {
    x = x > -709 ? x : -709; // also what is not a number
    const k = x * LOG2_E + WHOLE - WHOLE;
    const r = x - k * LN2_HIGH - k * LN2_LOW;
    let y = TAYLOR[0];
    for (let n = 1; n < 14; n++) y = y * r + TAYLOR[n];
    powerBits[1] = (k + 1023) << 20; // 2^k: no engine's pow is asked
    return y * power[0];
  }

  // The random numbers ----------------------------------------------------------------------------------------------
  // Words of 64 bits are four limbs of 16, the lowest first, so that every sum of their products is exact.

  const limbs = (hexadecimal) => [12, 8, 4, 0].map((place) => parseInt(hexadecimal.slice(place, place + 4), 16));
  const MULTIPLIERS = [limbs('d2e7470ee14c6c93'), limbs('ca5a826395121157')];
  const WEYL = [limbs('9e3779b97f4a7c15'), limbs('bb67ae8584caa73b')];

  function product(a, b) {
    const all = new Array(8).fill(0);
    for (let i = 0; i < 4; i++) {
      let carry = 0;
      for (let j = 0; j < 4; j++) {
        const sum = all[i + j] + a[i] * b[j] + carry;
        all[i + j] = sum % 65536;
        carry = (sum - all[i + j]) / 65536;
      }
      all[i + 4] = carry;
    }
    return [all.slice(0, 4), all.slice(4)];
  }

  function sum(a, b) {
    let carry = 0;
    return a.map((limb, i) => {
      const both = limb + b[i] + carry;
      carry = both >>> 16;
      return both & 65535;
    });
  }

  const xor = (a, b, c) => a.map((limb, i) => limb ^ b[i] ^ c[i]);

  /* Number `place` of the sequence that belongs to a seed, in (0, 1). `seed`: [low, high], 32 bits each. */
  function uniform([low, high], place) {
    const block = Math.floor(place / 4) + 1;
    const word = (lower, upper) => [lower & 65535, lower >>> 16, upper & 65535, upper >>> 16];
    const none = [0, 0, 0, 0];
    let counter = [word(block % 4294967296, Math.floor(block / 4294967296)), none, none, none];
    let key = [word(low, high), none];
    for (let round = 0; round < 10; round++) {
      if (round) key = key.map((part, i) => sum(part, WEYL[i]));
      const [low0, high0] = product(MULTIPLIERS[0], counter[0]);
      const [low1, high1] = product(MULTIPLIERS[1], counter[2]);
      counter = [xor(high1, counter[1], key[0]), low1, xor(high0, counter[3], key[1]), low0];
    }
    const [a, b, c, d] = counter[place % 4];
    const drawn = (d * twoTo(37) + c * twoTo(21) + b * twoTo(5) + (a >>> 11)) * twoTo(-53);
    return drawn * (1 - twoTo(-40)) + twoTo(-60);
  }

  // The draw --------------------------------------------------------------------------------------------------------

  /* The ids in the order of their logits, the greatest first and equal ones by id: as many as are asked for. A heap, as
     of thousands of symbols a few are wanted. */
  function ranking(logits) {
    let left = logits.length;
    const heap = Uint32Array.from(logits, (_, id) => id);
    const before = (a, b) => logits[a] > logits[b] || (logits[a] === logits[b] && a < b);
    function sink(place) {
      const id = heap[place];
      for (let child; (child = 2 * place + 1) < left; place = child) {
        if (child + 1 < left && before(heap[child + 1], heap[child])) child++;
        if (!before(heap[child], id)) break;
        heap[place] = heap[child];
      }
      heap[place] = id;
    }
    for (let place = left >> 1; place-- > 0; ) sink(place);
    return () => {
      const first = heap[0];
      heap[0] = heap[--left];
      sink(0);
      return first;
    };
  }

  /* An id. `settings`: temperature, and topK and topP, each null where there is none. */
  function draw(logits, { temperature, topK = null, topP = null }, u) {
    const V = logits.length;
    let best = 0;
    for (let id = 1; id < V; id++) if (logits[id] > logits[best]) best = id;
    if (temperature < COLDEST) return best;
    const most = logits[best];
    const weight = (id) => exponential((logits[id] - most) / temperature);
    let total = 0;
    if (topK === null) {
      const sums = new Float64Array(V);
      for (let id = 0; id < V; id++) sums[id] = total += weight(id);
      if (topP === null) {
        const wanted = u * total;
        for (let id = 0; id < V; id++) if (sums[id] >= wanted) return id;
        return V - 1;
      }
    }
    const K = topK === null ? V : Math.min(topK, V);
    const next = ranking(logits);
    const ids = [];
    const sums = [];
    const take = () => {
      ids.push(next());
      sums.push((sums.length ? sums[sums.length - 1] : 0) + weight(ids[ids.length - 1]));
    };
    if (topK !== null) {
      while (ids.length < K) take();
      total = sums[K - 1];
    }
    let J = K;
    if (topP !== null) {
      const enough = topP * total;
      for (J = 1; ; J++) {
        if (ids.length < J) take();
        if (J === K || sums[J - 1] >= enough) break;
      }
    }
    const wanted = u * sums[J - 1];
    for (let j = 0; j < J; j++) if (sums[j] >= wanted) return ids[j];
    return ids[J - 1];
  }

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

  return { open, Stream, draw, uniform, tanh, sigmoid, exponential };
})();

if (typeof module !== 'undefined') module.exports = Portable1;
