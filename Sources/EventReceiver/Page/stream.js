// The connection to the event handler: events as they come, and older ones when they are wanted.

import { readLine, readMessage } from './events.js';
import { hasRoom, model, prepend, receive, startAnew } from './model.js';

export const connection = { state: 'connecting', since: Date.now(), reason: '', isLoading: false, couldLoad: true };
const RETRY = 2000, OLDER = 2000, SLOW = 5000;
let instance = '', source = null, onChange = () => {};

function become(state, reason = '') {
  if (connection.state !== state || connection.reason !== reason) {
    // The moment when the event handler went stays, whatever else is tried meanwhile.
    if (connection.state !== state) connection.since = Date.now();
    connection.state = state;
    connection.reason = reason;
  }
  onChange();
}

export function connect(changed) {
  onChange = changed;
  open();
}

function open() {
  source = new EventSource('/_live');
  const slow = setTimeout(() => { if (connection.state === 'connecting') become('connecting', 'slow'); }, SLOW);
  source.addEventListener('hello', message => {
    clearTimeout(slow);
    const hello = JSON.parse(message.data);
    if (instance && instance !== hello.instance) startAnew();
    instance = hello.instance;
    model.clockOffset = hello.now - Date.now();
    model.status = hello.status;
    become('live');
  });
  source.addEventListener('status', message => { model.status = JSON.parse(message.data); onChange(); });
  source.addEventListener('missed', message => { model.missed += Number(message.data); onChange(); });
  source.addEventListener('message', message => {
    receive(readMessage(message.lastEventId, message.data));
    if (model.status) model.status.end = Math.max(model.status.end, numberOf(message.lastEventId) + 1);
    onChange();
  });
  source.addEventListener('error', () => {
    clearTimeout(slow);
    if (source.readyState === EventSource.CLOSED) return ask();
    if (connection.state !== 'gone') become('gone');
  });
}

const numberOf = identifier => Number(identifier.slice(identifier.lastIndexOf('-') + 1));

// An event source does not tell why it was refused: this does.
async function ask() {
  source.close();
  const abort = new AbortController();
  try {
    const answer = await fetch('/_live', { signal: abort.signal });
    if (answer.status === 200) {
      abort.abort();
      return setTimeout(open, 200);
    }
    const text = (await answer.text()).trim();
    become(answer.status === 503 ? 'full' : 'refused', text);
  } catch {
    if (connection.state !== 'gone') become('gone');
  }
  setTimeout(open, RETRY);
}

// Whether the event handler keeps events that are older than those on the page.
export const hasOlder = () => model.status !== null && hasRoom() && model.oldest > model.status.first &&
  (model.oldest < Infinity || model.status.end > model.status.first);

let loading = null;
export function loadOlder(limit = OLDER) {
  if (loading || !hasOlder() || connection.state !== 'live') return loading || Promise.resolve(false);
  connection.isLoading = true;
  onChange();
  loading = (async () => {
    try {
      const before = Math.min(model.oldest, model.status.end);
      const answer = await fetch('/_events?before=' + before + '&limit=' + limit);
      if (!answer.ok) return false;
      const events = (await answer.text()).split('\n').filter(Boolean).map(readLine).filter(Boolean);
      // Fewer are kept than was said: some have made way meanwhile.
      if (!events.length) { model.status.first = before; return false; }
      model.oldest = events[0].n;
      prepend(events);
      return true;
    } catch {
      return false;
    } finally {
      connection.isLoading = false;
      loading = null;
      onChange();
    }
  })();
  return loading;
}

// Loads until what is held reaches back to a time, or `isEnough` says so.
export async function loadBackTo(time, isEnough = () => false) {
  while (hasOlder() && !isEnough() && !(model.all.length && model.all[0].time < time)) {
    if (!(await loadOlder())) break;
  }
}
