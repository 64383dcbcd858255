/* What the page does: it reads what is asked for, has it written (engines.js, text.js), and shows it. */

const LONGEST = 1000000;
const LARGEST_SEED = 2n ** 64n - 1n;
const LINES = 4000; // characters of a block of the text, so that no layout is of the whole of it

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
