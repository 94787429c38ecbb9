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
