/// The live page's script. What events say is set as text alone, never as markup.
enum LivePageScript {
    /// The events that the page holds, and the filters.
    static let model = #"""
        'use strict';
        const $ = id => document.getElementById(id);
        const HELD = 10000, SLACK = 1000, HELD_CHARACTERS = 64e6, OPTIONS = 300;
        const all = [];      // every event that is held, oldest first
        let shown = [];      // those of them that pass the filters
        let waiting = [];    // what came during a pause
        let paused = false, missed = 0, characters = 0, nextNumber = 0, grown = 0;
        const filters = { q: '', status: '', view: '', session: '' };
        const codes = new Set(), views = new Map();
        let needles = [];

        // Two lines: the project as a JSON string, and the event.
        function readEvent(data) {
          const cut = data.indexOf('\n'), raw = data.slice(cut + 1);
          let event, project;
          try { event = JSON.parse(raw); project = JSON.parse(data.slice(0, cut)); } catch { return null; }
          const body = event.event_data || {}, response = body.response_data || {}, url = String(body.full_url);
          const host = url.indexOf('://') + 3, path = url.indexOf('/', host);
          return {
            n: 0, raw, project, status: response.status_code, kind: Math.floor(response.status_code / 100),
            view: typeof body.view_name === 'string' ? body.view_name : null, session: String(body.ra_session_id),
            path: path < 0 ? '/' : url.slice(path), url, time: body.time_request_received_ns / 1e6,
            took: body.processing_time_ns / 1e6,
          };
        }

        function receive(event) {
          if (!event) return;
          if (!paused) return hold(event);
          waiting.push(event);
          if (waiting.length > HELD + SLACK) waiting.splice(0, SLACK);
        }

        function hold(event) {
          event.n = nextNumber++;
          all.push(event);
          characters += event.raw.length;
          noteOptions(event);
          if (passes(event)) { shown.push(event); grown++; }
          if (all.length > HELD + SLACK) drop(SLACK);
          while (characters > HELD_CHARACTERS && all.length > 1) drop(Math.ceil(all.length / 10));
        }

        function drop(count) {
          for (const event of all.splice(0, count)) characters -= event.raw.length;
          let gone = 0;
          while (gone < shown.length && shown[gone].n < all[0].n) gone++;
          shown.splice(0, gone);
        }

        function passes(event) {
          const { status, view, session } = filters;
          if (status && (status.length === 1 ? String(event.kind) : String(event.status)) !== status) return false;
          if (view && (view === 'null' ? event.view !== null : '=' + event.view !== view)) return false;
          if (session && !event.session.startsWith(session)) return false;
          if (!needles.length) return true;
          const text = event.raw.toLowerCase();
          return needles.every(([plain, escaped]) => text.includes(plain) || text.includes(escaped));
        }

        // Every word has to be there, in any case; quotes and the like may be escaped in JSON.
        function applyFilters() {
          needles = filters.q.toLowerCase().split(/\s+/).filter(Boolean)
            .map(word => [word, JSON.stringify(word).slice(1, -1)]);
          shown = all.filter(passes);
          grown = 0;
        }

        function forgetAll() {
          all.length = 0; waiting = []; shown = []; characters = 0; grown = 0; missed = 0;
        }

        // Where an event is among those shown; they are in the order of their numbers.
        function indexOf(event) {
          let low = 0, high = shown.length - 1;
          while (low <= high) {
            const middle = (low + high) >> 1;
            if (shown[middle].n === event.n) return middle;
            if (shown[middle].n < event.n) low = middle + 1; else high = middle - 1;
          }
          return -1;
        }

        // The choices of the two lists; as many as a list can take.
        let optionsChanged = true;
        function noteOptions(event) {
          if (!codes.has(event.status)) { codes.add(event.status); optionsChanged = true; }
          const value = viewValue(event.view);
          if (views.has(value) || views.size >= OPTIONS) return;
          views.set(value, viewLabel(event.view));
          optionsChanged = true;
        }
        const viewValue = view => view === null ? 'null' : '=' + view;
        const viewLabel = view => view === null ? '(no view)' : view === '' ? '(empty)' : view;

        function duration(ms) {
          if (!(ms >= 0)) return '–';
          if (ms < 0.1) return Math.round(ms * 1000) + ' µs';
          if (ms < 1000) return ms.toPrecision(ms < 1 ? 2 : 3).replace(/e\+3$/, '') + ' ms';
          return ms < 1e5 ? (ms / 1000).toPrecision(3) + ' s' : Math.round(ms / 1000) + ' s';
        }
        const pad = (number, digits) => String(number).padStart(digits, '0');
        function clock(ms, withDate) {
          const d = new Date(ms), today = new Date(Date.now() + clockOffset).toDateString() === d.toDateString();
          const time = [d.getHours(), d.getMinutes(), d.getSeconds()].map(part => pad(part, 2)).join(':');
          const date = d.getFullYear() + '-' + pad(d.getMonth() + 1, 2) + '-' + pad(d.getDate(), 2);
          if (withDate) return date + ' ' + time + '.' + pad(d.getMilliseconds(), 3);
          return today ? time + '.' + pad(d.getMilliseconds(), 3) : date.slice(5) + ' ' + time;
        }
        let clockOffset = 0;

        function element(name, className, text) {
          const made = document.createElement(name);
          if (className) made.className = className;
          if (text !== undefined) made.textContent = text;
          return made;
        }
        function setText(target, text) { if (target.textContent !== text) target.textContent = text; }

        """#
}
