/* Where the browser keeps the tree: IndexedDB, a record a node; localStorage where there is none. */

const NAME = 'understudy-studio';
const PLAIN = 'understudy-studio-tree';

const asked = (request) => new Promise((done, refuse) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => refuse(request.error);
});

async function opened() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('nodes', { keyPath: 'id' });
    request.result.createObjectStore('meta');
  };
  return asked(request);
}

class Kept {
  constructor(database) {
    this.database = database;
  }

  async load() {
    const [nodes, meta] = ['nodes', 'meta'].map((name) => this.database.transaction(name).objectStore(name));
    const [found, current] = await Promise.all([asked(nodes.getAll()), asked(meta.get('current'))]);
    return { nodes: found, current };
  }

  save(nodes, current) {
    return new Promise((done, refuse) => {
      const work = this.database.transaction(['nodes', 'meta'], 'readwrite');
      for (const node of nodes) work.objectStore('nodes').put(node);
      work.objectStore('meta').put(current, 'current');
      work.oncomplete = () => done();
      work.onabort = () => refuse(work.error);
    });
  }

  clear() {
    return new Promise((done, refuse) => {
      const work = this.database.transaction(['nodes', 'meta'], 'readwrite');
      for (const name of ['nodes', 'meta']) work.objectStore(name).clear();
      work.oncomplete = () => done();
      work.onabort = () => refuse(work.error);
    });
  }
}

class Plain {
  async load() {
    const found = JSON.parse(localStorage.getItem(PLAIN) ?? '{"nodes":[]}');
    this.nodes = new Map(found.nodes.map((node) => [node.id, node]));
    return found;
  }

  async save(nodes, current) {
    for (const node of nodes) this.nodes.set(node.id, node);
    localStorage.setItem(PLAIN, JSON.stringify({ nodes: [...this.nodes.values()], current }));
  }

  async clear() {
    localStorage.removeItem(PLAIN);
  }
}

async function place() {
  try {
    const kept = new Kept(await opened());
    return { kept, found: await kept.load() };
  } catch {
    const kept = new Plain();
    return { kept, found: await kept.load() };
  }
}

/** Where a tree is kept: what is there; `save`, which writes changed nodes soon, one after the other; `forget`. */
export async function store(complain) {
  const { kept, found } = await place();
  const changed = new Map();
  let current = found.current;
  let timer = 0;
  let work = Promise.resolve();

  function write() {
    clearTimeout(timer);
    timer = 0;
    const nodes = [...changed.values()];
    changed.clear();
    work = work.then(() => kept.save(nodes, current)).catch((error) => {
      complain(`The browser does not keep the tree (${error?.message ?? error}). Export it before you close the page.`);
    });
    return work;
  }

  function save(nodes, now) {
    for (const node of nodes) changed.set(node.id, { ...node });
    current = now;
    timer ||= setTimeout(write, 250);
  }

  /** Keep nothing any more of what was. */
  async function forget() {
    clearTimeout(timer);
    timer = 0;
    changed.clear();
    await work;
    await kept.clear();
  }

  addEventListener('pagehide', () => { if (timer) write(); });
  document.addEventListener('visibilitychange', () => { if (timer && document.hidden) write(); });
  return { found, save, forget };
}
