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
