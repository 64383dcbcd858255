/* The tree as a file, out and in; and the text alone. */

import { announce, complain, tell } from './announce.js';
import { ROOT } from './tree.js';
import { counted } from './text.js';

const element = (id) => document.getElementById(id);

function saved(name, content, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function taken(desk, file) {
  if (!file) return;
  try {
    let found;
    try {
      found = JSON.parse(await file.text());
    } catch {
      throw new Error('It is not JSON.');
    }
    const count = desk.take(found);
    tell(`${file.name}: ${counted(count, 'node')} taken in beside what was here.`);
  } catch (error) {
    complain(`${file.name} was not taken in, and nothing is changed. ${error.message}`);
  }
}

/** `forget` has the browser keep nothing of the tree any more. */
export function files(desk, forget) {
  element('forget').addEventListener('click', async () => {
    desk.settle();
    const count = counted(desk.tree.nodes.size - 1, 'node');
    if (!confirm(`Forget the text and all its branches, ${count}? Export them first if they may be wanted again.`)) return;
    try {
      await forget();
      location.reload();
    } catch (error) {
      complain(error);
    }
  });
  element('export').addEventListener('click', () => {
    desk.settle();
    saved('studio.json', JSON.stringify(desk.tree.document()), 'application/json');
    announce('Exported.');
  });
  element('save').addEventListener('click', () => {
    saved('text.txt', desk.text, 'text/plain;charset=utf-8');
    announce('Saved.');
  });
  element('import').addEventListener('change', async ({ target }) => {
    await taken(desk, target.files[0]);
    target.value = '';
  });
  element('blank').addEventListener('click', () => {
    desk.go(ROOT);
    desk.sheet.focus();
    announce('An empty page. What was here is in the tree.');
  });
}
