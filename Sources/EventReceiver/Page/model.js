// The events that the page holds, what is asked of them, and which of them pass.

import { parse } from './search.js';

export const HELD = 50000, HELD_CHARACTERS = 64e6;
const SLACK = 1000;

export const model = {
  all: [],            // every event that is held, oldest first
  shown: [],          // those that pass the search and the range
  waiting: [],        // what came during a pause
  version: 0,         // counts up with every change of `shown`
  query: '', search: parse(''),
  range: null,        // null: all; { last: ms }; or { from, to }
  paused: false, missed: 0, clockOffset: 0,
  status: null,       // what the event handler says about itself
  oldest: Infinity,   // the lowest number of this event handler's that was loaded
};
let characters = 0, waitingCharacters = 0, generation = 0, added = 0;
// Events of an event handler that has ended; one that has them in its store sends them again.
let ghosts = null;

export const now = () => Date.now() + model.clockOffset;

// From when to when; open ends are those of what is held.
export function bounds() {
  const { range, all } = model;
  if (range && range.from !== undefined) return { from: range.from, to: range.to };
  if (range) return { from: now() - range.last, to: now() };
  const from = all.length ? all.reduce((least, event) => Math.min(least, event.time), Infinity) : now() - 6e4;
  const last = all.length ? all.reduce((most, event) => Math.max(most, event.time), 0) : now();
  // Right behind the last event, or now if events come.
  return { from, to: now() - last < 6e4 && now() > last ? now() : last + 1 };
}

function isMatch(event) {
  if (event.generation !== generation) {
    event.generation = generation;
    event.passes = model.search.test(event);
  }
  return event.passes;
}

function inRange(event) {
  const { range } = model;
  if (!range) return true;
  if (range.from !== undefined) return event.time >= range.from && event.time < range.to;
  return event.time >= now() - range.last;
}

// Events that match the search and fall into another time, to compare with.
export const matching = (from, to) => model.all.filter(event => event.time >= from && event.time < to && isMatch(event));

export function receive(event) {
  if (!event || isGhost(event)) return;
  if (!model.paused) return hold(event);
  const { waiting } = model;
  waiting.push(event);
  waitingCharacters += event.raw.length;
  // Or a request for older ones would bring it a second time.
  if (event.n >= 0) model.oldest = Math.min(model.oldest, event.n);
  if (waiting.length > HELD) dropWaiting(SLACK);
  while (waitingCharacters > HELD_CHARACTERS && waiting.length > 1) dropWaiting(Math.ceil(waiting.length / 20));
}

function dropWaiting(count) {
  for (const event of model.waiting.splice(0, count)) waitingCharacters -= event.raw.length;
}

function hold(event) {
  const { all, shown } = model;
  all.push(event);
  characters += event.raw.length;
  if (event.n >= 0) model.oldest = Math.min(model.oldest, event.n);
  if (isMatch(event) && inRange(event)) {
    shown.push(event);
    model.version++;
    added++;
  }
  if (all.length > HELD + SLACK) drop(SLACK);
  while (characters > HELD_CHARACTERS && all.length > 1) drop(Math.ceil(all.length / 20));
}

function drop(count) {
  const { all, shown } = model;
  for (const event of all.splice(0, count)) {
    characters -= event.raw.length;
    if (event.n >= 0) model.oldest = event.n + 1;
  }
  let gone = 0;
  while (gone < shown.length && shown[gone].n < all[0].n) gone++;
  if (gone) shown.splice(0, gone);
  model.version++;
}

// Whether there is room for older ones.
export const hasRoom = () => model.all.length < HELD && characters < HELD_CHARACTERS * 0.95;

export function prepend(events) {
  const older = events.filter(event => event && !isGhost(event));
  for (const event of older) characters += event.raw.length;
  model.all = older.concat(model.all);
  model.all.sort((a, b) => a.n - b.n);
  refresh();
}

// Shows anew what passes: after the search or the range has changed, or time has passed.
export function refresh() {
  const { all } = model;
  model.shown = all.filter(event => isMatch(event) && inRange(event));
  model.version++;
}

export function setQuery(query) {
  model.query = query;
  model.search = parse(query);
  generation++;
  refresh();
}

export function setRange(range) {
  model.range = range;
  refresh();
}

export function resume() {
  const { waiting } = model;
  model.waiting = [];
  waitingCharacters = 0;
  for (const event of waiting) hold(event);
}

export function takeAdded() {
  const count = added;
  added = 0;
  return count;
}

// Another process numbers its events anew. What is on the page stays, in front of them.
export function startAnew() {
  const events = model.all.concat(model.waiting);
  ghosts = new Map();
  events.forEach((event, i) => {
    event.n = i - events.length;
    ghosts.set(event.raw, (ghosts.get(event.raw) || 0) + 1);
  });
  model.oldest = Infinity;
}

function isGhost(event) {
  const count = ghosts && event.n >= 0 && ghosts.get(event.raw);
  if (!count) return false;
  if (count === 1) ghosts.delete(event.raw); else ghosts.set(event.raw, count - 1);
  model.oldest = Math.min(model.oldest, event.n);
  return true;
}

export function forgetAll() {
  model.all = [];
  model.waiting = [];
  model.missed = 0;
  characters = 0;
  waitingCharacters = 0;
  ghosts = null;
  refresh();
}

// Where an event is among those given; they are in the order of their numbers.
export function indexOf(event, events) {
  let low = 0, high = events.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (events[middle].n === event.n) return middle;
    if (events[middle].n < event.n) low = middle + 1; else high = middle - 1;
  }
  return -1;
}

// The values of a search field that were seen, the most frequent first.
export function seenValues(field) {
  const name = { view: 'view', project: 'project', browser: 'browser', referrer: 'referrer', session: 'session',
    status: 'status', path: 'page' }[field];
  if (!name) return [];
  const counts = new Map();
  for (const event of model.all) counts.set(event[name], (counts.get(event[name]) || 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 300)
    .map(([value, count]) => [searchValue(field, value), count.toLocaleString('en') + (count === 1 ? ' event' : ' events')]);
}

// How a value is written in a search.
export function searchValue(field, value) {
  if (field === 'view' && value === null) return 'none';
  if (field === 'referrer' && value === '(direct)') return 'direct';
  if (field === 'session') return value.slice(0, 8);
  const text = String(value);
  const isPlain = /^[^\s"\\*]+$/.test(text) && text[0] !== '-' && field !== 'path' && text !== 'none';
  return isPlain ? text : '"' + text.replace(/["\\]/g, '\\$&') + '"';
}
