/* How it is to write: what the fields say, kept for the next time. */

const KEPT = 'understudy-studio-settings';
const FIELDS = ['temperature', 'top-p', 'seed', 'length'];
const element = (id) => document.getElementById(id);
const LARGEST_SEED = 2 ** 32 - 1;

function bounded(id) {
  const field = element(id);
  const [low, high] = [Number(field.min), Number(field.max)];
  const value = Number(field.value);
  const fine = field.value.trim() !== '' && Number.isFinite(value) && value >= low && value <= high;
  field.toggleAttribute('aria-invalid', false);
  if (fine) return id === 'seed' || id === 'length' ? Math.round(value) : value;
  field.setAttribute('aria-invalid', 'true');
  return Number(field.defaultValue);
}

/** The settings, as a request has them. */
export function settings() {
  return {
    model: element('model').value,
    temperature: bounded('temperature'),
    top_p: bounded('top-p'),
    seed: bounded('seed'),
    max_tokens: bounded('length'),
  };
}

export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1e6;

export function setSeed(seed) {
  element('seed').value = String(Math.min(seed, LARGEST_SEED));
  keep();
}

/** Show how a node was written. */
export function showSettings(found) {
  element('temperature').value = String(found.temperature);
  element('top-p').value = String(found.top_p);
  element('seed').value = String(found.seed);
  show();
}

function show() {
  element('temperature-told').value = Number(element('temperature').value).toFixed(2);
  element('top-p-told').value = Number(element('top-p').value).toFixed(2);
}

function keep() {
  show();
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(FIELDS.map((id) => [id, element(id).value]))));
  } catch { /* a browser that keeps nothing */ }
}

/** Fill the fields in as they were; `changed` is called when the hand moves one that a drawing depends on. */
export function listen(changed) {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEPT) ?? '{}');
  } catch { /* the same */ }
  for (const id of FIELDS) {
    if (typeof kept[id] === 'string') element(id).value = kept[id];
    element(id).addEventListener('input', () => {
      keep();
      if (id !== 'length') changed();
    });
  }
  if (!kept.seed) setSeed(newSeed());
  element('another').addEventListener('click', () => {
    setSeed(newSeed());
    changed();
  });
  show();
}
