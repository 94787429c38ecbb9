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
