// A session's story: its requests in order, with the time between them.

import { $, button, element, place as set, setText, shape } from './dom.js';
import { model } from './model.js';
import { dateAndTime, duration, readable, viewName } from './text.js';

const MOST = 400, WIDTH = 400, LONG = 60e3;
let events = [], session = '', state = '', pick = () => {}, lines = [];

export function show(name, current) {
  if (session !== name) state = '';
  session = name;
  draw(current, true);
}

function find() {
  events = model.all.filter(event => event.session === session).sort((a, b) => a.time - b.time || a.n - b.n);
}

// Asks for the session's events again: the list may have grown in the meantime.
export function place(event) {
  return { at: events.indexOf(event), count: events.length };
}

export function neighbor(event, steps) {
  find();
  return events[events.indexOf(event) + steps];
}

export function draw(current, isNew) {
  const before = events.length;
  find();
  const now = events.length + ' ' + (events.length ? events[0].n + ' ' + events[events.length - 1].n : '') + ' ' + current.n;
  if (now === state && !isNew) return;
  state = now;
  const at = events.indexOf(current), from = Math.max(0, Math.min(events.length - MOST, at - MOST / 2));
  const part = events.slice(from, from + MOST);
  drawTitle(part, from);
  drawAxis(part, current);
  drawLines(part, current, from);
  if (isNew || before !== events.length) reveal();
}

function drawTitle(part, from) {
  const first = events[0], last = events[events.length - 1];
  if (!first) return;
  const errors = events.filter(event => event.status >= 400).length;
  const facts = [
    events.length + (events.length === 1 ? ' request' : ' requests'), 'in ' + duration(last.time + last.took - first.time),
    'from ' + dateAndTime(first.time).slice(0, 19),
  ];
  if (errors) facts.push(errors + (errors === 1 ? ' error' : ' errors'));
  if (first.weight !== 1) facts.push('stands for ' + first.weight + ' sessions');
  setText($('story-facts'), facts.join(' · '));
  setText($('story-entry'), 'came in at ' + readable(first.page) + ', referrer: ' + first.referrer);
  setText($('story-more'), part.length < events.length ?
    'Requests ' + (from + 1) + ' to ' + (from + part.length) + ' of ' + events.length : '');
}

function drawAxis(part, current) {
  const chart = $('story-chart');
  if (!part.length) return chart.replaceChildren();
  const start = part[0].time, end = Math.max(...part.map(event => event.time + event.took), start + 1);
  const x = ms => 4 + (ms - start) / (end - start) * (WIDTH - 8);
  chart.replaceChildren(shape('line', { class: 'base', x1: 0, x2: WIDTH, y1: 24, y2: 24 }), ...part.map(event => {
    const mark = shape('rect', { class: 's' + event.kind + (event === current ? ' now' : ''), rx: 1.5 });
    const width = Math.max(event === current ? 5 : 3, x(event.time + event.took) - x(event.time));
    const height = event === current ? 22 : 14;
    set(mark, { x: Math.min(WIDTH - width, x(event.time) - 1.5), width, y: 24 - height, height });
    return mark;
  }));
  setText($('story-start'), '0');
  setText($('story-end'), duration(end - start));
}

function drawLines(part, current, from) {
  const target = $('story');
  while (lines.length < part.length) lines.push(makeLine());
  target.replaceChildren(...part.map((event, i) => {
    const { item, made } = lines[i], [offset, code, path, took, view] = made.children;
    const previous = i ? part[i - 1] : events[from - 1], gap = previous ? event.time - (previous.time + previous.took) : 0;
    made.event = event;
    item.firstChild.hidden = gap < LONG;
    if (gap >= LONG) setText(item.firstChild, duration(gap) + ' later');
    setText(offset, event === events[0] ? 'start' : '+' + duration(Math.max(0, event.time - events[0].time)));
    setText(code, String(event.status));
    code.className = 'code s' + event.kind;
    setText(path, readable(event.path.slice(0, 300)));
    setText(view, viewName(event.view) + (previous ? ' · ' + duration(Math.max(0, gap)) + ' later' : ''));
    setText(took, duration(event.took));
    if (event === current) made.setAttribute('aria-current', 'true'); else made.removeAttribute('aria-current');
    return item;
  }));
}

function makeLine() {
  const item = element('li'), made = button('');
  made.append(element('span', 'time'), element('span', 'code'), element('span', 'path'), element('span', 'took'),
    element('span', 'view'));
  made.addEventListener('click', () => pick(made.event));
  item.append(element('span', 'gap'), made);
  return { item, made };
}

// Into the middle of what can be seen, if it is outside of that.
export function reveal() {
  const current = $('story').querySelector('[aria-current]'), panel = $('detail');
  if (!current || !current.offsetParent) return;
  const box = current.getBoundingClientRect(), seen = panel.getBoundingClientRect();
  if (box.top >= seen.top + 90 && box.bottom <= seen.bottom) return;
  panel.scrollTop += box.top - seen.top - seen.height / 2;
}

export function start(onPick) { pick = onPick; }
