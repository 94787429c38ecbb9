// swift-format-ignore-file
// Made by scripts/embed-page from the folder Page: change the files there.

/// The live page's files, by name.
enum PageFiles {
    static let all: [(name: String, text: StaticString)] = [
("address.js", ##"""
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

"""##),
("base.css", ##"""
/* Colours, the frame and its controls. Text has a contrast of at least 4.5, borders of controls and marks of 3. */
:root {
  color-scheme: light dark;
  --bg: light-dark(#f5f6f8, #0e1116); --card: light-dark(#fff, #161a21); --raised: light-dark(#f1f3f6, #1d232c);
  --line: light-dark(#e2e5ea, #272e39); --edge: light-dark(#7a8494, #6f7a8b); --text: light-dark(#1a2029, #e5e9ef);
  --soft: light-dark(#566070, #98a3b3); --accent: light-dark(#355fe5, #7d9bff);
  --tint: light-dark(#eaf0ff, #1c2743); --mark: light-dark(#5b7ff0, #6584f2);
  --s1: light-dark(#5d6776, #98a3b3); --s2: light-dark(#0f6f4b, #4cc38a); --s3: light-dark(#2c62cf, #74a5ff);
  --s4: light-dark(#8a5000, #efb04f); --s5: light-dark(#c2303a, #ff7b80);
  --b1: light-dark(#eceef1, #222935); --b2: light-dark(#e1f5ec, #12301f); --b3: light-dark(#e4edfd, #17294a);
  --b4: light-dark(#fcefd9, #382609); --b5: light-dark(#fde6e7, #3d161a);
  --shadow: light-dark(0 1px 2px #1018280d, 0 1px 2px #0006);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
:root[data-theme="light"] { color-scheme: light }
:root[data-theme="dark"] { color-scheme: dark }
* { box-sizing: border-box; margin: 0 }
[hidden] { display: none !important }
html, body { height: 100% }
body {
  background: var(--bg); color: var(--text); display: flex; flex-direction: column;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, Inter, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main {
  flex: 1; min-height: 0; display: flex; flex-direction: column; gap: 12px; padding: 0 20px 16px;
  width: 100%; max-width: 1720px; margin: 0 auto;
}
h1 { font-size: 16px; font-weight: 650; letter-spacing: -.01em; display: flex; align-items: center; gap: 10px; white-space: nowrap }
h2, h3 { font-size: 12px; font-weight: 600; color: var(--soft) }
small { font-weight: 400; font-size: 12px; color: var(--soft) }
button, input, summary {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--edge); border-radius: 8px;
  height: 34px; padding: 0 12px; min-width: 0;
}
button, summary { cursor: pointer; font-weight: 500; white-space: nowrap }
button:hover, summary:hover { background: var(--raised) }
button:disabled { cursor: default; opacity: .55 }
button[aria-pressed="true"] { background: var(--tint); border-color: var(--accent); color: var(--accent) }
input::placeholder { color: var(--soft); opacity: 1 }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
.link { border: 0; background: none; color: var(--accent); height: auto; padding: 2px 4px; font-size: 12px }
.link:hover { background: none; text-decoration: underline }
.soft { color: var(--soft); font-size: 12.5px }
/* What events say keeps its own direction, and turns nothing around it. */
.path, .view, .mono, .json, .pick, dd, #q-options b { unicode-bidi: isolate }

.top {
  display: flex; align-items: center; gap: 16px; padding: 12px 20px; width: 100%; max-width: 1720px;
  margin: 0 auto;
}
.mark {
  width: 26px; height: 26px; border-radius: 7px; background: light-dark(#355fe5, #4a6ff0); display: flex;
  gap: 3px; align-items: end; justify-content: center; padding: 6px 0;
}
.mark i { width: 3px; border-radius: 2px; background: #fff; height: 50% }
.mark i:nth-child(2) { height: 100% }
.mark i:nth-child(3) { height: 72% }
.state { color: var(--soft); display: flex; align-items: center; gap: 8px; margin-right: auto; font-size: 13px; min-width: 0 }
.dot { width: 8px; height: 8px; border-radius: 50%; background: var(--s4); flex: none }
.state[data-state="live"] .dot { background: var(--s2); box-shadow: 0 0 0 3px var(--b2) }
.state[data-state="gone"], .state[data-state="refused"], .state[data-state="full"] { color: var(--s5) }
.state[data-state="gone"] .dot, .state[data-state="refused"] .dot, .state[data-state="full"] .dot {
  background: var(--s5); box-shadow: 0 0 0 3px var(--b5) }
.actions { display: flex; gap: 8px }
#pause { min-width: 84px }
#theme, #help-open { width: 34px; padding: 0; display: grid; place-items: center }
#theme svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.4 }
#theme path { fill: currentColor }
.menu { position: relative }
.menu summary { list-style: none; line-height: 32px }
.menu summary::-webkit-details-marker { display: none }
.menu > div {
  position: absolute; right: 0; top: 40px; z-index: 6; background: var(--card); border: 1px solid var(--edge);
  border-radius: 10px; padding: 10px; display: grid; gap: 6px; box-shadow: 0 10px 30px #0003; width: 190px;
}
.menu p { font-size: 12px; color: var(--soft) }

.notes { display: flex; align-items: center; gap: 10px; background: var(--b4); color: var(--s4); border-radius: 10px;
  padding: 6px 8px 6px 14px; font-size: 13px; overflow-wrap: anywhere }
.notes button { margin-left: auto; border: 0; background: none; height: 26px; font-size: 18px; padding: 0 8px }
.filters { display: flex; gap: 8px 10px; align-items: center; flex-wrap: wrap }
.searchbox { position: relative; flex: 1 1 360px; max-width: 620px }
#q { width: 100% }
#q.active { border-color: var(--accent); background: var(--tint) }
#q[aria-invalid] { border-color: var(--s5) }
.drop { display: none; position: absolute; left: 0; right: 0; top: calc(100% + 4px); z-index: 7; background: var(--card);
  border: 1px solid var(--edge); border-radius: 10px; box-shadow: 0 10px 30px #0003; overflow: hidden }
.searchbox:focus-within .drop { display: block }
#q-options { list-style: none; padding: 4px; max-height: 300px; overflow-y: auto }
#q-options li { display: flex; gap: 12px; padding: 4px 10px; border-radius: 6px; cursor: pointer; font-size: 13px }
#q-options li[aria-selected="true"], #q-options li:hover { background: var(--tint) }
#q-options b { font: 500 12.5px/1.6 var(--mono); overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
#q-options span { margin-left: auto; color: var(--soft); font-size: 12px; white-space: nowrap }
.help { padding: 5px 14px; font-size: 12px; color: var(--soft); background: var(--raised) }
.help code, .keys dt { font-family: var(--mono); font-size: 12px }
.help code { margin-right: 8px; white-space: nowrap; display: inline-block }
.error { width: 100%; color: var(--s5); font-size: 12.5px }
.ranges { display: flex }
.ranges button { border-radius: 0; margin-left: -1px; padding: 0 10px; font-size: 13px }
.ranges button:first-child { border-radius: 8px 0 0 8px }
.ranges button:last-child { border-radius: 0 8px 8px 0 }
.ranges button[aria-pressed="true"] { position: relative; z-index: 1 }
.chosen { background: var(--tint); border-color: var(--accent); color: var(--accent); font-size: 13px }
.count { color: var(--soft); margin-left: auto; font-size: 13px }

dialog {
  margin: auto; border: 1px solid var(--edge); border-radius: 14px; background: var(--card); color: inherit;
  padding: 20px 24px; box-shadow: 0 20px 60px #0005; max-height: 90vh; max-width: 94vw;
}
dialog::backdrop { background: #0006 }
dialog h2 { font-size: 15px; color: var(--text) }
.columns { display: flex; gap: 0 34px; flex-wrap: wrap }
.keys { margin: 12px 0 18px }
.keys div { display: flex; padding: 3px 0; gap: 10px }
.keys dt { width: 136px; color: var(--soft) }
@media (prefers-reduced-motion: no-preference) {
  .stack i { transition: flex-grow .3s }
}

"""##),
("detail.css", ##"""
/* The event that is open, and its session's story. */
.detail { overflow-y: auto; scrollbar-width: thin; scrollbar-color: var(--edge) transparent }
.detail > header { display: flex; align-items: start; gap: 10px; padding: 12px 12px 8px 16px; position: sticky; top: 0;
  background: var(--card); z-index: 1 }
.detail > header h2 { color: var(--text); font: 600 13px/1.5 var(--mono); overflow-wrap: anywhere; outline: 0;
  display: flex; gap: 10px; margin-right: auto; max-height: 6em; overflow: auto }
#close { border: 0; font-size: 20px; line-height: 1; width: 30px; height: 26px; padding: 0; flex: none }
.panes { display: flex; align-items: center; gap: 6px; padding: 0 12px; border-bottom: 1px solid var(--line); position: sticky;
  top: 46px; background: var(--card); z-index: 1; flex: none }
.panes [role="tablist"] { display: flex; margin-right: auto }
.panes > button { height: 26px; padding: 0 9px }
.place { font-size: 12px; color: var(--soft) }
.detail section { padding: 8px 16px 14px }
.detail h3 { display: flex; justify-content: space-between; align-items: baseline; padding: 4px 0 6px }
.facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 3px 16px; padding: 10px 16px 4px; font-size: 13px }
.facts div { display: contents }
.facts dt { color: var(--soft) }
.facts dd { overflow-wrap: anywhere; max-height: 9em; overflow-y: auto }
.facts .mono { font-family: var(--mono); font-size: 12.5px }
.json { font: 12px/1.6 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; background: var(--raised);
  border-radius: 8px; padding: 12px 14px; tab-size: 2 }
.json .k { color: light-dark(#6b3fb0, #c3a5ff) } .json .s { color: light-dark(#0b6144, #7fd1a8) }
.json .n { color: light-dark(#8a5000, #efb04f) } .json .w { color: light-dark(#2c62cf, #74a5ff) }

.storychart { width: 100%; height: 34px; display: block; margin-top: 10px }
.storychart .base { stroke: var(--edge); vector-effect: non-scaling-stroke }
.storychart .s1 { fill: var(--s1) } .storychart .s2 { fill: var(--s2) } .storychart .s3 { fill: var(--s3) }
.storychart .s4 { fill: var(--s4) } .storychart .s5 { fill: var(--s5) }
.storychart .now { stroke: var(--text); stroke-width: 1.5; vector-effect: non-scaling-stroke }
#story-facts { font-weight: 600; font-size: 13px }
.story { list-style: none; padding: 0; margin-top: 6px }
.story button {
  display: grid; grid-template: "offset code path took" 20px "offset code view view" 18px / 76px 42px minmax(0, 1fr) auto;
  column-gap: 10px; width: 100%; border: 0; background: none; padding: 3px 8px; height: auto; align-items: center;
  text-align: left; font-weight: 400; font-size: 12.5px; outline-offset: -2px;
}
.story button > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.story .time { grid-area: offset; text-align: right } .story .code { grid-area: code } .story .path { grid-area: path }
.story .took { grid-area: took } .story .view { grid-area: view; font-size: 12px }
.story button:hover { background: var(--raised) }
.story button[aria-current="true"] { background: var(--tint); box-shadow: inset 3px 0 var(--accent) }
.gap { display: block; text-align: center; font-size: 12px; color: var(--soft); border-top: 1px dashed var(--edge);
  margin: 7px 8px 3px; padding-top: 2px }

"""##),
("detail.js", ##"""
// The event that is open: its facts, all of it as JSON, and its session's story.

import { $, copyText, element, onDraw, requestDraw, setText } from './dom.js';
import { keyOf } from './events.js';
import { curl } from './export.js';
import * as list from './list.js';
import { model } from './model.js';
import * as story from './story.js';
import { dateAndTime, duration, readable, viewName, visible } from './text.js';

const PIECES = 4000, LONGEST = 200000;
export const opened = { event: null, key: '', pane: '' };
let onChange = () => {};

export function open(event, pane = opened.pane) {
  const wasOpen = opened.event !== null || opened.pane === 'session';
  opened.event = event;
  opened.key = keyOf(event);
  show(pane);
  const title = $('detail-title');
  title.replaceChildren(element('span', 'code s' + event.kind, event.status),
    element('span', 'path', readable(event.path)));
  drawFacts(event);
  drawJSON(event);
  story.show(event.session, event);
  if (!wasOpen) $('detail').scrollTop = 0;
  story.reveal();
  if (matchMedia('(max-width: 900px)').matches) title.focus();
  onChange();
  requestDraw();
}

// Of a session alone: from the table of sessions.
export function openSession(session) {
  const events = model.all.filter(event => event.session === session);
  if (events.length) open(events[events.length - 1], 'session');
}

function show(pane) {
  opened.pane = pane === 'session' ? 'session' : '';
  $('detail').hidden = false;
  $('split').classList.add('open');
  for (const name of ['event', 'session']) {
    const isShown = name === (opened.pane || 'event');
    $('pane-' + name).hidden = !isShown;
    $('show-' + name).setAttribute('aria-selected', isShown);
    $('show-' + name).tabIndex = isShown ? 0 : -1;
  }
}

export function showPane(pane) {
  if (!opened.event) return;
  show(pane);
  $('detail').scrollTop = 0;
  story.reveal();
  onChange();
  requestDraw();
}

export function close() {
  if (!opened.event) return;
  opened.event = null;
  opened.key = '';
  opened.pane = '';
  $('detail').hidden = true;
  $('split').classList.remove('open');
  $('list').focus({ preventScroll: true });
  onChange();
  requestDraw();
}

function drawFacts(event) {
  const whole = JSON.parse(event.raw), body = whole.event_data, headers = body.header_data || {};
  const shown = readable(event.url), facts = [
    ['Address', shown, 'mono'], ['As sent', shown === event.url ? '' : visible(event.url), 'mono'],
    ['View', viewName(event.view)], ['Took', duration(event.took)],
    ['Received', dateAndTime(event.time)], ['User agent', headers.HTTP_USER_AGENT],
    ['Referrer', headers.HTTP_REFERER, 'mono'], ['Session', event.session, 'mono'], ['Project', event.project],
    ['Token', model.status && model.status.checksToken ? 'the right one' : 'set; not checked'],
    ['Tracker', whole.ra_tracker_version],
    ['Stands for', event.weight !== 1 && event.weight + ' requests: the rest was not recorded'],
    ['Shortened', body.truncated && 'yes: the event was too large'],
  ];
  $('facts').replaceChildren(...facts.filter(fact => fact[1]).map(([name, value, className]) => {
    const fact = element('div');
    fact.append(element('dt', '', name), element('dd', className, visible(String(value))));
    return fact;
  }));
}

// Works on the text as it came: numbers of nanoseconds are too long for JavaScript's own.
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
export function pretty(raw) {
  const tokens = raw.match(TOKEN) || [], pieces = [];
  let depth = 0;
  const line = () => '\n' + '  '.repeat(depth);
  tokens.forEach((token, i) => {
    const next = tokens[i + 1];
    if (token === '{' || token === '[') {
      const isEmpty = next === '}' || next === ']';
      if (!isEmpty) depth++;
      pieces.push(['', isEmpty ? token : token + line()]);
    } else if (token === '}' || token === ']') {
      const isEmpty = tokens[i - 1] === '{' || tokens[i - 1] === '[';
      if (!isEmpty) depth--;
      pieces.push(['', isEmpty ? token : line() + token]);
    } else if (token === ',') pieces.push(['', ',' + line()]);
    else if (token === ':') pieces.push(['', ': ']);
    else if (token[0] === '"') pieces.push([next === ':' ? 'k' : 's', token]);
    else pieces.push([/^[-\d]/.test(token) ? 'n' : 'w', token]);
  });
  return pieces;
}

const text = event => pretty(event.raw).map(piece => piece[1]).join('');

function drawJSON(event) {
  const pieces = pretty(event.raw), target = $('json');
  const length = pieces.reduce((sum, piece) => sum + piece[1].length, 0);
  if (pieces.length > PIECES || length > LONGEST) {
    const rest = length - LONGEST;
    target.textContent = text(event).slice(0, LONGEST) + (rest > 0 ? '\n… ' + rest + ' more characters; copy has all' : '');
  } else {
    target.replaceChildren(...pieces.map(([className, part]) => {
      return className ? element('span', className, className === 's' || className === 'k' ? visible(part) : part) : part;
    }));
  }
}

export const copy = () => opened.event && copyText(text(opened.event), $('copy'), 'copy');
export const copyCurl = () => opened.event && copyText(curl(opened.event), $('copy-curl'), 'copy as curl');

// To the next request of the same session, or the one before.
export function step(steps) {
  if (!opened.event) return;
  const event = story.neighbor(opened.event, steps);
  if (!event) return;
  list.select(event);
  open(event);
}

export function start(changed, filterSession) {
  onChange = changed;
  $('close').addEventListener('click', close);
  $('copy').addEventListener('click', copy);
  $('copy-curl').addEventListener('click', copyCurl);
  $('previous').addEventListener('click', () => step(-1));
  $('next').addEventListener('click', () => step(1));
  $('only-session').addEventListener('click', () => opened.event && filterSession(opened.event.session));
  for (const name of ['event', 'session']) {
    $('show-' + name).addEventListener('click', () => showPane(name));
    $('show-' + name).addEventListener('keydown', event => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      event.preventDefault();
      event.stopPropagation();
      showPane(name === 'event' ? 'session' : 'event');
      $('show-' + (opened.pane || 'event')).focus();
    });
  }
  story.start(event => { list.select(event); open(event); });
  onDraw(() => {
    if (!opened.event) return;
    story.draw(opened.event);
    const { at, count } = story.place(opened.event);
    setText($('place'), 'request ' + (at + 1) + ' of ' + count);
    $('previous').disabled = at <= 0;
    $('next').disabled = at + 1 >= count;
  }, 250);
}

"""##),
("dom.js", ##"""
// The page's elements. What events say is set as text alone, never as markup.

export const $ = id => document.getElementById(id);

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(className, text, action) {
  const made = element('button', className, text);
  made.type = 'button';
  if (action) made.addEventListener('click', action);
  return made;
}

export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function shape(name, attributes, parent) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  place(made, attributes || {});
  return parent ? parent.appendChild(made) : made;
}

export function place(target, attributes) {
  for (const name in attributes) target.setAttribute(name, attributes[name]);
}

export async function copyText(text, target, label) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not every address of this page may use the clipboard: only https and this machine's own may.
    const field = document.body.appendChild(element('textarea'));
    field.value = text;
    field.select();
    isCopied = document.execCommand('copy');
    field.remove();
  }
  target.textContent = isCopied ? 'copied' : 'not allowed here';
  setTimeout(() => { target.textContent = label; }, 1500);
}

// Drawing happens in animation frames, each part of the page no more often than it needs.
const drawers = [];
let isAsked = false, later = 0;

export function onDraw(draw, interval = 0) {
  drawers.push({ draw, interval, at: -Infinity });
}

export function requestDraw(isUrgent) {
  if (isUrgent) for (const drawer of drawers) drawer.at = -Infinity;
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    let next = Infinity;
    for (const drawer of drawers) {
      const now = performance.now(), wait = drawer.at + drawer.interval - now;
      if (wait > 0) next = Math.min(next, wait);
      else {
        drawer.at = now;
        // One that fails must not stop the others.
        try { drawer.draw(); } catch (error) { console.error(error); }
      }
    }
    clearTimeout(later);
    if (next < Infinity) later = setTimeout(requestDraw, next);
  });
}

"""##),
("events.js", ##"""
// One event as the page uses it. Pure.

const REMEMBERED = 2000;

// Agents and referrers repeat: each is looked at once.
function remembering(look) {
  const known = new Map();
  return text => {
    let found = known.get(text);
    if (found === undefined) {
      if (known.size >= REMEMBERED) known.clear();
      found = look(text);
      known.set(text, found);
    }
    return found;
  };
}

const AGENTS = [
  [/bot\b|bot\/|crawl|spider|slurp|preview/i, 'Bot'], [/^curl\//, 'curl'], [/^wget\//i, 'Wget'],
  [/python|aiohttp|httpx/i, 'Python'], [/^Go-http-client/, 'Go'], [/\bEdgA?\//, 'Edge'], [/\bOPR\//, 'Opera'],
  [/SamsungBrowser/, 'Samsung Internet'], [/Firefox\/|FxiOS/, 'Firefox'], [/Chrome\/|CriOS/, 'Chrome'],
  [/Safari\//, 'Safari'],
];

export const browserOf = remembering(agent => {
  if (!agent) return '(none)';
  const found = AGENTS.find(([pattern]) => pattern.test(agent));
  return found ? found[1] : 'Other';
});

const hostOf = remembering(address => {
  try { return new URL(address).host; } catch { return ''; }
});

export function referrerOf(referrer, url) {
  if (!referrer) return '(direct)';
  const host = hostOf(referrer);
  if (!host) return '(unreadable)';
  return host === url.split('/', 3)[2] ? '(this site)' : host;
}

// A short name for an event that holds over reloads and restarts: its time in nanoseconds, and a hash of its text.
export function keyOf(event) {
  const time = /"time_request_received_ns"\s*:\s*(\d+)/.exec(event.raw);
  let hash = 0x811c9dc5;
  for (let i = 0; i < event.raw.length; i++) hash = Math.imul(hash ^ event.raw.charCodeAt(i), 0x01000193);
  return (time ? time[1] : '0') + '-' + (hash >>> 0).toString(16);
}

// The number is its place in the order in which the event handler took events in.
export function readEvent(n, project, raw) {
  let event;
  try { event = JSON.parse(raw); } catch { return null; }
  const body = event.event_data || {}, response = body.response_data || {}, headers = body.header_data || {};
  const url = String(body.full_url), host = url.indexOf('://') + 3, slash = url.indexOf('/', host);
  const path = slash < 0 ? '/' : url.slice(slash), question = path.indexOf('?');
  const weight = Number(body.sample_weight);
  return {
    n, raw, project: String(project), status: response.status_code, kind: Math.floor(response.status_code / 100),
    view: typeof body.view_name === 'string' ? body.view_name : null, session: String(body.ra_session_id), url, path,
    page: question < 0 ? path : path.slice(0, question), time: body.time_request_received_ns / 1e6,
    took: body.processing_time_ns / 1e6, weight: weight > 0 && weight < 1e9 ? weight : 1,
    browser: browserOf(headers.HTTP_USER_AGENT || ''), referrer: referrerOf(headers.HTTP_REFERER, url),
    generation: -1, passes: false,
  };
}

// What the stream sends: the project as a JSON string, and below it the event.
export function readMessage(identifier, data) {
  const cut = data.indexOf('\n'), n = Number(identifier.slice(identifier.lastIndexOf('-') + 1));
  try { return readEvent(n, JSON.parse(data.slice(0, cut)), data.slice(cut + 1)); } catch { return null; }
}

// What /_events sends: one object in each line.
const LINE = /^\{"n":(\d+),"project":("(?:[^"\\]|\\.)*"),"event":/;

export function readLine(line) {
  const start = LINE.exec(line);
  return start && readEvent(Number(start[1]), JSON.parse(start[2]), line.slice(start[0].length, -1));
}

"""##),
("export.js", ##"""
// Events in the forms of other tools. Pure.

const COLUMNS = ['time', 'project', 'status', 'took_ms', 'view', 'url', 'session', 'referrer', 'user_agent', 'weight'];

export const ndjson = events => events.map(event => event.raw + '\n').join('');

// RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
function cell(value) {
  let text = value === null || value === undefined ? '' : String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

export function csv(events) {
  const lines = [COLUMNS.join(',')];
  for (const event of events) {
    const headers = JSON.parse(event.raw).event_data.header_data || {};
    lines.push([new Date(event.time).toISOString(), event.project, event.status, event.took, event.view, event.url,
      event.session, headers.HTTP_REFERER, headers.HTTP_USER_AGENT, event.weight].map(cell).join(','));
  }
  return lines.join('\r\n') + '\r\n';
}

// HTTP_USER_AGENT is User-Agent.
const headerName = name => name.replace(/^HTTP_/, '').toLowerCase().split('_')
  .map(part => part.charAt(0).toUpperCase() + part.slice(1)).join('-');

function requestHeaders(event) {
  const headers = JSON.parse(event.raw).event_data.header_data || {};
  return Object.entries(headers).map(([name, value]) => [headerName(name), String(value)]);
}

// HAR 1.2. An event says neither the method nor the sizes: the method is given as GET, sizes as unknown.
export function har(events, version) {
  const entries = events.map(event => {
    const body = JSON.parse(event.raw).event_data, query = [];
    try {
      for (const [name, value] of new URL(event.url).searchParams) query.push({ name, value });
    } catch { /* Then without its query. */ }
    return {
      startedDateTime: new Date(event.time).toISOString(), time: event.took,
      request: {
        method: 'GET', url: event.url, httpVersion: 'HTTP/1.1', cookies: [],
        headers: requestHeaders(event).map(([name, value]) => ({ name, value })), queryString: query,
        headersSize: -1, bodySize: -1, comment: 'the event does not say the method',
      },
      response: {
        status: event.status, statusText: '', httpVersion: 'HTTP/1.1', cookies: [], headers: [],
        content: { size: -1, mimeType: 'x-unknown' }, redirectURL: '', headersSize: -1, bodySize: -1,
      },
      cache: {}, timings: { send: 0, wait: event.took, receive: 0 },
      _view: body.view_name, _session: body.ra_session_id, _project: event.project,
    };
  });
  return JSON.stringify({
    log: { version: '1.2', creator: { name: 'RigidAnalytics live page', version: version || '1' }, entries },
  }, null, 1);
}

// For a POSIX shell; a control character, which could act on the terminal, is written out.
function shell(text) {
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) {
    return "$'" + text.replace(/[\\']/g, '\\$&').replace(/[\u0000-\u001f\u007f-\u009f]/g, c =>
      '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) + "'";
  }
  return "'" + text.replace(/'/g, "'\\''") + "'";
}

const OWN = new Set(['Host', 'Content-Length', 'Connection', 'Transfer-Encoding', 'Accept-Encoding']);

// The request that the event is about, as a command. What the tracker has filtered is not in it, nor is a body.
export function curl(event) {
  const headers = requestHeaders(event), host = event.url.split('/', 3)[2] || '';
  // -g: brackets and braces in a URL mean themselves.
  const parts = ['curl -g ' + shell(event.url)];
  for (const [name, value] of headers) {
    if (name === 'Host' && value !== host) parts.push('-H ' + shell('Host: ' + value));
    else if (!OWN.has(name) && !value.includes('[Filtered]')) parts.push('-H ' + shell(name + ': ' + value));
  }
  if (headers.some(([name]) => name === 'Accept-Encoding')) parts.push('--compressed');
  return parts.join(' \\\n  ');
}

"""##),
("index.html", ##"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Live events · RigidAnalytics</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2016%2016'%3E%3Crect%20width='16'%20height='16'%20rx='4'%20fill='%23355fe5'/%3E%3Cpath%20d='M4%2012V9M8%2012V4M12%2012V7'%20stroke='white'%20stroke-width='2'%20stroke-linecap='round'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/_page/base.css">
<link rel="stylesheet" href="/_page/overview.css">
<link rel="stylesheet" href="/_page/list.css">
<link rel="stylesheet" href="/_page/detail.css">
<link rel="stylesheet" href="/_page/narrow.css">
<script type="module" src="/_page/main.js"></script>
</head>
<body>
<header class="top">
  <h1><span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>Live events</h1>
  <p id="state" class="state" role="status"><span class="dot"></span><span id="state-text">Connecting</span></p>
  <div class="actions">
    <button id="pause" type="button" aria-pressed="false" title="Pause or go on (p)">Pause</button>
    <details id="export" class="menu"><summary>Export</summary>
      <div><p>The events that are shown:</p>
        <button type="button" data-kind="ndjson">NDJSON</button>
        <button type="button" data-kind="csv">CSV</button>
        <button type="button" data-kind="har">HAR</button></div></details>
    <button id="clear" type="button" title="Empty this page; nothing is deleted elsewhere">Clear</button>
    <button id="theme" type="button" title="Dark or light (t)" aria-label="Dark or light">
      <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.2"/><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z"/></svg></button>
    <button id="help-open" type="button" title="Keys and search (?)" aria-label="Keys and search">?</button>
  </div>
</header>
<main>
<div id="notes" class="notes" role="alert" hidden><span id="notes-text"></span>
  <button id="notes-close" type="button" aria-label="Dismiss">×</button></div>
<section class="filters" aria-label="Search and time" role="search">
  <div class="searchbox">
    <input id="q" type="search" role="combobox" aria-label="Search in events" aria-autocomplete="list"
      aria-controls="q-options" aria-expanded="false" aria-describedby="q-help q-error"
      placeholder="Search: status:4xx view:checkout took>20ms … ( / )" autocomplete="off" spellcheck="false">
    <div class="drop">
    <ul id="q-options" role="listbox" aria-label="Suggestions" hidden></ul>
    <p id="q-help" class="help" hidden><code>status:500</code> <code>status:4xx</code> <code>view:checkout</code>
      <code>session:ab12</code> <code>took&gt;20ms</code> <code>path:/cart</code> <code>project:shop</code>
      <code>browser:firefox</code> <code>referrer:example.com</code> <code>-bot</code> <code>"exact"</code></p></div>
  </div>
  <div id="ranges" class="ranges" role="group" aria-label="Time">
    <button type="button" data-range="1m">1 min</button>
    <button type="button" data-range="5m">5 min</button>
    <button type="button" data-range="15m">15 min</button>
    <button type="button" data-range="1h">1 h</button>
    <button type="button" data-range="1d">24 h</button>
    <button type="button" data-range="" aria-pressed="true">All</button>
  </div>
  <button id="range-chosen" type="button" class="chosen" title="Show all times again" hidden></button>
  <button id="reset" type="button" hidden>Reset</button>
  <p class="count"><output id="count">No events yet</output>
    <button id="older" type="button" class="link" hidden>load older</button></p>
  <p id="q-error" class="error" role="alert" hidden></p>
</section>
<section class="cards" aria-label="Figures of the events shown">
  <article class="card wide"><h2>Requests per second <small id="timeline-window"></small></h2>
    <p class="most" id="timeline-most"></p>
    <svg id="timeline-chart" class="chart" viewBox="0 0 960 100" preserveAspectRatio="none" tabindex="0" role="img"
      aria-label="Requests per second over time. Drag to choose a part; arrow keys move it, with Shift they change its length."></svg>
    <p id="timeline-axis" class="axis"></p>
  </article>
  <article class="card"><h2>Figures <small id="estimate" hidden>≈ estimated from a sample</small></h2>
    <dl class="numbers">
      <div><dt>Requests</dt><dd><strong id="requests">0</strong> <small id="requests-change"></small></dd></div>
      <div><dt>Mean rate</dt><dd><strong id="rate">0</strong></dd></div>
      <div><dt title="Status 400 and above">Errors</dt><dd><strong id="errors">–</strong> <small id="errors-change"></small></dd></div>
      <div><dt>Sessions</dt><dd><strong id="sessions">0</strong> <small id="sessions-change"></small></dd></div>
    </dl><p id="compared" class="compared"></p>
  </article>
  <article class="card"><h2>Latency <small>time to answer, log scale</small></h2>
    <dl class="figures"><div><dt>p50</dt><dd id="p50">–</dd></div><div><dt>p95 <small id="p95-change"></small></dt><dd id="p95">–</dd></div>
      <div><dt>p99</dt><dd id="p99">–</dd></div></dl>
    <svg id="latency-chart" class="chart" viewBox="0 0 240 44" preserveAspectRatio="none" aria-hidden="true"></svg>
    <p id="latency-axis" class="axis"></p>
  </article>
  <article class="card"><h2>Status</h2>
    <div id="status-bar" class="stack" aria-hidden="true"></div>
    <div id="status-list" class="classes"></div>
  </article>
</section>
<div id="tabs" class="tabs" role="tablist" aria-label="What to show">
  <button type="button" role="tab" id="tab-events" data-tab="events" aria-controls="events" aria-selected="true">Events</button>
  <button type="button" role="tab" id="tab-views" data-tab="views" aria-controls="table">Views</button>
  <button type="button" role="tab" id="tab-paths" data-tab="paths" aria-controls="table">Paths</button>
  <button type="button" role="tab" id="tab-referrers" data-tab="referrers" aria-controls="table">Referrers</button>
  <button type="button" role="tab" id="tab-browsers" data-tab="browsers" aria-controls="table">Browsers</button>
  <button type="button" role="tab" id="tab-statuses" data-tab="statuses" aria-controls="table">Status</button>
  <button type="button" role="tab" id="tab-entries" data-tab="entries" aria-controls="table">Entry pages</button>
  <button type="button" role="tab" id="tab-sessions" data-tab="sessions" aria-controls="table">Sessions</button>
  <button type="button" role="tab" id="tab-projects" data-tab="projects" aria-controls="table">Projects</button>
</div>
<div id="split" class="split">
  <section id="events" class="panel" role="tabpanel" aria-labelledby="tab-events">
    <div id="head" class="head row" aria-hidden="true"><span>Time</span><span>Status</span><span>Path</span>
      <span>View</span><span>Session</span><span class="num">Took</span></div>
    <div id="list" class="list" role="listbox" tabindex="0" aria-label="Events, newest first">
      <div id="spacer" class="spacer" role="presentation"></div>
    </div>
    <button id="newest" class="newest" type="button" hidden></button>
    <div id="empty" class="empty" hidden><p><strong id="empty-title"></strong></p><p id="empty-text"></p>
      <ul id="commands" class="commands"></ul>
      <p><button id="empty-reset" type="button" hidden>Show all events</button></p></div>
  </section>
  <section id="table" class="panel tablebox" role="tabpanel" tabindex="0" hidden>
    <table><thead><tr id="table-head"></tr></thead><tbody id="table-body"></tbody></table>
    <p id="table-empty" class="note" hidden>No event passes the search.</p>
    <p id="table-note" class="note"></p>
  </section>
  <aside id="detail" class="panel detail" aria-label="The event" hidden>
    <header><h2 id="detail-title" tabindex="-1"></h2>
      <button id="close" type="button" title="Close (Esc)" aria-label="Close">×</button></header>
    <div class="panes"><div role="tablist" aria-label="Event or session">
        <button type="button" role="tab" id="show-event" aria-controls="pane-event" aria-selected="true">Event</button>
        <button type="button" role="tab" id="show-session" aria-controls="pane-session" title="(s)">Session</button></div>
      <span id="place" class="place"></span>
      <button id="previous" type="button" title="The request before in this session (b)" aria-label="Previous in the session">←</button>
      <button id="next" type="button" title="The next request in this session (n)" aria-label="Next in the session">→</button></div>
    <div id="pane-event" role="tabpanel" aria-labelledby="show-event">
      <dl id="facts" class="facts"></dl>
      <section><h3><span>As JSON</span> <span><button id="copy-curl" type="button" class="link">copy as curl</button>
          <button id="copy" type="button" class="link" title="Copy (c)">copy</button></span></h3>
        <pre id="json" class="json" tabindex="0" role="region" aria-label="The event as JSON"></pre></section>
    </div>
    <div id="pane-session" role="tabpanel" aria-labelledby="show-session" hidden>
      <section><p id="story-facts"></p><p id="story-entry" class="soft"></p>
        <svg id="story-chart" class="storychart" viewBox="0 0 400 26" preserveAspectRatio="none" aria-hidden="true"></svg>
        <p class="axis"><span id="story-start"></span><span id="story-end"></span></p>
        <p><button id="only-session" type="button" class="link">only this session in the list</button></p>
        <p id="story-more" class="soft"></p>
        <ol id="story" class="story"></ol></section>
    </div>
  </aside>
</div>
</main>
<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys and search</h2>
  <div class="columns"><dl class="keys"><div><dt>/</dt><dd>search</dd></div>
    <div><dt>↓ ↑ &nbsp;or&nbsp; j k</dt><dd>next, previous</dd></div>
    <div><dt>Enter</dt><dd>open</dd></div><div><dt>Esc</dt><dd>close</dd></div>
    <div><dt>n &nbsp;b</dt><dd>next, previous in its session</dd></div><div><dt>s</dt><dd>the session's story</dd></div>
    <div><dt>c</dt><dd>copy the open event</dd></div><div><dt>p</dt><dd>pause, go on</dd></div>
    <div><dt>g</dt><dd>to the newest</dd></div><div><dt>t</dt><dd>dark or light</dd></div></dl>
  <dl class="keys"><div><dt>status:500</dt><dd>or 4xx, 400-499, &gt;=400</dd></div>
    <div><dt>view:check*</dt><dd>* stands for anything</dd></div><div><dt>session:ab12</dt><dd>how its id begins</dd></div>
    <div><dt>took&gt;20ms</dt><dd>µs, ms, s, min</dd></div><div><dt>path:/cart</dt><dd>how it begins</dd></div>
    <div><dt>project: browser:</dt><dd>and referrer:</dd></div><div><dt>words</dt><dd>anywhere in the event</dd></div>
    <div><dt>"Exactly"</dt><dd>as written</dd></div><div><dt>-bot</dt><dd>without</dd></div></dl></div>
  <button id="help-close" type="button">Close</button></dialog>
<noscript><p class="empty">This page needs JavaScript. Events as JSON: /PROJECT_ID/events</p></noscript>
</body>
</html>

"""##),
("list.css", ##"""
/* The list, and what stands there when it is empty. */
.split { flex: 1; min-height: 240px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px }
.split.open { grid-template-columns: minmax(0, 1fr) minmax(390px, 34%) }
.panel { position: relative; display: flex; flex-direction: column; min-height: 0; overflow: hidden }
.panel.tablebox { display: block; overflow: auto }
.row {
  display: grid; align-items: center; column-gap: 14px; padding: 0 16px;
  grid-template-columns: 104px 52px minmax(0, 1fr) minmax(0, 150px) 84px 84px;
}
.head { height: 34px; flex: none; border-bottom: 1px solid var(--line); font-size: 12px; font-weight: 600; color: var(--soft) }
.num { text-align: right }
.list { --row: 36px; flex: 1; min-height: 0; overflow-y: scroll; overflow-anchor: none; position: relative;
  scrollbar-width: thin; scrollbar-color: var(--edge) transparent; outline-offset: -2px }
.spacer { position: relative; overflow: hidden; min-height: 1px }
.list .row {
  position: absolute; left: 0; right: 0; top: 0; height: var(--row); border-bottom: 1px solid var(--line);
  cursor: pointer; font-size: 13px; contain: strict;
}
.list .row > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.list .row:hover { background: var(--raised) }
.list .row[aria-selected="true"] { background: var(--tint); box-shadow: inset 3px 0 var(--accent) }
.time, .took { color: var(--soft) }
.took { text-align: right }
.took.slow { color: var(--s4); font-weight: 600 }
.path { font-family: var(--mono); font-size: 12.5px }
.view { color: var(--soft) }
.sid { font-family: var(--mono); font-size: 12px; color: var(--soft); display: flex; align-items: center; gap: 7px }
.sid i { width: 8px; height: 8px; border-radius: 50%; flex: none;
  background: light-dark(hsl(var(--hue) 60% 36%), hsl(var(--hue) 60% 64%)) }
.code { font-weight: 600; font-size: 12px; text-align: center; border-radius: 6px; line-height: 20px; width: 42px;
  display: inline-block; flex: none }
.code.s1 { color: var(--s1); background: var(--b1) } .code.s2 { color: var(--s2); background: var(--b2) }
.code.s3 { color: var(--s3); background: var(--b3) } .code.s4 { color: var(--s4); background: var(--b4) }
.code.s5 { color: var(--s5); background: var(--b5) }
.newest {
  position: absolute; top: 44px; left: 50%; translate: -50%; border-radius: 20px; background: var(--accent);
  color: light-dark(#fff, #0e1116); border: 0; box-shadow: 0 4px 14px #0003;
}
.newest:hover { background: var(--accent); filter: brightness(1.08) }
.empty { position: absolute; inset: 36px 0 0; display: flex; flex-direction: column; align-items: center;
  justify-content: center; text-align: center; gap: 6px; color: var(--soft); padding: 20px; overflow: auto }
.empty strong { color: var(--text); font-size: 15px }
.commands { list-style: none; padding: 0; display: grid; gap: 8px; width: min(760px, 100%); margin-top: 8px }
.commands li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 2px 10px; text-align: left; align-items: center }
.commands span { grid-column: 1 / 3; font-size: 12px; color: var(--soft); font-weight: 600 }
.commands code { font: 12.5px/1.6 var(--mono); background: var(--raised); border-radius: 8px; padding: 6px 12px;
  color: var(--text); overflow-wrap: anywhere }

"""##),
("list.js", ##"""
// The list. Only the rows that can be seen exist, however many events there are.
//
// What one points at stays: while the pointer, a finger or the focus is in the list, or it is scrolled, it shows the
// events that were there when that began, and new ones wait behind a button. A row belongs to one event as long as it
// can be seen, so a press begins and ends on the same.

import { $, element, onDraw, requestDraw, setText } from './dom.js';
import { indexOf, model, now } from './model.js';
import { hasOlder, loadOlder, connection } from './stream.js';
import { clock, duration, readable, viewName } from './text.js';

const list = $('list'), spacer = $('spacer'), BEYOND = 4, MOST = 140, LIFTED = 400;
const rows = new Map(), free = [];
let rowHeight = 36, snapshot = null, drawn = Infinity, isInside = false, pressed = 0, lifting = 0, made = 0;
export const selection = { event: null };
let open = () => {}, isOpen = () => false;

export const events = () => snapshot || model.shown;
const isHeld = () => isInside || pressed > 0 || list.matches(':focus-visible') || list.scrollTop > rowHeight / 2;

// What was drawn is what one points at; events that came since the last frame are new ones.
function hold() {
  if (snapshot) return;
  let end = model.shown.length;
  while (end && model.shown[end - 1].n > drawn) end--;
  snapshot = model.shown.slice(0, end);
}

// Shows what is there now: another search, another range, or the wish to see the newest.
export function renew() {
  snapshot = null;
  drawn = Infinity;
  list.scrollTop = 0;
  requestDraw();
}

export function toNewest() {
  if (list.contains(document.activeElement)) document.activeElement.blur();
  renew();
}

// Older events were put in front of those shown: who reads stays where he is.
export function keepPlace() {
  if (!snapshot) return;
  const newest = snapshot.length ? snapshot[snapshot.length - 1].n : -Infinity;
  snapshot = model.shown.filter(event => event.n <= newest);
  requestDraw();
}

function makeRow() {
  const row = element('div', 'row');
  row.id = 'row-' + made++;
  row.setAttribute('role', 'option');
  const sid = element('span', 'sid');
  sid.append(element('i'), element('span'));
  row.append(element('span', 'time'), element('span', 'code'), element('span', 'path'), element('span', 'view'),
    sid, element('span', 'took'));
  return spacer.appendChild(row);
}

function rowFor(event) {
  const known = rows.get(event);
  if (known) return known;
  const row = free.pop() || makeRow();
  rows.set(event, row);
  row.event = event;
  row.hidden = false;
  const [time, code, path, view, sid, took] = row.children;
  time.textContent = clock(event.time, now());
  code.textContent = event.status;
  code.className = 'code s' + event.kind;
  path.textContent = readable(event.path.slice(0, 500));
  view.textContent = viewName(event.view).slice(0, 200);
  sid.lastChild.textContent = event.session.slice(0, 6);
  sid.firstChild.style.setProperty('--hue', hue(event.session));
  took.textContent = duration(event.took);
  took.className = event.took >= 1000 ? 'took slow' : 'took';
  return row;
}

// The same session has the same color wherever it is shown.
export const hue = session => String(parseInt(session.slice(0, 4), 16) % 360 || 0);

function measure() {
  rowHeight = parseFloat(getComputedStyle(list).getPropertyValue('--row')) || 36;
  // The head stands over the columns, beside whatever the scroll bar takes.
  $('head').style.paddingRight = 16 + list.offsetWidth - list.clientWidth + 'px';
}

function draw() {
  if ($('events').hidden) return;
  if (isHeld()) hold(); else snapshot = null;
  const shown = events(), { scrollTop, clientHeight } = list;
  spacer.style.height = shown.length * rowHeight + 'px';
  const seen = Math.min(MOST, Math.ceil(clientHeight / rowHeight) + 2 * BEYOND);
  const first = Math.max(0, Math.min(shown.length - seen, Math.floor(scrollTop / rowHeight) - BEYOND));
  const last = Math.min(shown.length, first + seen), wanted = new Set();
  for (let place = first; place < last; place++) wanted.add(shown[shown.length - 1 - place]);
  for (const [event, row] of rows) {
    if (wanted.has(event)) continue;
    rows.delete(event);
    row.hidden = true;
    row.event = null;
    free.push(row);
  }
  let active = '';
  for (let place = first; place < last; place++) {
    const event = shown[shown.length - 1 - place], row = rowFor(event);
    row.style.transform = 'translateY(' + place * rowHeight + 'px)';
    row.setAttribute('aria-setsize', shown.length);
    row.setAttribute('aria-posinset', place + 1);
    const isSelected = event === selection.event;
    row.setAttribute('aria-selected', isSelected);
    if (isSelected) active = row.id;
  }
  drawn = shown.length ? shown[shown.length - 1].n : -Infinity;
  if (active) list.setAttribute('aria-activedescendant', active);
  else list.removeAttribute('aria-activedescendant');
  drawNew(shown);
  // Older ones are loaded before the end is in sight.
  if (scrollTop > 0 && scrollTop + 3 * clientHeight > shown.length * rowHeight) more();
}

function drawNew(shown) {
  let fresh = 0;
  if (snapshot) {
    const newest = shown.length ? shown[shown.length - 1].n : -Infinity, { shown: all } = model;
    while (fresh < all.length && all[all.length - 1 - fresh].n > newest) fresh++;
  }
  $('newest').hidden = !fresh;
  if (fresh) setText($('newest'), '↑ ' + fresh.toLocaleString('en') + ' new');
}

function more() {
  if (hasOlder() && !connection.isLoading) loadOlder().then(isMore => { if (isMore) keepPlace(); });
}

export function select(event) {
  selection.event = event;
  requestDraw();
}

// With the keys: from anywhere on the page. The list gets the focus, so that what is selected is told to all.
export function move(steps) {
  hold();
  const shown = events();
  if (!shown.length) return;
  if (document.activeElement !== list) list.focus({ preventScroll: true });
  const at = selection.event ? indexOf(selection.event, shown) : -1;
  const top = shown.length - 1 - Math.ceil(list.scrollTop / rowHeight);
  // What was selected long ago and can't be seen is no place to go on from, unless it is open.
  const isSeen = at >= 0 && at <= top && at > top - list.clientHeight / rowHeight;
  const index = at < 0 || !isSeen && !isOpen() ? Math.max(0, top) : Math.max(0, Math.min(shown.length - 1, at - steps));
  reveal(index, shown);
  select(shown[index]);
}

function reveal(index, shown) {
  const top = (shown.length - 1 - index) * rowHeight, bottom = top + rowHeight - list.clientHeight;
  spacer.style.height = shown.length * rowHeight + 'px';
  if (top < list.scrollTop) list.scrollTop = top;
  if (bottom > list.scrollTop) list.scrollTop = bottom;
}

export function start(openEvent, isEventOpen) {
  open = openEvent;
  isOpen = isEventOpen;
  // A finger's click comes a moment after it was lifted; it is meant for what was under it.
  const release = () => { if (pressed) lifting = setTimeout(() => { pressed = 0; requestDraw(); }, LIFTED); };
  list.addEventListener('pointerenter', event => {
    if (event.pointerType === 'touch') return;
    isInside = true;
    hold();
  });
  // Where the page moves under a pointer that rests, no browser says that it has entered.
  list.addEventListener('pointermove', event => {
    if (event.pointerType === 'touch' || isInside) return;
    isInside = true;
    hold();
  });
  list.addEventListener('pointerleave', () => { isInside = false; requestDraw(); });
  list.addEventListener('pointerdown', () => { clearTimeout(lifting); pressed = 1; hold(); });
  for (const name of ['pointerup', 'pointercancel']) addEventListener(name, release);
  list.addEventListener('focus', hold);
  list.addEventListener('blur', () => requestDraw());
  list.addEventListener('click', event => {
    const row = event.target.closest('.row');
    if (!row || !row.event) return;
    select(row.event);
    open(row.event);
  });
  list.addEventListener('scroll', () => requestDraw(), { passive: true });
  $('newest').addEventListener('click', toNewest);
  new ResizeObserver(() => { measure(); requestDraw(); }).observe(list);
  measure();
  onDraw(draw);
}

"""##),
("main.js", ##"""
// Puts the parts together: the controls, the keys, and what is in the address.

import * as address from './address.js';
import * as detail from './detail.js';
import { $, onDraw, requestDraw } from './dom.js';
import { keyOf } from './events.js';
import { csv, har, ndjson } from './export.js';
import * as list from './list.js';
import { bounds, forgetAll, model, now, refresh, resume, setQuery, setRange } from './model.js';
import * as overview from './overview.js';
import { toggle } from './search.js';
import * as searchbox from './searchbox.js';
import * as states from './states.js';
import { connect, hasOlder, loadBackTo, loadOlder } from './stream.js';
import * as tables from './tables.js';
import { clock, duration } from './text.js';
import * as timeline from './timeline.js';

const state = { ...address.DEFAULTS };
// An event that the address names, until it is found or known to be gone.
let sought = '';

function remember(changes) {
  Object.assign(state, changes);
  address.write(state);
}

// MARK: Search and range

function search(query) {
  setQuery(query);
  if ($('q').value !== query) $('q').value = query;
  $('reset').hidden = !query && !state.range;
  $('q').classList.toggle('active', query !== '');
  searchbox.drawErrors();
  list.renew();
  remember({ q: query.trim() });
  requestDraw(true);
}

const toggleTerm = (field, value) => search(toggle(model.query, field, value));

function range(text) {
  const parsed = address.parseRange(text);
  setRange(parsed);
  for (const made of $('ranges').children) made.setAttribute('aria-pressed', made.dataset.range === (parsed ? text : ''));
  const isPart = parsed && parsed.from !== undefined;
  $('range-chosen').hidden = !isPart;
  if (isPart) {
    $('range-chosen').textContent = clock(parsed.from, now()).slice(0, 14) + ' to ' + clock(parsed.to, now()).slice(0, 14) +
      ' (' + duration(parsed.to - parsed.from) + ') ×';
  }
  list.renew();
  remember({ range: parsed ? text : '' });
  $('reset').hidden = !model.query && !state.range;
  requestDraw(true);
  // What is kept and not held yet, back to the time before, for the comparison.
  if (parsed) {
    const { from, to } = bounds();
    loadBackTo(from - (to - from));
  }
}

// MARK: Tabs

const TABS = ['events', ...Object.keys(tables.TABS)];

function show(tab) {
  const name = TABS.includes(tab) ? tab : 'events', isList = name === 'events';
  for (const made of $('tabs').children) {
    const isShown = made.dataset.tab === name;
    made.setAttribute('aria-selected', isShown);
    made.tabIndex = isShown ? 0 : -1;
  }
  $('events').hidden = !isList;
  $('table').hidden = isList;
  $('table').setAttribute('aria-labelledby', 'tab-' + name);
  tables.show(isList ? '' : name);
  remember({ tab: isList ? '' : name });
  requestDraw(true);
}

function onTabKey(event) {
  const at = TABS.indexOf(state.tab || 'events'), step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const name = TABS[(at + step + TABS.length) % TABS.length];
  show(name);
  $('tab-' + name).focus();
}

// MARK: The open event

function opened() {
  sought = '';
  remember({ event: detail.opened.key, pane: detail.opened.pane });
}

function seek() {
  if (!sought || !model.all.length) return;
  const time = Number(sought.split('-')[0]) / 1e6;
  for (let i = model.all.length - 1; i >= 0; i--) {
    const event = model.all[i];
    if (Math.abs(event.time - time) < 1 && keyOf(event) === sought) {
      list.select(event);
      return detail.open(event, state.pane);
    }
  }
  if (hasOlder()) {
    const wanted = sought;
    loadBackTo(time - 1, () => sought !== wanted);
  }
}

// MARK: Export

function save(kind) {
  const events = model.shown, made = {
    ndjson: () => [ndjson(events), 'application/x-ndjson'], csv: () => [csv(events), 'text/csv'],
    har: () => [har(events), 'application/json'],
  }[kind];
  const [text, type] = made(), link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = 'events.' + kind;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  $('export').open = false;
}

// MARK: Controls and keys

function setPaused(value) {
  model.paused = value;
  $('pause').setAttribute('aria-pressed', value);
  $('pause').textContent = value ? 'Go on' : 'Pause';
  if (!value) resume();
  requestDraw(true);
}

function setTheme() {
  const root = document.documentElement, system = matchMedia('(prefers-color-scheme: dark)').matches;
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : system;
  root.dataset.theme = isDark ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* It is forgotten, then. */ }
}

function openSelected() {
  if (list.selection.event) detail.open(list.selection.event);
}

function move(steps) {
  if (state.tab) show('events');
  list.move(steps);
  if (detail.opened.event) openSelected();
}

const keys = {
  '/': () => { $('q').focus(); $('q').select(); }, p: () => setPaused(!model.paused), t: setTheme, c: detail.copy,
  g: list.toNewest, j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
  Enter: openSelected, o: openSelected, n: () => detail.step(1), b: () => detail.step(-1),
  s: () => detail.showPane(detail.opened.pane ? '' : 'session'), '?': () => $('help').showModal(),
  Escape: () => detail.close(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return;
  const { target, key } = event;
  if (target.matches('input')) {
    if (key === 'Escape') target.blur();
    return;
  }
  // A button, a tab or a link does with Enter what it always does; what scrolls, scrolls with the arrows.
  if (key === 'Enter' && target.closest('button, summary, a')) return;
  if (target.closest('.story, .json, .facts, .tablebox, details') && key.startsWith('Arrow')) return;
  if (!Object.hasOwn(keys, key)) return;
  keys[key]();
  event.preventDefault();
}

function apply(found) {
  Object.assign(state, found);
  sought = found.event;
  tables.shownTable.sort = found.sort;
  search(found.q);
  range(found.range);
  show(found.tab);
  if (!found.event && detail.opened.event) detail.close();
  seek();
}

function start() {
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  } catch { /* Then the system's choice holds. */ }
  states.start();
  overview.start(toggleTerm);
  timeline.start(({ from, to }) => range(from + '-' + to));
  tables.start({
    onFilter: toggleTerm, onSort: () => remember({ sort: tables.shownTable.sort }), onSession: detail.openSession,
  });
  list.start(event => detail.open(event), () => detail.opened.event !== null);
  detail.start(opened, session => { search(toggle(model.query, 'session', session.slice(0, 8))); show('events'); });
  searchbox.start(query => { if (query !== model.query) search(query); });
  document.addEventListener('keydown', onKey);
  for (const made of $('ranges').children) made.addEventListener('click', () => range(made.dataset.range));
  $('range-chosen').addEventListener('click', () => range(''));
  for (const made of $('tabs').children) {
    made.addEventListener('click', () => show(made.dataset.tab));
    made.addEventListener('keydown', onTabKey);
  }
  for (const made of $('export').querySelectorAll('button')) made.addEventListener('click', () => save(made.dataset.kind));
  const reset = () => { search(''); range(''); };
  $('reset').addEventListener('click', reset);
  $('empty-reset').addEventListener('click', reset);
  $('older').addEventListener('click', () => loadOlder().then(list.keepPlace));
  $('pause').addEventListener('click', () => setPaused(!model.paused));
  $('clear').addEventListener('click', () => {
    forgetAll();
    detail.close();
    list.selection.event = null;
    list.renew();
    requestDraw(true);
  });
  $('theme').addEventListener('click', setTheme);
  $('help-open').addEventListener('click', () => $('help').showModal());
  $('help-close').addEventListener('click', () => $('help').close());
  addEventListener('hashchange', () => apply(address.read()));
  onDraw(() => { if (sought) seek(); }, 300);
  apply(address.read());
  let restored = false;
  connect(() => {
    // A range from the address wants more than what comes at first.
    if (!restored && model.status && model.range) {
      restored = true;
      setTimeout(() => { const { from, to } = bounds(); loadBackTo(from - (to - from)); }, 500);
    }
    requestDraw();
  });
  // Time goes on without events, too.
  setInterval(() => { if (model.range && model.range.last) refresh(); requestDraw(); }, 1000);
}

start();
// For whoever works on the page, in the browser's console.
window.livePage = { model, list, detail };

"""##),
("model.js", ##"""
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

"""##),
("narrow.css", ##"""
/* Less room: fewer columns, rows of two lines, and the open event over the list. */
@media (max-width: 1240px) {
  .cards { grid-template-columns: repeat(3, minmax(0, 1fr)) }
  .card.wide { grid-column: 1 / 4 }
  .split.open .row { grid-template-columns: 104px 52px minmax(0, 1fr) 84px }
  .split.open .row > :nth-child(4), .split.open .row > :nth-child(5) { display: none }
  html, body { height: auto; min-height: 100% }
  .split { height: 78vh; flex: none }
}
@media (max-width: 900px) {
  .split.open { grid-template-columns: minmax(0, 1fr) }
  .detail { position: fixed; inset: 0; border-radius: 0; border: 0; z-index: 8 }
  #close { width: 40px; height: 36px; margin: -7px 0 }
  .share, .course { display: none }
}
@media (max-width: 640px) {
  main { padding: 0 12px 12px; gap: 10px }
  .top { padding: 10px 12px; gap: 10px; flex-wrap: wrap }
  .state { order: 3; width: 100%; margin: 0 }
  .actions { margin-left: auto; gap: 6px }
  #pause { min-width: 70px }
  #clear, #help-open { display: none }
  .searchbox { flex-basis: 100%; max-width: none }
  #q { font-size: 16px; height: 38px }
  .ranges { flex: 1 }
  .ranges button { flex: 1; padding: 0 2px; font-size: 12.5px }
  .count { width: 100%; margin: 0 }
  .cards { grid-template-columns: minmax(0, 1fr); gap: 8px }
  .card.wide { grid-column: auto; height: 170px }
  .card:nth-child(2), .card:nth-child(4) { height: auto }
  .card:nth-child(3) { height: 140px }
  .classes { flex-direction: row; flex-wrap: wrap; gap: 0 20px }
  .classes button { flex: 1 1 40% }
  .numbers strong { font-size: 16px }
  .card { padding: 9px 11px }
  .card h2 small { display: none }
  .wide h2 { white-space: normal }
  .wide h2 small { display: inline }
  thead th:nth-child(4), tbody td:nth-child(4), thead th:nth-child(6), tbody td:nth-child(6) { display: none }
  tbody th { width: 50% }
  thead th, tbody td { padding: 0 5px }
  .head { display: none }
  .list { --row: 58px }
  .list .row, .split.open .list .row {
    grid-template: "code path took" 24px "code view time" 20px / 42px minmax(0, 1fr) auto; align-content: center;
    padding: 0 12px; column-gap: 10px }
  .list .row > *, .split.open .list .row > * { display: block }
  .row .code { grid-area: code; align-self: center } .row .path { grid-area: path }
  .row .took { grid-area: took } .row .view { grid-area: view; font-size: 12px }
  .row .time { grid-area: time; font-size: 12px }
  .list .row .sid, .split.open .list .row .sid { display: none }
  .newest { top: 10px }
  .empty { inset: 0 }
}

"""##),
("overview.css", ##"""
/* The cards above the list. */
.cards { display: grid; grid-template-columns: minmax(0, 2.2fr) repeat(3, minmax(0, 1fr)); gap: 12px }
.card, .panel {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); min-width: 0;
}
.card { padding: 11px 14px 10px; height: 158px; display: flex; flex-direction: column; position: relative }
.card h2 { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; flex: none }
.most { position: absolute; right: 14px; top: 11px; font-size: 12px; color: var(--soft) }
.wide h2 { padding-right: 90px }
.chart { display: block; width: 100%; flex: 1; min-height: 0; margin-top: 6px; overflow: visible }
#timeline-chart { cursor: crosshair; touch-action: pan-y; overflow: hidden }
.chart rect, .chart .ok { fill: var(--mark) }
.chart .s4 { fill: var(--s4) }
.chart .s5 { fill: var(--s5) }
.chart line { stroke: var(--text); stroke-width: 1.2; vector-effect: non-scaling-stroke }
.chart line.p95 { stroke-dasharray: 5 3 }
.chart line.p99 { stroke-dasharray: 2 2 }
.chart .grid { stroke: var(--edge); stroke-dasharray: 2 4 }
.chart .brush { fill: var(--accent); fill-opacity: .16; stroke: var(--accent); vector-effect: non-scaling-stroke }
.axis { display: flex; justify-content: space-between; font-size: 11.5px; color: var(--soft); margin-top: 3px; flex: none }

.numbers { display: grid; grid-template-columns: 1fr 1fr; gap: 5px 14px; margin-top: 5px }
.numbers dt { font-size: 12px; color: var(--soft) }
.numbers dd { white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.numbers strong { font-size: 19px; font-weight: 650; letter-spacing: -.02em; line-height: 1.2 }
.compared { font-size: 11.5px; color: var(--soft); margin-top: auto; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.figures { display: grid; grid-template-columns: repeat(3, auto); gap: 10px; margin-top: 5px; color: var(--soft);
  font-size: 12px; justify-content: space-between }
.figures div { white-space: nowrap; min-width: 0 }
.figures dd { font-size: 15px; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; color: var(--text) }
.figures dd.slow { color: var(--s4) }

.stack { display: flex; gap: 2px; height: 8px; border-radius: 4px; overflow: hidden; margin: 10px 0 6px;
  background: var(--raised); flex: none }
.stack i { flex: 0 0 auto; min-width: 3px }
.stack .s1 { background: var(--s1) } .stack .s2 { background: var(--s2) } .stack .s3 { background: var(--s3) }
.stack .s4 { background: var(--s4) } .stack .s5 { background: var(--s5) }
.classes { flex: 1; display: flex; flex-direction: column; justify-content: space-between }
.classes button {
  border: 1px solid transparent; background: none; padding: 0 6px; margin: 0 -6px; height: 24px; border-radius: 6px; font-weight: 400;
  font-size: 13px; display: grid; grid-template-columns: 16px 1fr auto 52px; align-items: center; text-align: left;
}
.classes button:hover { background: var(--raised) }
.classes button[aria-pressed="true"] { background: var(--tint); color: inherit; border-color: var(--accent) }
.classes i { width: 8px; height: 8px; border-radius: 3px }
.classes .s2 i { background: var(--s2) } .classes .s3 i { background: var(--s3) }
.classes .s4 i { background: var(--s4) } .classes .s5 i { background: var(--s5) }
.classes b { font-weight: 600 }
.classes small { text-align: right }

.tabs { display: flex; gap: 2px; overflow-x: auto; scrollbar-width: none; flex: none; margin-bottom: -4px }
.tabs button, .panes [role="tab"] { border: 0; border-bottom: 2px solid transparent; border-radius: 6px 6px 0 0; background: none;
  color: var(--soft); font-size: 13px; height: 32px; padding: 0 11px; outline-offset: -2px; flex: none }
.tabs button:hover, .panes [role="tab"]:hover { color: var(--text) }
.tabs button[aria-selected="true"], .panes [aria-selected="true"] { color: var(--accent); border-bottom-color: var(--accent) }

.tablebox { overflow: auto; scrollbar-width: thin; scrollbar-color: var(--edge) transparent; outline-offset: -2px }
table { border-collapse: collapse; width: 100%; font-size: 13px }
thead th { position: sticky; top: 0; background: var(--card); z-index: 1; text-align: left; font-size: 12px;
  color: var(--soft); font-weight: 600; padding: 0 10px; height: 36px; box-shadow: inset 0 -1px var(--line) }
thead th:first-child, tbody th { padding-left: 16px }
thead th.num { text-align: right }
.sort { border: 0; background: none; padding: 0 4px; margin: 0 -4px; height: 28px; font-size: 12px; font-weight: 600 }
[aria-sort] .sort { color: var(--accent) }
[aria-sort="descending"] .sort::after { content: " ↓" }
[aria-sort="ascending"] .sort::after { content: " ↑" }
tbody tr { cursor: pointer }
tbody tr:hover { background: var(--raised) }
tbody tr.on { background: var(--tint) }
tbody th, tbody td { height: 34px; padding: 0 10px; border-bottom: 1px solid var(--line); white-space: nowrap }
tbody th { text-align: left; font-weight: 500; max-width: 0; width: 40%; padding-left: 16px }
.pick { border: 0; background: none; padding: 0 4px; margin: 0 -4px; height: 28px; max-width: 100%; overflow: hidden;
  text-overflow: ellipsis; display: block; font-weight: 500 }
.pick[aria-pressed="true"] { background: none }
tbody tr:hover .pick:hover { background: none }
td.num { text-align: right }
td.requests small, td.p95 small { margin-left: 6px }
td.share { width: 110px }
.meter { display: block; height: 3px; border-radius: 2px; background: var(--mark); margin-left: auto; max-width: 100% }
td.bad { color: var(--s5) }
.course { width: 130px }
.spark { width: 110px; height: 20px; display: block }
.spark path { fill: var(--mark) }
.note { padding: 10px 16px; color: var(--soft); font-size: 12.5px }

"""##),
("overview.js", ##"""
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

"""##),
("search.js", ##"""
// The search language: what is typed, as a question to each event. Pure.
//
//   status:500  status:4xx  status>=400   view:checkout  view:none   session:ab12   took>20ms   path:/cart
//   project:shop  browser:firefox  referrer:example.com   any words   "exactly this"   -without

export const FIELDS = {
  status: '500, 4xx or 400-499', view: 'a name; * stands for anything; none', session: 'how its id begins',
  took: '>20ms, <1s', path: 'how it begins; * stands for anything', project: 'its id', browser: 'its name, as Firefox',
  referrer: 'its host, direct or none',
};
const UNITS = { us: 1e-3, 'µs': 1e-3, ms: 1, s: 1e3, min: 6e4, m: 6e4, h: 36e5 };

// Pieces between spaces; a quote holds spaces together.
export function split(query) {
  const pieces = [], pattern = /(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g;
  for (let found; (found = pattern.exec(query));) {
    pieces.push({ text: found[0], from: found.index, to: found.index + found[0].length });
  }
  return pieces;
}

const unquoted = text => text[0] === '"' ? text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined)
  .replace(/\\(.)/g, '$1') : text;
export const quoted = text => /^[^\s"\\*]+$/.test(text) && text[0] !== '-' ? text :
  '"' + text.replace(/["\\]/g, '\\$&') + '"';

// A pattern with stars, in any case.
function pattern(value, isQuoted) {
  const lower = value.toLowerCase();
  if (isQuoted || !lower.includes('*')) return { isExact: true, test: text => text.toLowerCase() === lower, lower };
  const parts = lower.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp('^' + parts.join('.*') + '$', 's');
  return { isExact: false, test: text => expression.test(text.toLowerCase()), lower };
}

function comparison(operator, limit) {
  switch (operator) {
    case '>': return value => value > limit;
    case '<': return value => value < limit;
    case '>=': return value => value >= limit;
    case '<=': return value => value <= limit;
    default: return value => value === limit;
  }
}

function statusTest(operator, value) {
  const kind = /^([1-5])xx$/i.exec(value), span = /^(\d{3})-(\d{3})$/.exec(value);
  if (operator === ':' && kind) return event => event.kind === Number(kind[1]);
  if (operator === ':' && span) return event => event.status >= Number(span[1]) && event.status <= Number(span[2]);
  if (!/^\d{3}$/.test(value)) throw 'status: ' + FIELDS.status;
  const compare = comparison(operator, Number(value));
  return event => compare(event.status);
}

function tookTest(operator, value) {
  const parts = /^(\d+(?:\.\d+)?)(us|µs|ms|s|min|m|h)?$/i.exec(value);
  if (!parts || operator === ':') throw 'took: ' + FIELDS.took;
  const compare = comparison(operator, Number(parts[1]) * UNITS[(parts[2] || 'ms').toLowerCase()]);
  return event => compare(event.took);
}

function fieldTest(field, operator, text) {
  const value = unquoted(text), isQuoted = text[0] === '"';
  if (field === 'status') return statusTest(operator, value);
  if (field === 'took') return tookTest(operator, value);
  if (operator !== ':') throw field + ' has no order: write ' + field + ':' + text;
  const wanted = pattern(value, isQuoted);
  switch (field) {
    case 'view':
      if (value === 'none' && !isQuoted) return event => event.view === null;
      return event => event.view !== null && wanted.test(event.view);
    case 'session': return event => event.session.startsWith(wanted.lower);
    case 'path':
      if (isQuoted) return event => event.page.toLowerCase() === wanted.lower;
      return wanted.isExact ? event => event.path.toLowerCase().startsWith(wanted.lower) :
        event => wanted.test(event.page);
    case 'project': return event => wanted.test(event.project);
    case 'browser': return event => wanted.test(event.browser) || event.browser === '(' + wanted.lower + ')';
    default:
      if (value === 'direct' || value === 'none') return event => event.referrer === '(direct)';
      return event => wanted.test(event.referrer) || event.referrer.toLowerCase().endsWith('.' + wanted.lower);
  }
}

// Words are looked for in all of the event, in any case; what is quoted, exactly. JSON may have them escaped.
function textTest(text) {
  if (text[0] === '"') {
    const exact = unquoted(text), escaped = JSON.stringify(exact).slice(1, -1);
    return event => event.raw.includes(exact) || event.raw.includes(escaped);
  }
  const plain = text.toLowerCase(), escaped = JSON.stringify(plain).slice(1, -1);
  return event => {
    const raw = event.raw.toLowerCase();
    return raw.includes(plain) || raw.includes(escaped) || event.browser.toLowerCase() === plain;
  };
}

// Gives { terms, errors, test }. What can't be understood is told, and lets everything pass.
export function parse(query) {
  const terms = [], errors = [];
  for (const { text } of split(query)) {
    const isNegated = text.length > 1 && text[0] === '-', rest = isNegated ? text.slice(1) : text;
    const parts = /^([a-z]+)(:|>=|<=|>|<)(.*)$/is.exec(rest), field = parts && parts[1].toLowerCase();
    if (parts && Object.hasOwn(FIELDS, field)) {
      if (parts[3] === '' || parts[3] === '"') {
        errors.push(field + ': ' + FIELDS[field]);
        continue;
      }
      try {
        terms.push({ text, field, isNegated, test: fieldTest(field, parts[2], parts[3]) });
      } catch (error) {
        errors.push(String(error));
      }
    } else if (unquoted(rest)) {
      terms.push({ text, field: '', isNegated, test: textTest(rest) });
    }
  }
  const test = event => terms.every(term => term.test(event) !== term.isNegated);
  return { terms, errors, test };
}

// The query with a field's term set, or taken out if it is there just so.
export function toggle(query, field, value) {
  const wanted = field + ':' + value, pieces = split(query).map(piece => piece.text);
  const rest = pieces.filter(text => !text.toLowerCase().startsWith(field + ':'));
  return pieces.includes(wanted) ? rest.join(' ') : [...rest, wanted].join(' ');
}

export const has = (query, field, value) => split(query).some(piece => piece.text === field + ':' + value);

// What could stand at the caret: fields, or the values of one. `values(field)` gives those that were seen.
export function complete(query, caret, values) {
  const piece = split(query).find(({ from, to }) => from < caret && caret <= to) || { text: '', from: caret, to: caret };
  const minus = piece.text[0] === '-' ? '-' : '', typed = query.slice(piece.from + minus.length, caret);
  const parts = /^([a-z]+):(.*)$/is.exec(typed);
  let options = [];
  if (parts && Object.hasOwn(FIELDS, parts[1].toLowerCase())) {
    const field = parts[1].toLowerCase(), start = unquoted(parts[2]).toLowerCase();
    options = values(field).filter(([value]) => value.toLowerCase().includes(start))
      .map(([value, hint]) => ({ text: minus + field + ':' + value, hint }));
  } else if (!parts) {
    options = Object.keys(FIELDS).filter(field => field.startsWith(typed.toLowerCase()))
      .map(field => ({ text: minus + field + (field === 'took' ? '>' : ':'), hint: FIELDS[field] }));
  }
  return { from: piece.from, to: piece.to, options: options.filter(option => option.text !== piece.text).slice(0, 12) };
}

"""##),
("searchbox.js", ##"""
// The search field with its completion (the WAI-ARIA pattern of a combobox with a list) and its line of help.

import { $, element, setText } from './dom.js';
import { model, seenValues } from './model.js';
import { complete } from './search.js';

const field = $('q'), list = $('q-options');
let options = [], active = -1, span = { from: 0, to: 0 }, onQuery = () => {};

function offer() {
  const found = complete(field.value, field.selectionStart ?? field.value.length, seenValues);
  options = found.options;
  span = found;
  active = -1;
  list.replaceChildren(...options.map((option, i) => {
    const item = element('li');
    item.id = 'q-option-' + i;
    item.setAttribute('role', 'option');
    item.append(element('b', '', option.text), element('span', '', option.hint));
    // Before the field loses the focus.
    item.addEventListener('pointerdown', event => { event.preventDefault(); take(i); });
    return item;
  }));
  drawOptions();
}

function drawOptions() {
  list.hidden = !options.length;
  field.setAttribute('aria-expanded', options.length > 0);
  [...list.children].forEach((item, i) => item.setAttribute('aria-selected', i === active));
  if (active >= 0) field.setAttribute('aria-activedescendant', 'q-option-' + active);
  else field.removeAttribute('aria-activedescendant');
  if (active >= 0) list.children[active].scrollIntoView({ block: 'nearest' });
}

export function closeOptions() {
  options = [];
  active = -1;
  list.replaceChildren();
  drawOptions();
}

function take(i) {
  const { text } = options[i], isWhole = !/[:>]$/.test(text);
  field.setRangeText(text + (isWhole ? ' ' : ''), span.from, span.to, 'end');
  onQuery(field.value);
  if (isWhole) closeOptions(); else offer();
}

export function drawErrors() {
  // A term that is being typed is not wrong yet.
  const isTyping = document.activeElement === field && /[:<>="]$/.test(field.value);
  const errors = isTyping ? [] : model.search.errors;
  setText($('q-error'), errors.join(' · '));
  $('q-error').hidden = !errors.length;
  if (errors.length) field.setAttribute('aria-invalid', 'true'); else field.removeAttribute('aria-invalid');
}

// What is typed is found a moment later: each letter would otherwise search all events.
let timer = 0;
export function start(changed) {
  onQuery = changed;
  field.addEventListener('input', () => {
    offer();
    clearTimeout(timer);
    timer = setTimeout(() => changed(field.value), 120);
  });
  field.addEventListener('focus', () => { $('q-help').hidden = false; offer(); });
  field.addEventListener('blur', () => { $('q-help').hidden = true; closeOptions(); drawErrors(); });
  field.addEventListener('keydown', event => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!options.length) offer();
      if (!options.length) return;
      const step = event.key === 'ArrowDown' ? 1 : -1, count = options.length + 1;
      active = (active + 1 + step + count) % count - 1;
      drawOptions();
    } else if ((event.key === 'Enter' || event.key === 'Tab') && active >= 0) take(active);
    else if (event.key === 'Enter') {
      closeOptions();
      clearTimeout(timer);
      return changed(field.value);
    } else if (event.key === 'Escape' && options.length) closeOptions();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

"""##),
("states.js", ##"""
// What the page says about itself: the connection, what is held and kept, and what to do when there is nothing yet.

import { $, button, copyText, element, onDraw, setText } from './dom.js';
import { HELD, model } from './model.js';
import { connection, hasOlder } from './stream.js';
import { clock, duration, visible } from './text.js';

const number = value => value.toLocaleString('en');

function stateText() {
  const { state, since, reason } = connection, time = clock(since, Date.now()).slice(0, 8);
  switch (state) {
    case 'connecting':
      return reason === 'slow' ? 'Connecting: if six pages of this address are open, the browser lets this one wait' :
        'Connecting';
    case 'refused': return 'Refused: ' + visible(reason);
    case 'full': return 'Too many viewers: ' + visible(reason);
    case 'gone': return 'The event handler is gone since ' + time + ' (' + duration(Date.now() - since) + '); trying again';
    default: return 'Live';
  }
}

function draw() {
  const { status, paused } = model, { state } = connection;
  $('state').dataset.state = paused && state === 'live' ? 'paused' : state;
  const waiting = model.waiting.length ? ', ' + number(model.waiting.length) + ' new' : '';
  const text = paused ? 'Paused' + waiting + (state === 'live' ? '' : ' · ' + stateText()) : stateText();
  setText($('state-text'), text);
  drawCount();
  drawNotes(status);
  drawEmpty();
}

function drawCount() {
  const { all, shown, status } = model, kept = status ? status.end - status.first : 0;
  const isNarrowed = shown.length !== all.length;
  const parts = [];
  if (!all.length) parts.push('No events yet');
  else {
    parts.push(isNarrowed ? number(shown.length) + ' of ' + number(all.length) + ' events' :
      number(all.length) + (all.length === 1 ? ' event' : ' events'));
    if (kept > all.length) parts.push(number(kept) + ' kept');
  }
  setText($('count'), parts.join(', '));
  $('older').hidden = !hasOlder();
  setText($('older'), connection.isLoading ? 'loading…' : 'load older');
  if (all.length >= HELD && kept > all.length) setText($('count'), parts.join(', ') + '; a page holds ' + number(HELD));
}

// What somebody should know now: troubles first.
function drawNotes(status) {
  const notes = [];
  if (status) {
    if (status.storeTrouble) notes.push(visible(status.storeTrouble));
    if (status.notStored) notes.push(number(status.notStored) + ' events are not in the store');
    if (status.wrongToken) notes.push(number(status.wrongToken) + ' requests came with a wrong project token');
    const others = status.rejected - status.wrongToken;
    if (others > 0) {
      notes.push(number(others) + ' requests were refused' + (status.lastRejection ? ', the last one: ' +
        visible(status.lastRejection) : ''));
    }
    if (status.notPrinted) notes.push(number(status.notPrinted) + ' events were not printed: the reader is too slow');
  }
  if (model.missed) notes.push(number(model.missed) + ' events were too fast for this page and are not shown');
  setText($('notes-text'), notes.join(' · '));
  $('notes').hidden = !notes.length || notes.join() === dismissed;
}
let dismissed = '';

const quote = text => "'" + text + "'";
const EVENT = '{"project_token":"t","event_type":"page_view","ra_tracker_version":"by-hand","event_data":{' +
  '"view_name":"hello","header_data":{"HTTP_HOST":"example.com"},"full_url":"http://example.com/hello",' +
  '"ra_session_id":"00112233445566778899aabbccddeeff","time_request_received_ns":NOW,"processing_time_ns":1500000,' +
  '"response_data":{"status_code":200,"cookies":{}}}}';

function commands() {
  const settings = 'RA_PROJECT_ID=demo RA_PROJECT_TOKEN=t RA_BACKEND_ENDPOINT=' + location.origin + ' ';
  return [
    ['Run the demo', settings + 'swift run DemoRouterApp'], ['Point your app here', settings + 'swift run YourApp'],
    ['Send one event', 'curl ' + location.origin + '/demo -H ' + quote('Content-Type: application/json') + ' -d ' +
      quote(EVENT.replace('NOW', "'$(date +%s)000000000'"))],
  ];
}

function drawEmpty() {
  const isEmpty = !model.shown.length, isFirst = !model.all.length, isLoading = isFirst && connection.state === 'connecting';
  $('empty').hidden = !isEmpty || isLoading;
  if (!isEmpty) return;
  setText($('empty-title'), isFirst ? 'Waiting for the first event' : 'No event passes');
  setText($('empty-text'), isFirst ? 'Choose a way to send one; it appears here at once:' :
    number(model.all.length) + ' events are held; the search or the time leaves none of them.');
  $('commands').hidden = !isFirst;
  $('empty-reset').hidden = isFirst;
}

export function start() {
  $('commands').replaceChildren(...commands().map(([title, command]) => {
    const item = element('li'), copy = button('', 'copy', () => copyText(command, copy, 'copy'));
    copy.setAttribute('aria-label', 'copy: ' + title);
    item.append(element('span', '', title), element('code', '', command), copy);
    return item;
  }));
  $('notes-close').addEventListener('click', () => {
    dismissed = $('notes-text').textContent.split(' · ').join();
    $('notes').hidden = true;
  });
  onDraw(draw, 100);
}


"""##),
("stats.js", ##"""
// Figures of many events. Each event counts as often as its weight says: it stands for that many requests. Pure.

// The smallest value that at least this share of the weight does not exceed (nearest rank).
export function percentiles(values, weights, shares) {
  if (!values.length) return shares.map(() => NaN);
  const isEven = weights.every(weight => weight === weights[0]);
  if (isEven) {
    const sorted = Float64Array.from(values).sort();
    return shares.map(share => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]);
  }
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const found = [];
  let reached = 0, next = 0;
  const wanted = shares.map((share, i) => [share * total, i]).sort((a, b) => a[0] - b[0]);
  for (const i of order) {
    reached += weights[i];
    while (next < wanted.length && reached >= wanted[next][0] - total * 1e-12) found[wanted[next++][1]] = values[i];
  }
  return shares.map((_, i) => found[i] ?? values[order[order.length - 1]]);
}

export const isError = event => event.status >= 400;

// A group of events on its way to figures.
class Group {
  constructor(bins) {
    this.took = [];
    this.weights = [];
    this.requests = 0;
    this.errors = 0;
    this.count = 0;
    this.isSampled = false;
    this.spark = bins ? new Float64Array(bins) : null;
  }

  add(event, bin) {
    const { weight } = event;
    this.took.push(event.took);
    this.weights.push(weight);
    this.count++;
    this.requests += weight;
    if (weight !== 1) this.isSampled = true;
    if (isError(event)) this.errors += weight;
    if (this.spark && bin >= 0) this.spark[bin] += weight;
  }

  figures() {
    const [p50, p95, p99] = percentiles(this.took, this.weights, [0.5, 0.95, 0.99]);
    return {
      count: this.count, requests: this.requests, errors: this.errors, isSampled: this.isSampled,
      errorRate: this.requests ? this.errors / this.requests : NaN, p50, p95, p99, spark: this.spark,
    };
  }
}

// Sessions are sampled whole: one that was kept stands for as many as its events say.
export function summary(events) {
  const group = new Group(0), sessions = new Map();
  for (const event of events) {
    group.add(event, -1);
    sessions.set(event.session, Math.max(sessions.get(event.session) || 0, event.weight));
  }
  let total = 0;
  for (const weight of sessions.values()) total += weight;
  return { ...group.figures(), sessions: total };
}

// A row for each key, with its figures, its share, and its course over the time from `from` to `to`.
export function table(events, keyOf, { from, to, bins = 24 }) {
  const groups = new Map(), width = (to - from) / bins || 1;
  let total = 0;
  for (const event of events) {
    const key = keyOf(event);
    if (key === undefined) continue;
    let group = groups.get(key);
    if (!group) groups.set(key, group = new Group(bins));
    const bin = Math.floor((event.time - from) / width);
    group.add(event, Math.min(bins - 1, Math.max(0, bin)));
    total += event.weight;
  }
  return [...groups].map(([key, group]) => ({ key, ...group.figures(), share: group.requests / total }));
}

// The first event of each session among those given.
export function entries(events) {
  const first = new Map();
  for (const event of events) {
    const known = first.get(event.session);
    if (!known || event.time < known.time) first.set(event.session, event);
  }
  return [...first.values()];
}

// How many requests of each kind fell into each part of a time: [ok, 4xx, 5xx] a part.
export function timeline(events, from, to, bins) {
  const counts = Array.from({ length: bins }, () => [0, 0, 0]), width = (to - from) / bins || 1;
  for (const event of events) {
    const bin = Math.floor((event.time - from) / width);
    if (bin < 0 || bin >= bins) continue;
    counts[bin][event.kind === 5 ? 2 : event.kind === 4 ? 1 : 0] += event.weight;
  }
  return counts;
}

// Counts over a logarithmic axis: latencies span orders of magnitude.
export function histogram(events, bins) {
  const log = ms => Math.log10(Math.max(ms, 1e-3));
  let least = Infinity, most = -Infinity;
  for (const event of events) {
    if (event.took < least) least = event.took;
    if (event.took > most) most = event.took;
  }
  if (!events.length) return { counts: new Array(bins).fill(0), low: -1, high: 2, at: () => 0 };
  const low = Math.floor(log(least) * 2) / 2, high = Math.max(low + 1, Math.ceil(log(most) * 2) / 2);
  const at = ms => (log(ms) - low) / (high - low), counts = new Array(bins).fill(0);
  for (const event of events) counts[Math.min(bins - 1, Math.floor(at(event.took) * bins))] += event.weight;
  return { counts, low, high, at };
}

// A round length of time that gives about so many parts: 1, 2, 5, 10, 15, 30 s and so on, then multiples of 30 days:
// events of a clock that is wrong by decades must not make thousands of parts.
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800];
const MONTH = 30 * 86400e3;

export function step(length, parts) {
  const found = STEPS.find(seconds => length / parts <= seconds * 1000);
  return found ? found * 1000 : Math.max(1, Math.ceil(length / parts / MONTH)) * MONTH;
}

"""##),
("story.js", ##"""
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

"""##),
("stream.js", ##"""
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

"""##),
("tables.js", ##"""
// The tables: one row for each view, path, referrer and so on, with the figures of its requests.

import { $, button, element, onDraw, place, requestDraw, setText, shape } from './dom.js';
import { bounds, matching, model, searchValue } from './model.js';
import { has } from './search.js';
import { entries, table } from './stats.js';
import { amount, change, duration, percent, readable, viewName, visible } from './text.js';

// What each tab groups by, and the search that a row stands for.
export const TABS = {
  views: { title: 'View', key: event => event.view, label: viewName, field: 'view' },
  paths: { title: 'Path', key: event => event.page, label: readable, field: 'path' },
  referrers: { title: 'Referrer', key: event => event.referrer, label: visible, field: 'referrer',
    note: 'The site that a request came from, by its Referer header.' },
  browsers: { title: 'Browser', key: event => event.browser, label: visible, field: 'browser',
    note: 'Guessed from the User-Agent header.' },
  statuses: { title: 'Status', key: event => event.status, label: String, field: 'status' },
  entries: { title: 'Entry page', key: event => event.page, label: readable, field: 'path', of: entries,
    note: 'The first request of each session, among the events held.' },
  sessions: { title: 'Session', key: event => event.session, label: session => session.slice(0, 8), field: 'session',
    note: 'Click one to see its story.' },
  projects: { title: 'Project', key: event => event.project, label: visible, field: 'project' },
};
const COLUMNS = [
  ['requests', 'Requests', row => row.requests], ['share', 'Share', row => row.share], ['p50', 'p50', row => row.p50],
  ['p95', 'p95', row => row.p95], ['p99', 'p99', row => row.p99], ['errors', 'Errors', row => row.errorRate],
];
const MOST = 200, BINS = 24;
export const shownTable = { tab: '', sort: '' };
let onFilter = () => {}, onSort = () => {}, onSession = () => {};
const rows = [];

function sorting() {
  const [name, direction] = (shownTable.sort || 'requests-down').split('-');
  return { name, isDown: direction !== 'up' };
}

function draw() {
  const tab = TABS[shownTable.tab];
  if (!tab) return;
  const { from, to } = bounds(), events = tab.of ? tab.of(model.shown) : model.shown;
  const found = table(events, tab.key, { from, to, bins: BINS }), { name, isDown } = sorting();
  const column = COLUMNS.find(([id]) => id === name);
  const value = column ? column[2] : row => tab.label(row.key);
  found.sort((a, b) => {
    const x = value(a), y = value(b);
    const order = typeof x === 'string' ? (x < y ? 1 : x > y ? -1 : 0) : (y || 0) - (x || 0);
    return (isDown ? order : -order) || b.count - a.count;
  });
  drawHead(tab, name, isDown);
  const length = to - from, isComparable = model.range && model.all.length && model.all[0].time <= from - length;
  const before = new Map();
  if (isComparable) {
    const earlier = matching(from - length, from);
    for (const row of table(tab.of ? tab.of(earlier) : earlier, tab.key, { from: 0, to: 1, bins: 1 })) {
      before.set(row.key, row);
    }
  }
  const isSampled = found.some(row => row.isSampled);
  while (rows.length < Math.min(MOST, found.length)) rows.push(makeRow());
  rows.forEach((row, i) => {
    row.line.hidden = i >= found.length;
    if (i < found.length) fill(row, found[i], tab, before.get(found[i].key), isSampled, isComparable);
  });
  const notes = [found.length.toLocaleString('en') + (found.length === 1 ? ' row' : ' rows') + (found.length > MOST ? ', the first ' + MOST + ' are shown' : '')];
  if (tab.note) notes.push(tab.note);
  if (isSampled) notes.push('≈: estimated, because not every session was recorded.');
  if (isComparable) notes.push('Small figures: change against the ' + duration(length) + ' before.');
  notes.push('Errors: status 400 and above. Requests over time: ' + duration(length) + ' from left to right.');
  setText($('table-note'), notes.join(' · '));
  $('table-empty').hidden = found.length > 0;
}

function makeRow() {
  const line = element('tr'), label = element('th'), pick = button('pick');
  label.scope = 'row';
  label.append(pick);
  line.append(label);
  const cells = COLUMNS.map(([id]) => line.appendChild(element('td', 'num ' + id)));
  for (const cell of [cells[0], cells[3]]) cell.append(element('span'), element('small'));
  const share = cells[1];
  share.append(element('span'), element('i', 'meter'));
  const picture = shape('svg', { viewBox: '0 0 ' + BINS * 4 + ' 20', preserveAspectRatio: 'none', class: 'spark',
    'aria-hidden': 'true' });
  const path = shape('path', {}, picture);
  line.appendChild(element('td', 'course')).append(picture);
  $('table-body').append(line);
  const row = { line, pick, cells, path, key: undefined };
  // The row as a whole can be pressed; keyboards reach the button in it.
  line.addEventListener('click', () => act(row));
  return row;
}

function act(row) {
  if (shownTable.tab === 'sessions') return onSession(row.key);
  const { field } = TABS[shownTable.tab];
  onFilter(field, searchValue(field, row.key));
}

function fill(row, data, tab, before, isSampled, isComparable) {
  const { cells } = row, about = isSampled ? '≈ ' : '';
  row.key = data.key;
  setText(row.pick, tab.label(data.key).slice(0, 300) || '(empty)');
  const isOn = tab.field !== 'session' && has(model.query, tab.field, searchValue(tab.field, data.key));
  row.pick.setAttribute('aria-pressed', isOn);
  row.line.classList.toggle('on', isOn);
  setText(cells[0].firstChild, about + amount(data.requests));
  setText(cells[0].lastChild, before ? change(data.requests, before.requests) : isComparable ? 'new' : '');
  setText(cells[1].firstChild, percent(data.share));
  cells[1].lastChild.style.width = data.share * 100 + '%';
  setText(cells[2], duration(data.p50));
  setText(cells[3].firstChild, duration(data.p95));
  setText(cells[3].lastChild, before ? change(data.p95, before.p95) : '');
  setText(cells[4], duration(data.p99));
  setText(cells[5], percent(data.errorRate));
  cells[5].classList.toggle('bad', data.errorRate > 0);
  const most = Math.max(...data.spark);
  let path = '';
  data.spark.forEach((count, bin) => {
    if (!count) return;
    const height = Math.max(1.5, count / most * 19);
    path += 'M' + bin * 4 + ' 20v-' + height.toFixed(1) + 'h3V20z';
  });
  place(row.path, { d: path });
}

function drawHead(tab, name, isDown) {
  const head = $('table-head');
  if (head.dataset.tab !== shownTable.tab) {
    head.dataset.tab = shownTable.tab;
    head.replaceChildren(...[['key', tab.title], ...COLUMNS].map(([id, title]) => {
      const cell = element('th', id === 'key' ? '' : 'num ' + id), sort = button('sort', title, () => sortBy(id));
      cell.scope = 'col';
      cell.dataset.id = id;
      cell.append(sort);
      return cell;
    }), Object.assign(element('th', 'course', 'Over time'), { scope: 'col' }));
  }
  for (const cell of head.children) {
    if (!cell.dataset.id) continue;
    if (cell.dataset.id === name) cell.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
    else cell.removeAttribute('aria-sort');
  }
}

function sortBy(id) {
  const { name, isDown } = sorting();
  shownTable.sort = id === name ? id + (isDown ? '-up' : '-down') : id + '-down';
  onSort();
  requestDraw(true);
}

export function show(tab) {
  shownTable.tab = tab;
  for (const row of rows) row.line.hidden = true;
  $('table').scrollTop = 0;
  requestDraw(true);
}

export function start(actions) {
  ({ onFilter, onSort, onSession } = actions);
  onDraw(draw, 1000);
}

"""##),
("text.js", ##"""
// How values are written for people. Pure: knows neither the page nor its events.

const SIGNIFICANT = 3;

// 1.23 ms, 45.6 s, 3.2 min; whatever a request took fits into nine characters.
export function duration(ms) {
  if (!(ms >= 0)) return '–';
  if (ms < 0.1) return Math.round(ms * 1000) + ' µs';
  if (ms < 1) return ms.toPrecision(2) + ' ms';
  if (ms < 999.5) return ms.toPrecision(SIGNIFICANT) + ' ms';
  for (const [unit, length, limit] of [['s', 1e3, 60], ['min', 6e4, 60], ['h', 36e5, 24]]) {
    if (ms / length < limit) return Number((ms / length).toPrecision(SIGNIFICANT)) + ' ' + unit;
  }
  return amount(ms / 864e5) + ' d';
}

// 950, 1,234, 45.6k, 7.89M
export function amount(number) {
  if (!(number >= 0)) return '–';
  if (number < 10) return String(Math.round(number * 10) / 10);
  if (number < 1e4) return Math.round(number).toLocaleString('en');
  for (const [unit, size] of [['k', 1e3], ['M', 1e6], ['G', 1e9]]) {
    if (number < size * 999.5) return Number((number / size).toPrecision(SIGNIFICANT)) + unit;
  }
  return number.toExponential(1);
}

export function percent(share) {
  if (!(share >= 0)) return '–';
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return (value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)) + ' %';
}

// How much more or less than before: "+12 %", "×3.4", or "" where nothing can be compared.
export function change(now, before) {
  if (!(before > 0) || !(now >= 0)) return '';
  const ratio = now / before;
  if (ratio >= 3) return '×' + amount(ratio);
  const value = Math.round((ratio - 1) * 100);
  return (value > 0 ? '+' : value < 0 ? '−' : '±') + Math.abs(value) + ' %';
}

const pad = (number, digits) => String(number).padStart(digits, '0');

export function clock(ms, today) {
  const d = new Date(ms), time = [d.getHours(), d.getMinutes(), d.getSeconds()].map(part => pad(part, 2)).join(':');
  if (today !== undefined && new Date(today).toDateString() === d.toDateString()) {
    return time + '.' + pad(d.getMilliseconds(), 3);
  }
  return pad(d.getMonth() + 1, 2) + '-' + pad(d.getDate(), 2) + ' ' + time;
}

export function dateAndTime(ms) {
  const d = new Date(ms);
  if (Number.isNaN(d.getTime())) return '–';
  return d.getFullYear() + '-' + pad(d.getMonth() + 1, 2) + '-' + pad(d.getDate(), 2) + ' ' +
    [d.getHours(), d.getMinutes(), d.getSeconds()].map(part => pad(part, 2)).join(':') + '.' +
    pad(d.getMilliseconds(), 3);
}

// Characters that show nothing themselves and change how others are shown: controls, marks that turn the direction
// of text (U+202E and its kind), spaces without a width.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function visible(text) {
  return text.replace(HIDDEN, mark => '⟨U+' + mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '⟩');
}

// A path as a person would write it: "/caf%C3%A9" is "/café". What would mean something else decoded stays.
const MEANING = /[\s/?#%&=+\u0000-\u001f\u007f]/;

export function readable(path) {
  const decoded = path.replace(/(?:%[0-9a-f]{2})+/gi, run => {
    try {
      return [...decodeURIComponent(run)].map(c => MEANING.test(c) ? encodeURIComponent(c) : c).join('');
    } catch {
      return run;
    }
  });
  return visible(decoded);
}

export const viewName = view => view === null ? '(no view)' : view === '' ? '(empty)' : visible(view);

"""##),
("timeline.js", ##"""
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


"""##),
    ]
}
