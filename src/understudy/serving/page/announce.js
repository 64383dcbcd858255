/* What is said: to those who see it, in one line below, and to those who hear it, without taking the focus. */

const politely = document.getElementById('said');
const line = document.getElementById('line');
let clearing = 0;

/** Say something to a screen reader alone. */
export function announce(text) {
  politely.textContent = politely.textContent === text ? `${text}\u00a0` : text; // else it would not be read again
}

/** Say something that everyone should know; it goes again by itself. */
export function tell(text) {
  show(text, false);
}

/** Say what went wrong; it stays until something else is said. */
export function complain(error) {
  show(typeof error === 'string' ? error : error.message, true);
}

export function hush() {
  show('', false);
}

function show(text, trouble) {
  clearTimeout(clearing);
  line.className = trouble ? 'trouble' : '';
  line.setAttribute('role', trouble ? 'alert' : 'status');
  line.textContent = text;
  line.hidden = !text;
  if (text && !trouble) clearing = setTimeout(hush, 6000);
}
