/* What the page asks of its server, and how answers come in: whole, as events, or line by line. */

const KEY = 'understudy-key';
let asking = null; // the dialogue for the key, while it is open
let refused = false; // whether it was sent away: it does not come again by itself

export class Trouble extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Whether an error is only that a request was called back. */
export const calledBack = (error) => error.name === 'AbortError';

/** Opens the dialogue for the server's key once, however many requests wait for it. */
function keyAsked(again) {
  if (refused) return Promise.reject(new Trouble('The server asks for its key. Load the page again to give it.', 401));
  asking ??= new Promise((done, refuse) => {
    const dialogue = document.getElementById('key');
    const field = document.getElementById('key-field');
    field.value = '';
    document.getElementById('key-told').textContent = again ? 'The server does not know that key.' : '';
    dialogue.returnValue = '';
    dialogue.addEventListener('close', () => {
      asking = null;
      if (dialogue.returnValue !== 'use' || !field.value) {
        refused = true;
        refuse(new Trouble('The server asks for its key. Load the page again to give it.', 401));
        return;
      }
      sessionStorage.setItem(KEY, field.value);
      done();
    }, { once: true });
    dialogue.showModal();
  });
  return asking;
}

async function answered(path, options) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    let answer;
    try {
      answer = await fetch(path, { ...options, headers });
    } catch (error) {
      if (calledBack(error)) throw error;
      throw new Trouble('The server does not answer. Is understudy serve still running?', 0);
    }
    if (answer.ok) return answer;
    if (answer.status !== 401) throw await troubleOf(answer);
    sessionStorage.removeItem(KEY);
    await keyAsked(Boolean(key));
  }
}

async function troubleOf(answer) {
  let message = '';
  try {
    message = (await answer.json()).error.message;
  } catch {
    message = `The server answered ${answer.status} ${answer.statusText}`;
  }
  return new Trouble(message, answer.status);
}

function posted(document, signal) {
  return {
    method: 'POST', body: JSON.stringify(document), headers: { 'Content-Type': 'application/json' }, signal,
  };
}

export const get = async (path, signal) => (await answered(path, { signal })).json();
export const post = async (path, document, signal) => (await answered(path, posted(document, signal))).json();

/** The lines of an answer, as they come. */
async function* lines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    rest += value;
    const whole = rest.split('\n');
    rest = whole.pop();
    yield* whole;
  }
  if (rest) yield rest;
}

/** JSON, a document a line. */
export async function* documents(path, document, signal) {
  for await (const line of lines(await answered(path, posted(document, signal)))) {
    if (!line.trim()) continue;
    const found = JSON.parse(line);
    if (found.error) throw new Trouble(found.error.message ?? 'The server broke off.', 500);
    yield found;
  }
}

/** The pieces of texts that are written: each a choice of a completion. */
export async function* completions(document, signal) {
  const answer = await answered('/v1/completions', posted({ ...document, stream: true }, signal));
  for await (const line of lines(answer)) {
    if (!line.startsWith('data:')) continue;
    const data = line.slice(5).trim();
    if (data === '[DONE]') return;
    const found = JSON.parse(data);
    if (found.error) throw new Trouble(found.error.message ?? 'The server broke off.', 500);
    yield* found.choices;
  }
}
