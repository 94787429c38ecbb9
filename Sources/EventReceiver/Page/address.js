// What one looks at, in the address and, for the next visit, in the browser's storage.

const NAMES = ['q', 'range', 'tab', 'sort', 'event', 'pane'];
const STORED = ['q', 'range', 'tab', 'sort'];
const KEY = 'rigidanalytics-live';
export const DEFAULTS = { q: '', range: '', tab: '', sort: '', event: '', pane: '' };
let timer = 0, written = null;

export function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (NAMES.some(name => given.has(name))) return from(name => given.get(name));
  let stored = {};
  try { stored = JSON.parse(localStorage.getItem(KEY) || '{}') || {}; } catch { /* It is forgotten, then. */ }
  return from(name => STORED.includes(name) ? stored[name] : '');
}

function from(value) {
  const found = {};
  for (const name of NAMES) found[name] = String(value(name) ?? '').slice(0, 2000);
  return found;
}

export function write(state) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const used = NAMES.filter(name => state[name]).map(name => [name, state[name]]);
    written = used.length ? '#' + new URLSearchParams(used) : '#';
    // An address without anything would bring back what is stored.
    if (location.hash !== written) history.replaceState(null, '', used.length ? written : location.pathname);
    const stored = Object.fromEntries(STORED.filter(name => state[name]).map(name => [name, state[name]]));
    try { localStorage.setItem(KEY, JSON.stringify(stored)); } catch { /* It is forgotten, then. */ }
  }, 150);
}

// "15m", "1h", or two moments in milliseconds.
const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

export function parseRange(text) {
  const last = /^(\d{1,4})([smhd])$/.exec(text), span = /^(\d{1,15})-(\d{1,15})$/.exec(text);
  if (last && Number(last[1])) return { last: Number(last[1]) * UNITS[last[2]], text };
  if (span && Number(span[1]) < Number(span[2])) return { from: Number(span[1]), to: Number(span[2]), text };
  return null;
}
