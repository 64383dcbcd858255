/* The studio's tree in Node: whatever is done, every node gives the text that it stood for, and so does a copy. */

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const page = pathToFileURL(`${process.argv[2]}/`);
const { ROOT, Tree, validated } = await import(new URL('tree.js', page));
const { change, characters, ending, places } = await import(new URL('text.js', page));

let state = Number(process.argv[3]);
function under(bound) {
  state = (state * 1103515245 + 12345) % 2147483648;
  return Math.floor((state / 2147483648) * bound);
}

const tree = new Tree();
const texts = new Map([[ROOT, '']]);
let now = 0;

function grow() {
  const at = under(tree.text.length + 1);
  const cut = tree.text.slice(at, at + under(3));
  const put = 'abc\n🎭'.slice(0, under(6));
  if (!cut && !put) return;
  const kind = under(4) ? 'edit' : 'generation';
  const settings = { model: 'm', temperature: 0.5, top_p: 1, seed: now, max_tokens: 3 };
  tree.add({ at, cut, put }, kind, kind === 'generation' ? settings : null, now);
  texts.set(tree.current, tree.text);
}

function go(id) {
  if (id === null) return;
  tree.go(id);
  assert.equal(tree.text, texts.get(id));
}

for (let turn = 0; turn < 2000; turn += 1) {
  now += under(2000);
  const what = under(10);
  if (what < 6) grow();
  else if (what < 8) go(tree.undo);
  else if (what < 9) go(tree.redo);
  else go([...texts.keys()][under(texts.size)]);
}
assert.equal(tree.nodes.size, texts.size, 'nothing is lost');

const kept = JSON.parse(JSON.stringify(tree.document()));
kept.nodes.reverse(); // in any order
const copy = new Tree();
assert.equal(copy.merge(kept).count, texts.size - 1);
assert.equal(copy.merge(kept).count, 0, 'what is there is not taken twice');
for (const [id, text] of texts) {
  copy.go(id);
  assert.equal(copy.text, text);
}

const wrong = [
  (document) => { document.understudy = 'a model'; },
  (document) => { document.format = 2; },
  (document) => { document.nodes = 'none'; },
  (document) => { document.nodes[3].at = -1; },
  (document) => { document.nodes[3].cut = 'what is not there'; },
  (document) => { document.nodes[3].id = document.nodes[4].id; },
  (document) => { document.nodes[3].parent = 'nobody'; },
  (document) => { document.nodes[3].parent = document.nodes[3].id; },
  (document) => { document.nodes[3].kind = 'other'; },
  (document) => { document.nodes.find(({ settings }) => settings).settings.seed = 'x'; },
  (document) => { document.nodes[3] = null; },
];
for (const bend of wrong) {
  const bent = structuredClone(kept);
  bend(bent);
  const empty = new Tree();
  assert.throws(() => empty.merge(bent), /\.$/, bend.toString());
  assert.equal(empty.nodes.size, 1, 'nothing of it is taken');
  if (Array.isArray(bent.nodes) && bent.understudy === 'studio' && bent.format === 1 && !/'id'|\.id =/.test(bend)) {
    assert.ok(validated(bent, false).inOrder.length < kept.nodes.length, 'what fits is kept where that is wished');
  }
}

const one = 'a🎭b\n漢';
assert.equal(characters(one), 5);
assert.deepEqual([...places(one)], [0, 1, 3, 4, 5, 6]);
assert.equal(places('plain'), null);
assert.deepEqual(change('aXb', 'aYYb'), { at: 1, cut: 'X', put: 'YY' });
assert.deepEqual(change('aa', 'aaa'), { at: 2, cut: '', put: 'a' });
assert.equal(change('same', 'same'), null);
const starts = new Set();
for (let length = 100; length < 200; length += 1) {
  const text = Array.from({ length }, (_, at) => String.fromCharCode(65 + (at % 26))).join('');
  const end = ending(text, 40);
  assert.ok(text.endsWith(end) && end.length <= 40 && end.length >= 20);
  starts.add(length - end.length);
}
assert.ok(starts.size <= 6, 'it begins at the same place for long');
