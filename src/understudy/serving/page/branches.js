/* The tree of branches as one sees it: where texts part and where they end, and everything that was written. */

import { ROOT } from './tree.js';
import { short } from './text.js';

const MOST = 400;
const DEEPEST = 8;
const element = (id) => document.getElementById(id);

export class Branches {
  constructor(desk) {
    [this.desk, this.tree] = [desk, desk.tree];
    this.list = element('branches');
    this.waiting = false;
    desk.addEventListener('tree', () => this.soon());
    element('branches-part').addEventListener('toggle', () => this.soon());
    this.list.addEventListener('keydown', (event) => this.key(event));
    this.list.addEventListener('click', ({ target }) => {
      const item = target.closest('[role="treeitem"]');
      if (item) this.go(item.dataset.node);
    });
    this.soon();
  }

  soon() {
    if (this.waiting) return;
    this.waiting = true;
    setTimeout(() => {
      this.waiting = false;
      if (element('branches-part').open) this.show();
    }, 200);
  }

  /** Nodes that are worth a line: where it begins, parts and ends, what a model wrote, and where one is. */
  told(id) {
    const { nodes, children, current } = this.tree;
    const node = nodes.get(id);
    if (id === ROOT || id === current || node.kind === 'generation') return true;
    const below = children.get(id).length;
    return below !== 1 || children.get(node.parent).length > 1;
  }

  rows() {
    const rows = [];
    const steps = [{ id: ROOT, level: 1 }];
    while (steps.length) {
      const { id, level } = steps.pop();
      if (this.told(id)) rows.push({ id, level });
      const below = this.tree.children.get(id);
      const deeper = below.length > 1 ? level + 1 : level;
      for (const child of below.toReversed()) steps.push({ id: child, level: deeper });
    }
    if (rows.length <= MOST) return [rows, 0];
    const path = new Set(this.tree.path());
    const kept = rows.filter(({ id }, number) => path.has(id) || number >= rows.length - MOST);
    return [kept, rows.length - kept.length];
  }

  show() {
    const path = new Set(this.tree.path());
    const held = this.list.contains(document.activeElement);
    const [rows, left] = this.rows();
    this.list.replaceChildren(...rows.map(({ id, level }) => this.row(id, level, path)));
    element('branches-left').textContent = left ? `${left} more are not shown; an export has them all.` : '';
    const current = this.list.querySelector('[aria-current]');
    if (held) current?.focus();
    if (current) this.list.scrollTop = current.offsetTop - this.list.clientHeight / 2;
  }

  row(id, level, path) {
    const node = this.tree.nodes.get(id);
    const item = document.createElement('li');
    item.setAttribute('role', 'treeitem');
    item.setAttribute('aria-level', String(level));
    item.dataset.node = id;
    item.style.paddingInlineStart = `${0.5 + 0.75 * Math.min(level - 1, DEEPEST)}rem`;
    item.tabIndex = id === this.tree.current ? 0 : -1;
    item.setAttribute('aria-selected', String(id === this.tree.current));
    if (id === this.tree.current) item.setAttribute('aria-current', 'true');
    if (path.has(id)) item.classList.add('path');
    if (node.kind === 'generation') item.classList.add('generation');
    const what = document.createElement('span');
    what.textContent = whatIs(node);
    item.append(what);
    const how = howWritten(node);
    if (how) {
      const told = document.createElement('small');
      told.textContent = how;
      item.append(told);
    }
    return item;
  }

  go(id) {
    this.desk.go(id);
    this.show();
  }

  key(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const items = [...this.list.children];
    const at = items.indexOf(item);
    const level = (one) => Number(one.getAttribute('aria-level'));
    const goals = {
      ArrowDown: () => items[at + 1],
      ArrowUp: () => items[at - 1],
      ArrowLeft: () => items.slice(0, at).findLast((one) => level(one) < level(item)),
      ArrowRight: () => (items[at + 1] && level(items[at + 1]) > level(item) ? items[at + 1] : null),
      Home: () => items[0],
      End: () => items.at(-1),
    };
    if (event.key === 'Enter' || event.key === ' ') this.go(item.dataset.node);
    else if (goals[event.key]) {
      const goal = goals[event.key]();
      if (goal) {
        item.tabIndex = -1;
        goal.tabIndex = 0;
        goal.focus();
      }
    } else return;
    event.preventDefault();
  }
}

function whatIs(node) {
  if (node.id === ROOT) return 'The empty page';
  const text = short(node.put, 40);
  if (text) return `“${text}”`;
  if (node.put) return 'White space';
  const count = Array.from(node.cut).length;
  return `${count} character${count === 1 ? '' : 's'} taken out`;
}

function howWritten({ kind, settings }) {
  if (kind !== 'generation') return '';
  if (!settings) return 'written';
  return `written, T ${settings.temperature}, P ${settings.top_p}, seed ${settings.seed}`;
}
