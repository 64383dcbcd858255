/* The text that is worked on: the sheet shows it, the tree knows all that it was, the browser keeps that. */

import { ROOT } from './tree.js';

const clean = (text) => text.replaceAll('\r', ''); // a text field has no such thing

export class Desk extends EventTarget {
  /** Events: `text` (detail: the change, null for what cannot be told), `tree`. */
  constructor(sheet, tree, save) {
    super();
    [this.sheet, this.tree, this.save] = [sheet, tree, save];
    this.draft = null; // what is being written and is in no node yet
    sheet.addEventListener('typed', ({ detail }) => this.typed(detail));
    sheet.addEventListener('undo', () => this.undo());
    sheet.addEventListener('redo', () => this.redo());
  }

  get text() {
    return this.sheet.text;
  }

  say(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  typed(change) {
    this.settle();
    this.kept(this.tree.add(change));
    this.say('text', { change, typed: true });
  }

  kept(...nodes) {
    this.save(nodes.filter((node) => node.id !== ROOT), this.tree.current);
    this.say('tree');
  }

  /** Change the text, as one node of its own. */
  put(change, kind, settings) {
    this.settle();
    this.tree.close();
    this.sheet.apply(change);
    this.sheet.select(change.at + change.put.length);
    this.kept(this.tree.add(change, kind, settings));
    this.tree.close();
    this.say('text', { change });
  }

  /** Begin to write at a place, in the place of what is cut; `former` is the node that it is to stand beside. */
  begin(at, cut, settings, former = null) {
    const broken = former && this.draft?.former === former ? this.abandon() : null;
    this.settle();
    if (former) this.tree.go(former.parent);
    this.tree.close();
    this.draft = { at, cut, put: '', shown: broken?.shown ?? former?.put ?? cut, settings, former, whole: false };
  }

  /** What is written so far. */
  draw(text) {
    const { draft } = this;
    draft.put = clean(text);
    const grows = draft.put.startsWith(draft.shown) && draft.shown;
    const change = grows
      ? { at: draft.at + draft.shown.length, cut: '', put: draft.put.slice(draft.shown.length) }
      : { at: draft.at, cut: draft.shown, put: draft.put };
    if (change.put || change.cut) this.sheet.apply(change);
    draft.shown = draft.put;
    this.sheet.select(draft.at + draft.put.length);
    this.sheet.reveal(draft.at + draft.put.length);
    this.say('text', { change });
  }

  /** What is being written becomes a node, as far as it came; or is given up where nothing came. */
  settle() {
    const { draft } = this;
    if (!draft) return;
    this.draft = null;
    this.say('settled');
    if (!draft.put) {
      if (draft.former) this.tree.go(draft.former.id);
      return;
    }
    const { at, cut, put, settings } = draft;
    const written = { ...settings, max_tokens: Array.from(put).length - (settings.first ? 1 : 0) };
    this.kept(this.tree.add({ at, cut, put }, 'generation', draft.whole ? settings : written));
    this.tree.close();
  }

  /** Let go of what is being written; the sheet still shows it. */
  abandon() {
    const { draft } = this;
    if (!draft) return null;
    this.draft = null;
    if (draft.former) this.tree.go(draft.former.id);
    return draft;
  }

  /** Go to a node. */
  go(id) {
    this.settle();
    const place = this.tree.go(id);
    const change = this.sheet.replace(this.tree.text, place);
    this.sheet.reveal(place);
    this.kept();
    this.say('text', { change });
  }

  undo() {
    this.settle();
    const { undo } = this.tree;
    if (undo !== null) this.go(undo);
    return undo !== null;
  }

  redo() {
    this.settle();
    const { redo } = this.tree;
    if (redo !== null) this.go(redo);
    return redo !== null;
  }

  /** Show what was kept; how many of its nodes fit. */
  load(found) {
    const { count, current } = this.tree.merge(found, false);
    const place = this.tree.go(current);
    this.sheet.replace(this.tree.text, place);
    this.say('tree');
    return count;
  }

  /** Take in a tree; how many of its nodes were new. */
  take(found) {
    this.settle();
    const { count, current } = this.tree.merge(found);
    this.kept(...found.nodes.map(({ id }) => this.tree.nodes.get(id)).filter(Boolean));
    this.go(current);
    return count;
  }
}
