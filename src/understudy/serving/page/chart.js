/* The loss against time: what was learned from, and what was held back. */

const NAMESPACE = 'http://www.w3.org/2000/svg';
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [220, 44, 12, 10, 28];
const MOST = 600; // points of a line

function made(name, attributes, text = '') {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

/** Round numbers between two others, a few of them. */
function ticks(low, high, about) {
  const rough = (high - low) / about || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(at);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function thinned(points) {
  if (points.length <= MOST) return points;
  const every = points.length / MOST;
  const found = [];
  for (let number = 0; number < MOST; number += 1) {
    const group = points.slice(Math.floor(number * every), Math.floor((number + 1) * every));
    found.push([group.at(-1)[0], group.reduce((sum, [, loss]) => sum + loss, 0) / group.length]);
  }
  return found;
}

/** Draw into an element. Points are [seconds, loss] each.
 *  @param total how many seconds it will take, 0 where nobody knows */
export function draw(element, learned, held, total) {
  const width = Math.max(280, element.clientWidth);
  const all = [...learned, ...held];
  if (!all.length) {
    element.replaceChildren();
    return;
  }
  const last = Math.max(...all.map(([seconds]) => seconds), total, 1);
  const inMinutes = last >= 120;
  const unit = inMinutes ? 60 : 1;
  // The first losses are of a model that knows nothing: they would press all others flat.
  const losses = all.map(([, loss]) => loss).sort((one, other) => one - other);
  const high = Math.min(losses.at(-1), losses[Math.floor(0.95 * (losses.length - 1))] * 1.25) + 0.02;
  const low = Math.max(0, losses[0] - 0.05 * (high - losses[0]) - 0.02);
  const x = (seconds) => LEFT + ((width - LEFT - RIGHT) * seconds) / last;
  const y = (loss) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (Math.min(loss, high) - low) / (high - low));
  const drawing = made('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, 'aria-hidden': 'true' });
  const across = ticks(low, high, 4);
  for (const loss of across.found) {
    drawing.append(made('line', { class: 'rule', x1: LEFT, x2: width - RIGHT, y1: y(loss), y2: y(loss) }));
    drawing.append(made('text', { x: LEFT - 6, y: y(loss) + 4, 'text-anchor': 'end' }, loss.toFixed(across.digits)));
  }
  const along = ticks(0, last / unit, width < 500 ? 4 : 8);
  for (const time of along.found) {
    drawing.append(made('text', { x: x(time * unit), y: HEIGHT - 8, 'text-anchor': 'middle' }, time.toFixed(along.digits)));
  }
  const line = (points) => thinned(points).map(([seconds, loss]) => `${x(seconds).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
  if (learned.length === 1) {
    drawing.append(made('circle', { class: 'learned', cx: x(learned[0][0]), cy: y(learned[0][1]), r: 3 }));
  }
  if (learned.length) drawing.append(made('polyline', { class: 'learned', points: line(learned) }));
  if (held.length) drawing.append(made('polyline', { class: 'held', points: line(held) }));
  for (const [seconds, loss] of held.slice(-60)) {
    drawing.append(made('circle', { class: 'held', cx: x(seconds), cy: y(loss), r: 3 }));
  }
  element.replaceChildren(drawing);
  element.dataset.unit = inMinutes ? 'minutes' : 'seconds';
}
