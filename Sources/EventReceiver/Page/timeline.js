// Requests over time. A part of it can be chosen with the pointer, or with the arrow keys.

import { $, element, onDraw, place, requestDraw, setText, shape } from './dom.js';
import { bounds, matching, model } from './model.js';
import { step, timeline } from './stats.js';
import { amount, duration } from './text.js';

const chart = $('timeline-chart'), BINS = 120, WIDTH = 960, HEIGHT = 100, KINDS = ['ok', 's4', 's5'];
const bars = KINDS.map(kind => shape('path', { class: kind }, chart));
const grid = shape('line', { class: 'grid', x1: 0, x2: WIDTH, y1: 0.5, y2: 0.5 }, chart);
const brush = shape('rect', { class: 'brush', y: 0, height: HEIGHT, visibility: 'hidden' }, chart);
const ticks = Array.from({ length: 5 }, () => $('timeline-axis').appendChild(element('span')));
let view = { from: 0, to: 1 }, chosen = null, drag = null, context = null, onChoose = () => {};

// The time that is shown: the range, or what surrounds a part of it that was chosen.
function shownTime() {
  const own = bounds();
  if (!model.range || model.range.from === undefined) {
    context = null;
    return own;
  }
  if (!context || context.from > own.from || context.to < own.to) {
    const room = (own.to - own.from) / 2;
    context = { from: own.from - room, to: own.to + room };
  }
  return context;
}

export function keepContext() { context = { ...view }; }

function draw() {
  const isFixed = model.range && model.range.from !== undefined;
  let { from, to } = shownTime();
  const length = to - from;
  const width = step(to - from, BINS);
  // Parts begin at round times, so that they stand still while time goes on.
  from = Math.floor(from / width) * width;
  const bins = Math.max(1, Math.ceil((to - from) / width));
  to = from + bins * width;
  view = { from, to };
  const events = isFixed ? matching(from, to) : model.shown;
  const counts = timeline(events, from, to, bins), most = Math.max(...counts.map(([a, b, c]) => a + b + c), 0);
  const scale = most ? (HEIGHT - 4) / most : 0, paths = ['', '', ''], x = WIDTH / bins;
  counts.forEach((parts, bin) => {
    let bottom = HEIGHT;
    parts.forEach((count, kind) => {
      if (!count) return;
      // The smallest that can be seen: errors are never too few to show.
      const height = Math.max(kind ? 3 : 1.5, count * scale);
      paths[kind] += 'M' + (bin * x + x * 0.08).toFixed(1) + ' ' + bottom.toFixed(1) + 'v' + (-height).toFixed(1) +
        'h' + (x * 0.84).toFixed(1) + 'V' + bottom.toFixed(1) + 'z';
      bottom -= height;
    });
  });
  bars.forEach((bar, kind) => place(bar, { d: paths[kind] }));
  setText($('timeline-most'), most ? amount(most / (width / 1000)) + ' req/s' : '');
  setText($('timeline-window'), 'bars of ' + duration(width) + ', ' + duration(length) + ' shown');
  ticks.forEach((tick, i) => setText(tick, label(from + (to - from) * i / (ticks.length - 1), to - from)));
  place(grid, { visibility: most ? 'visible' : 'hidden' });
  chosen = drag || (isFixed ? { from: model.range.from, to: model.range.to } : null);
  drawBrush();
}

function label(ms, length) {
  const d = new Date(ms), two = number => String(number).padStart(2, '0');
  if (length > 2 * 864e5) return two(d.getMonth() + 1) + '-' + two(d.getDate()) + ' ' + two(d.getHours()) + ' h';
  return two(d.getHours()) + ':' + two(d.getMinutes()) + (length > 2 * 36e5 ? '' : ':' + two(d.getSeconds()));
}

function drawBrush() {
  place(brush, { visibility: chosen ? 'visible' : 'hidden' });
  if (!chosen) return;
  const at = ms => Math.max(0, Math.min(WIDTH, (ms - view.from) / (view.to - view.from) * WIDTH));
  const left = at(Math.min(chosen.from, chosen.to)), right = at(Math.max(chosen.from, chosen.to));
  place(brush, { x: left, width: Math.max(1, right - left) });
}

function timeAt(event) {
  const box = chart.getBoundingClientRect();
  const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  return view.from + share * (view.to - view.from);
}

function choose(from, to) {
  keepContext();
  onChoose({ from: Math.round(Math.min(from, to)), to: Math.round(Math.max(from, to)) });
}

// A part of the time moves by arrow keys, and grows or shrinks with Shift.
function onKey(event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!steps) return;
  event.preventDefault();
  event.stopPropagation();
  const unit = (view.to - view.from) / 24;
  const part = model.range && model.range.from !== undefined ? model.range :
    { from: view.to - 6 * unit, to: view.to };
  const from = part.from + (event.shiftKey ? 0 : steps * unit), to = part.to + steps * unit;
  if (to > from) choose(from, to);
}

export function start(chosenRange) {
  onChoose = chosenRange;
  chart.addEventListener('pointerdown', event => {
    if (event.button) return;
    chart.setPointerCapture(event.pointerId);
    const time = timeAt(event);
    drag = { from: time, to: time, x: event.clientX };
  });
  chart.addEventListener('pointermove', event => {
    if (!drag) return;
    drag.to = timeAt(event);
    chosen = drag;
    drawBrush();
  });
  chart.addEventListener('pointerup', event => {
    if (!drag) return;
    const { from, x } = drag, to = timeAt(event);
    drag = null;
    // A click without a way chooses nothing.
    if (Math.abs(event.clientX - x) > 4) choose(from, to);
    requestDraw(true);
  });
  chart.addEventListener('pointercancel', () => { drag = null; requestDraw(true); });
  chart.addEventListener('keydown', onKey);
  onDraw(draw, 500);
}

