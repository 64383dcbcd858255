/* The page: its three places, its model, and what belongs to all of them. */

import { get } from './api.js';
import { Alternatives } from './alternatives.js';
import { announce, complain, tell } from './announce.js';
import { Branches } from './branches.js';
import { Copies } from './copies.js';
import { Desk } from './desk.js';
import { files } from './files.js';
import { Ghost } from './ghost.js';
import { Learn } from './learn.js';
import { See } from './see.js';
import { Sheet } from './sheet.js';
import { store } from './store.js';
import { Sweep } from './sweep.js';
import { Tree } from './tree.js';
import { Writer } from './write.js';

const PLACES = { learn: 'Learn', write: 'Write', see: 'See' };
const WRITES = 'Write, and pause: what might come next appears in grey.';
const SEES = 'Write or paste a text: it is coloured by how much each character surprises the model.';
const KEPT = 'understudy-studio-model';
const element = (id) => document.getElementById(id);

/** Fill in the models that the server has; the one that was chosen last, or the newest. */
async function models() {
  const { data } = await get('/v1/models');
  const chooser = element('model');
  const before = chooser.value || localStorage.getItem(KEPT);
  const shown = [...chooser.options].map(({ value }) => value).join('\n');
  if (shown === data.map(({ id }) => id).join('\n')) return;
  chooser.replaceChildren(...data.map(({ id, cell, units }) => {
    const option = document.createElement('option');
    option.value = id;
    option.textContent = cell ? `${id} (${cell.toUpperCase()} ${units})` : id;
    return option;
  }));
  if (data.some(({ id }) => id === before)) chooser.value = before;
  chooser.disabled = !data.length;
  if (!data.length) complain('The server has no model yet. Learn a text first.');
}

/** Let a run's model write from now on. */
async function writeWith(name) {
  await models();
  const chooser = element('model');
  if (![...chooser.options].some(({ value }) => value === name)) {
    complain(`${name} is not among the models of this server; start it with that run.`);
    return;
  }
  chooser.value = name;
  chooser.dispatchEvent(new Event('change', { bubbles: true }));
  location.hash = '#write';
}

async function begin() {
  const { found, save, forget } = await store(complain);
  const desk = new Desk(new Sheet(element('paper')), new Tree(), save);
  if (found.nodes.length) {
    const count = desk.load({ understudy: 'studio', format: 1, ...found });
    if (count < found.nodes.length) complain('Some of what the browser kept does not fit together, and is not shown.');
  }
  const writer = new Writer(desk);
  const learn = new Learn((name) => writeWith(name).catch(complain));
  const see = new See(desk);
  const [ghost, alternatives] = [
    new Ghost(desk, complain), new Alternatives(desk, (at, sign) => writer.branch(at, sign)),
  ];
  for (const Part of [Branches, Copies]) new Part(desk);
  new Sweep(desk, writer);
  files(desk, forget);

  let place = null;
  function enter() {
    const wanted = location.hash.slice(1);
    const next = wanted in PLACES ? wanted : 'write';
    if (next === place || (place && !(wanted in PLACES))) return; // a link to something in this place
    const first = place === null;
    if (place === 'learn') learn.leave();
    ghost.dismiss();
    place = next;
    document.body.dataset.place = place;
    for (const link of document.querySelectorAll('nav a')) {
      if (link.hash === `#${place}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `${PLACES[place]} – Understudy studio`;
    element('learn').hidden = place !== 'learn';
    element('desk').hidden = place === 'learn';
    element('desk-title').textContent = PLACES[place];
    element('words').placeholder = place === 'see' ? SEES : WRITES;
    for (const part of document.querySelectorAll('[data-in]')) part.hidden = part.dataset.in !== place;
    if (place === 'learn') learn.enter();
    if (place === 'see') see.enter();
    else see.leave();
    if (place === 'write') alternatives.clear();
    if (!first) announce(PLACES[place]);
    models().catch(complain);
  }
  addEventListener('hashchange', enter);
  element('model').addEventListener('change', ({ target }) => {
    localStorage.setItem(KEPT, target.value);
    ghost.dismiss();
    tell(`${target.value} writes now.`);
  });
  enter();
  document.body.dataset.ready = 'yes';
}

begin().catch(complain);
