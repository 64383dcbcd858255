/* The arithmetic of Portable 1 in JavaScript (docs/portable.md): its functions, its random numbers and its draw.

   A float32 operation is one in float64 whose result Math.fround rounds again: for sums, products and quotients of
   float32 numbers the two roundings give what one would, since 53 bits are more than twice 24 and two. No function of
   Math that engines round as they please (exp, pow) is used. */

const Arithmetic1 = (() => {
  'use strict';

  const fround = Math.fround;
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

  return { draw, uniform, tanh, sigmoid, exponential, WHOLE };
})();

if (typeof module !== 'undefined') module.exports = Arithmetic1;
