/* Texts: a browser counts halves of characters, the server whole ones; and how signs are named and compared. */

const HALVES = /[\ud800-\udfff]/;

/** How many characters there are in the first `end` halves. */
export function characters(text, end = text.length) {
  if (!HALVES.test(text)) return end;
  let count = 0;
  for (let at = 0; at < end; count += 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return count;
}

/** Where each character of a text begins, and where the last one ends; null where each is one half. */
export function places(text) {
  if (!HALVES.test(text)) return null;
  const found = [];
  for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) found.push(at);
  found.push(text.length);
  return Uint32Array.from(found);
}

/** The end of a text, no longer than `most`. It begins at a place that stays the same for a long while as the text
    grows, so that a server which remembers what it has read need not read it again; with a whole character. */
export function ending(text, most) {
  if (text.length <= most) return text;
  const step = most / 2;
  const cut = text.slice(Math.ceil((text.length - most) / step) * step);
  return /^[\udc00-\udfff]/.test(cut) ? cut.slice(1) : cut;
}

/** The character that begins at a place. */
export function characterAt(text, at) {
  return at < text.length ? String.fromCodePoint(text.codePointAt(at)) : '';
}

/** Where the character before a place begins. */
export function before(text, at) {
  return at >= 2 && text.codePointAt(at - 2) > 0xffff ? at - 2 : Math.max(0, at - 1);
}

const PART = 2048; // characters that are compared at a time, where much is alike

/** What makes the text `now` of `old`: at a place something is cut, and something put. Null where they are equal. */
export function change(old, now) {
  if (old === now) return null;
  const most = Math.min(old.length, now.length);
  const [was, is] = [old.length, now.length];
  let at = 0;
  while (at + PART < most && old.slice(at, at + PART) === now.slice(at, at + PART)) at += PART;
  while (at < most && old.charCodeAt(at) === now.charCodeAt(at)) at += 1;
  let end = 0;
  const alike = () => old.slice(was - end - PART, was - end) === now.slice(is - end - PART, is - end);
  while (end + PART < most - at && alike()) end += PART;
  while (end < most - at && old.charCodeAt(old.length - 1 - end) === now.charCodeAt(now.length - 1 - end)) end += 1;
  return { at, cut: old.slice(at, old.length - end), put: now.slice(at, now.length - end) };
}

const NAMES = { '\n': 'a line’s end', ' ': 'a space', '\t': 'a tab', '\r': 'a carriage return', '\u00a0': 'a hard space' };

/** A character in words, where it cannot be seen. */
export function named(sign) {
  if (NAMES[sign]) return NAMES[sign];
  const unseen = /[\p{C}\p{Z}\p{M}]/u.test(sign);
  return unseen ? `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}` : sign;
}

/** Some of a text in one short line. */
export function short(text, most) {
  const one = text.replace(/\s+/g, ' ').trim();
  const signs = Array.from(one);
  return signs.length <= most ? one : `${signs.slice(0, most - 1).join('')}…`;
}

export function percent(share) {
  if (share < 0.001) return '<0.1%';
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
}

export const counted = (number, thing) => `${number.toLocaleString('en')} ${thing}${number === 1 ? '' : 's'}`;

/** A time as people say it. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${minutes < 10 ? ` ${Math.round(seconds % 60)} s` : ''}`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
