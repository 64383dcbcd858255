(() => {
  'use strict';
  const told = JSON.parse(document.getElementById('model').textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const wide = (text) => new Uint16Array(bytes(text).buffer);
  const nats = wide(told.nats);
  const ids = wide(told.ids);
  const shares = wide(told.shares);
  const { symbols, alternatives, unknown, unpredicted, surprising } = told;
  const text = document.getElementById('text');
  const runs = [...text.querySelectorAll('[data-at]')];
  const starts = runs.map((run) => Number(run.dataset.at));
  const count = nats.length;
  let current = -1;

  /** The number of the run that holds place `at`. */
  function runOf(at) {
    let low = 0;
    let high = runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Place `at` as a range: a run's text counts in halves of characters, and places are whole ones. */
  function rangeOf(at) {
    const number = runOf(at);
    const node = runs[number].firstChild;
    const ends = [0];
    for (const character of node.data) ends.push(ends[ends.length - 1] + character.length);
    const range = document.createRange();
    range.setStart(node, ends[at - starts[number]]);
    range.setEnd(node, ends[at - starts[number] + 1]);
    return range;
  }

  const shown = (character) => {
    if (character === '\n') return 'a line’s end';
    if (character === ' ') return 'a space';
    if (character === '\t') return 'a tab';
    return character;
  };

  function percent(share) {
    if (share < 0.001) return 'under 0.1%';
    return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
  }

  function tell(range) {
    const character = range.toString();
    const panel = document.getElementById('told');
    const list = document.getElementById('likeliest');
    list.replaceChildren();
    const value = nats[current];
    if (value === unknown) {
      panel.textContent = `${shown(character)}: the model never saw it`;
      return;
    }
    if (value === unpredicted) {
      panel.textContent = `${shown(character)}: nothing stands before it`;
      return;
    }
    const surprise = value / told.scale;
    panel.textContent = `${shown(character)}: ${surprise.toFixed(2)} nats, probability ${percent(Math.exp(-surprise))}`;
    for (let place = 0; place < alternatives; place += 1) {
      const entry = document.createElement('li');
      const code = document.createElement('code');
      code.textContent = shown(symbols[ids[current * alternatives + place]]);
      entry.append(code, ` ${percent(shares[current * alternatives + place] / 65535)}`);
      list.append(entry);
    }
  }

  function show(at, scroll) {
    if (at < 0 || at >= count || at === current) return;
    current = at;
    const range = rangeOf(at);
    if (globalThis.Highlight && CSS.highlights) CSS.highlights.set('current', new Highlight(range));
    else getSelection().setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
    tell(range);
    if (scroll) {
      const box = range.getBoundingClientRect();
      const room = innerHeight - document.getElementById('panel').offsetHeight;
      if (box.top < 0 || box.bottom > room) scrollBy({ top: box.top - room / 2 });
    }
  }

  /** The place that lies at a point of the window, -1 for none. */
  function placeAt(x, y) {
    const position = document.caretPositionFromPoint?.(x, y);
    const range = position ? null : document.caretRangeFromPoint?.(x, y);
    const node = position ? position.offsetNode : range?.startContainer;
    const run = node?.parentElement;
    if (!run?.dataset?.at) return -1;
    const number = runOf(Number(run.dataset.at));
    const end = number + 1 < runs.length ? starts[number + 1] : count;
    for (let at = starts[number]; at < end; at += 1) {
      for (const box of rangeOf(at).getClientRects()) {
        if (x >= box.left && x < box.right && y >= box.top && y < box.bottom) return at;
      }
    }
    return -1;
  }

  function surprise(step) {
    for (let at = current + step; at >= 0 && at < count; at += step) {
      if (nats[at] >= surprising && nats[at] !== unpredicted) {
        show(at, true);
        return;
      }
    }
  }

  let waiting = null;
  function point(event) {
    if (waiting === null) {
      requestAnimationFrame(() => {
        show(placeAt(waiting.x, waiting.y), false);
        waiting = null;
      });
    }
    waiting = { x: event.clientX, y: event.clientY };
  }
  text.addEventListener('pointermove', point);
  text.addEventListener('click', point);
  text.addEventListener('focus', () => { if (current < 0) show(0, false); });
  text.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      ArrowRight: () => show(current + 1, true),
      ArrowLeft: () => show(current - 1, true),
      n: () => surprise(1),
      p: () => surprise(-1),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.getElementById('next').addEventListener('click', () => surprise(1));
  document.getElementById('previous').addEventListener('click', () => surprise(-1));
})();
