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
