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
