// The figures above the list: of all events that pass the search and the range.

import { $, button, element, onDraw, place, setText, shape } from './dom.js';
import { bounds, matching, model } from './model.js';
import { has } from './search.js';
import { histogram, summary } from './stats.js';
import { amount, change, duration, percent } from './text.js';

const BINS = 40, WIDTH = 240, HEIGHT = 44;
const bars = Array.from({ length: BINS }, () => shape('rect', {}, $('latency-chart')));
const marks = ['p50', 'p95', 'p99'].map(name => shape('line', { class: name }, $('latency-chart')));
const axis = [0, 1, 2].map(() => $('latency-axis').appendChild(element('span')));
const stack = [1, 2, 3, 4, 5].map(kind => $('status-bar').appendChild(element('i', 's' + kind)));
let classes = [];

function draw() {
  const { shown } = model, figures = summary(shown), { from, to } = bounds();
  const about = figures.isSampled ? '≈ ' : '';
  setText($('requests'), about + amount(figures.requests));
  setText($('rate'), about + amount(figures.requests / Math.max(1, (to - from) / 1000)) + '/s');
  setText($('errors'), percent(figures.errorRate));
  setText($('sessions'), about + amount(figures.sessions));
  for (const name of ['p50', 'p95', 'p99']) {
    setText($(name), duration(figures[name]));
    $(name).classList.toggle('slow', figures[name] >= 1000);
  }
  $('estimate').hidden = !figures.isSampled;
  drawChanges(figures, from, to);
  drawLatency(shown, figures);
  drawStatus(shown, figures);
}

// Against the same length of time before, if all of that is held.
function drawChanges(figures, from, to) {
  const length = to - from, isHeld = model.range && model.all.length > 0 && model.all[0].time <= from - length;
  const before = isHeld ? summary(matching(from - length, from)) : null;
  const pairs = [['requests', 'requests'], ['errors', 'errorRate'], ['sessions', 'sessions'], ['p95', 'p95']];
  for (const [id, name] of pairs) setText($(id + '-change'), before ? change(figures[name], before[name]) : '');
  setText($('compared'), before ? 'changes: against the ' + duration(length) + ' before' :
    model.range ? 'no events are held of the time before' : '');
}

function drawLatency(shown, figures) {
  const { counts, low, high, at } = histogram(shown, BINS);
  const scale = HEIGHT / Math.max(1e-9, ...counts), width = WIDTH / BINS;
  counts.forEach((count, bin) => {
    const height = count ? Math.max(2, count * scale) : 0;
    place(bars[bin], { x: bin * width, y: HEIGHT - height, width: width - 1, height });
  });
  ['p50', 'p95', 'p99'].forEach((name, i) => {
    const x = shown.length ? at(figures[name]) * WIDTH : 0;
    place(marks[i], { x1: x, x2: x, y1: -3, y2: HEIGHT, visibility: shown.length ? 'visible' : 'hidden' });
  });
  [low, (low + high) / 2, high].forEach((value, i) => setText(axis[i], shown.length ? duration(10 ** value) : ''));
}

function drawStatus(shown, figures) {
  const kinds = [0, 0, 0, 0, 0, 0], total = Math.max(1e-9, figures.requests);
  for (const event of shown) kinds[event.kind] += event.weight;
  stack.forEach((part, i) => {
    part.hidden = !kinds[i + 1];
    part.style.flexGrow = kinds[i + 1] / total;
  });
  classes.forEach((made, i) => {
    const share = shown.length ? kinds[i + 2] / total : NaN;
    setText(made.children[2], (figures.isSampled ? '≈ ' : '') + amount(kinds[i + 2]));
    setText(made.children[3], percent(share));
    made.setAttribute('aria-pressed', has(model.query, 'status', i + 2 + 'xx'));
  });
}

export function start(toggle) {
  classes = [2, 3, 4, 5].map(kind => {
    const made = button('s' + kind, undefined, () => toggle('status', kind + 'xx'));
    made.append(element('i'), element('span', '', kind + 'xx'), element('b', '', '0'), element('small'));
    return $('status-list').appendChild(made);
  });
  onDraw(draw, 500);
}
