/* A text and everything it ever was: each edit and each generation is a node that knows its parent and its change.

   Nothing is ever taken out of it, so undoing and choosing again lose no branch. Places count halves of characters. */

export const ROOT = 'root';
const KINDS = ['edit', 'generation'];
const FORM = 1;
const BURST = 1200; // milliseconds between keys that are one edit

const fits = (text, { at, cut }) => text.startsWith(cut, at);
const done = (text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut.length);
const undone = (text, { at, cut, put }) => text.slice(0, at) + cut + text.slice(at + put.length);
const newName = () => Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');

export class Tree {
  constructor() {
    this.nodes = new Map([[ROOT, { id: ROOT, parent: null, at: 0, cut: '', put: '', kind: 'edit', time: 0 }]]);
    this.children = new Map([[ROOT, []]]);
    this.visited = new Map(); // node -> the child that was last gone to
    this.current = ROOT;
    this.text = '';
    this.open = false; // whether the next key may join the current edit
  }

  get node() {
    return this.nodes.get(this.current);
  }

  /** Take in a node whose parent is there. */
  take(node) {
    this.nodes.set(node.id, node);
    this.children.set(node.id, []);
    this.children.get(node.parent).push(node.id);
  }

  /** Go on from the current node by a change; the node that holds it. Keys that follow each other are one edit. */
  add(change, kind = 'edit', settings = null, now = Date.now()) {
    const joined = kind === 'edit' && this.open && this.join(change, now);
    if (!joined) {
      const id = newName();
      this.take({ id, parent: this.current, ...change, kind, time: now, ...(settings ? { settings } : {}) });
      this.visited.set(this.current, id);
      this.current = id;
    }
    this.text = done(this.text, change);
    this.open = kind === 'edit';
    return this.node;
  }

  join(change, now) {
    const { node } = this;
    if (node.kind !== 'edit' || node.id === ROOT || this.children.get(node.id).length) return false;
    if (now - node.time > BURST || node.put.length > 400 || /\n$/.test(node.put)) return false;
    if (!change.cut && !node.cut && change.at === node.at + node.put.length) node.put += change.put;
    else if (!change.put && !node.put && change.at + change.cut.length === node.at) {
      node.cut = change.cut + node.cut;
      node.at = change.at;
    } else return false;
    node.time = now;
    return true;
  }

  /** What comes next is an edit of its own. */
  close() {
    this.open = false;
  }

  /** The names of the nodes from the root to one. */
  path(id = this.current) {
    const found = [];
    for (let at = id; at !== null; at = this.nodes.get(at).parent) found.push(at);
    return found.reverse();
  }

  /** Go to any node; where in the text it differs. */
  go(id) {
    const [from, to] = [this.path(), this.path(id)];
    let shared = 0;
    while (shared < from.length && from[shared] === to[shared]) shared += 1;
    let place = null;
    for (const name of from.slice(shared).reverse()) {
      const node = this.nodes.get(name);
      this.text = undone(this.text, node);
      place = node.at + node.cut.length;
    }
    for (const name of to.slice(shared)) {
      const node = this.nodes.get(name);
      this.text = done(this.text, node);
      place = node.at + node.put.length;
    }
    to.slice(1).forEach((name) => this.visited.set(this.nodes.get(name).parent, name));
    this.current = id;
    this.close();
    return place ?? this.text.length;
  }

  get undo() {
    return this.node.parent;
  }

  /** The child that was last gone to, else the newest. */
  get redo() {
    return this.visited.get(this.current) ?? this.children.get(this.current).at(-1) ?? null;
  }

  /** A node beside the current one, of the same parent and settings, if there is one. */
  twin(settings) {
    const wanted = JSON.stringify(settings);
    const brothers = this.children.get(this.node.parent) ?? [];
    return brothers.find((name) => JSON.stringify(this.nodes.get(name).settings) === wanted) ?? null;
  }

  document() {
    const nodes = [...this.nodes.values()].filter((node) => node.id !== ROOT);
    return { understudy: 'studio', format: FORM, current: this.current, nodes };
  }

  /** Take in the nodes of another tree beside what is there; how many were new. Nothing is changed if it is none. */
  merge(found, strictly = true) {
    const checked = validated(found, strictly);
    let count = 0;
    for (const node of checked.inOrder) {
      const known = this.nodes.get(node.id);
      if (known && sameChange(known, node)) continue;
      if (known) throw new Error('A part of it has the name of another one here, and differs; nothing was taken.');
    }
    for (const node of checked.inOrder) {
      if (this.nodes.has(node.id)) continue;
      this.take(node);
      count += 1;
    }
    return { count, current: checked.current };
  }
}

const sameChange = (one, other) => one.parent === other.parent && one.at === other.at && one.cut === other.cut
  && one.put === other.put;

function plainNode(node) {
  const words = (value, most) => typeof value === 'string' && value.length <= most;
  const fine = node !== null && typeof node === 'object' && words(node.id, 64) && node.id !== ROOT && node.id
    && words(node.parent, 64) && words(node.cut, 1e8) && words(node.put, 1e8) && KINDS.includes(node.kind)
    && Number.isSafeInteger(node.at) && node.at >= 0 && Number.isFinite(node.time);
  if (!fine) throw new Error('A part of it is not as the studio writes it.');
  const { id, parent, at, cut, put, kind, time } = node;
  const settings = node.settings && typeof node.settings === 'object' ? plainSettings(node.settings) : null;
  return { id, parent, at, cut, put, kind, time, ...(settings ? { settings } : {}) };
}

function plainSettings(given) {
  const numbers = ['temperature', 'top_p', 'seed', 'max_tokens'].map((name) => [name, Number(given[name])]);
  if (numbers.some(([, value]) => !Number.isFinite(value))) throw new Error('Settings in it are no numbers.');
  const first = typeof given.first === 'string' && given.first ? { first: given.first.slice(0, 2) } : {};
  return { model: String(given.model).slice(0, 300), ...Object.fromEntries(numbers), ...first };
}

/** The nodes of a document, each after its parent, every change held against the text that it changes. What does not
    fit is refused, or, where that is not to be strict, left out with all that hangs on it. */
export function validated(found, strictly = true) {
  if (found?.understudy !== 'studio' || !Array.isArray(found.nodes)) throw new Error('It is no tree of the studio.');
  if (found.format !== FORM) throw new Error(`It is written in format ${String(found.format).slice(0, 20)}.`);
  const below = new Map();
  const names = new Set([ROOT]);
  for (const given of found.nodes) {
    let node;
    try {
      node = plainNode(given);
    } catch (error) {
      if (strictly) throw error;
      continue;
    }
    if (names.has(node.id)) throw new Error('Two parts of it have one name.');
    names.add(node.id);
    if (!below.has(node.parent)) below.set(node.parent, []);
    below.get(node.parent).push(node);
  }
  const inOrder = [];
  let text = '';
  const steps = [{ enter: below.get(ROOT) ?? [], at: 0, leave: null }];
  while (steps.length) { // by hand: a tree may be deeper than the stack
    const step = steps.at(-1);
    if (step.at < step.enter.length) {
      const node = step.enter[step.at];
      step.at += 1;
      if (!fits(text, node)) {
        if (strictly) throw new Error('A change in it does not fit its text.');
        continue;
      }
      text = done(text, node);
      inOrder.push(node);
      steps.push({ enter: below.get(node.id) ?? [], at: 0, leave: node });
    } else {
      if (step.leave) text = undone(text, step.leave);
      steps.pop();
    }
  }
  if (strictly && inOrder.length !== found.nodes.length) throw new Error('A part of it hangs on nothing.');
  return { inOrder, current: inOrder.some((node) => node.id === found.current) ? found.current : ROOT };
}
