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
