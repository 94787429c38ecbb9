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

