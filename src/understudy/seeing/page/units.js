(() => {
  'use strict';
  const told = JSON.parse(document.getElementById('model').textContent);
  const levels = Int8Array.from(atob(told.levels), (letter) => letter.charCodeAt(0));
  const { units, layers, count } = told;
  const text = document.getElementById('text');
  const layer = document.getElementById('layer');
  const unit = document.getElementById('unit');
  const bounds = [0.1, 0.35, 0.65];

  const content = text.textContent;
  const places = [];
  text.replaceChildren();
  for (const character of content) {
    const span = document.createElement('span');
    span.textContent = character;
    places.push(span);
  }
  text.append(...places);

  function look(value) {
    let level = 0;
    for (const bound of bounds) level += Math.abs(value) >= bound;
    return level ? (value > 0 ? 'p' : 'm') + level : '';
  }

  function show() {
    const which = (Number(layer.value) - 1) * units + Number(unit.value);
    const first = which * count;
    let sum = 0;
    for (let at = 0; at < count; at += 1) {
      const value = levels[first + at] / 127;
      const name = look(value);
      if (places[at].className !== name) places[at].className = name;
      sum += value;
    }
    document.getElementById('told').textContent =
      `Unit ${unit.value} of layer ${layer.value}: ${(sum / count).toFixed(2)} in the mean.`;
  }

  function go(which) {
    const all = layers * units;
    const wrapped = (which + all) % all;
    layer.value = Math.floor(wrapped / units) + 1;
    unit.value = wrapped % units;
    show();
  }

  const current = () => (Number(layer.value) - 1) * units + Number(unit.value);
  document.getElementById('next').addEventListener('click', () => go(current() + 1));
  document.getElementById('previous').addEventListener('click', () => go(current() - 1));
  for (const field of [layer, unit]) {
    field.addEventListener('input', () => {
      if (field.value !== '' && field.checkValidity() && Number.isInteger(Number(field.value))) show();
    });
  }
  for (const button of document.querySelectorAll('[data-unit]')) {
    button.addEventListener('click', () => {
      go(Number(button.dataset.unit));
      text.scrollIntoView({ block: 'nearest' });
    });
  }
  text.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(current() + step);
  });
  go(told.first);
})();
