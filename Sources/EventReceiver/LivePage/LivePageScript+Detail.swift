extension LivePageScript {
    /// The event that is open: its facts, its session, and all of it as JSON.
    static let detail = #"""
        const TRAIL = 50, PIECES = 4000, LONGEST = 200000;
        let opened = null, trailState = '';

        function openDetail(event) {
          opened = event;
          $('detail').hidden = false;
          $('split').classList.add('open');
          const title = $('detail-title');
          title.textContent = '';
          title.append(element('span', 'code s' + event.kind, event.status), element('span', '', event.path));
          drawFacts(event);
          drawJSON(event);
          trailState = '';
          drawTrail();
          $('detail').scrollTop = 0;
          if (matchMedia('(max-width: 900px)').matches) title.focus();
          measure();
          requestDraw();
        }

        function closeDetail() {
          if (!opened) return;
          opened = null;
          $('detail').hidden = true;
          $('split').classList.remove('open');
          list.focus({ preventScroll: true });
          requestDraw();
        }

        function drawFacts(event) {
          const whole = JSON.parse(event.raw), body = whole.event_data, headers = body.header_data || {};
          const facts = [
            ['Address', event.url, 'mono'], ['View', viewLabel(event.view)], ['Took', duration(event.took)],
            ['Received', clock(event.time, true)], ['User agent', headers.HTTP_USER_AGENT],
            ['Referrer', headers.HTTP_REFERER, 'mono'], ['Session', event.session, 'mono'], ['Project', event.project],
            ['Tracker', whole.ra_tracker_version],
            ['Stands for', body.sample_weight && body.sample_weight + ' requests'],
            ['Shortened', body.truncated && 'yes: the event was too large'],
          ];
          $('facts').replaceChildren(...facts.filter(fact => fact[1]).map(([name, value, className]) => {
            const fact = element('div');
            fact.append(element('dt', '', name), element('dd', className, String(value)));
            return fact;
          }));
        }

        // Works on the text as it came: numbers of nanoseconds are too long for JavaScript's own.
        const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
        function pretty(raw) {
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

        function drawJSON(event) {
          const pieces = pretty(event.raw), text = pieces.map(piece => piece[1]).join('');
          const target = $('json');
          event.pretty = () => text;
          if (pieces.length > PIECES || text.length > LONGEST) {
            const rest = text.length - LONGEST;
            target.textContent = text.slice(0, LONGEST) +
              (rest > 0 ? '\n… ' + rest + ' more characters; copy has all' : '');
          } else {
            target.replaceChildren(...pieces.map(([className, part]) => {
              return className ? element('span', className, part) : part;
            }));
          }
        }

        function drawTrail() {
          if (!opened) return;
          const mine = all.filter(event => event.session === opened.session);
          const state = opened.n + ' ' + mine.length + ' ' + (mine.length ? mine[mine.length - 1].n : '');
          if (state === trailState) return;
          trailState = state;
          const at = mine.indexOf(opened), from = Math.max(0, Math.min(mine.length - TRAIL, at - TRAIL / 2));
          const part = mine.slice(from, from + TRAIL), start = mine.length ? mine[0].time : 0;
          $('trail').replaceChildren(...part.map(event => {
            const item = element('li'), button = element('button');
            button.type = 'button';
            button.setAttribute('aria-current', event === opened);
            button.append(element('span', 'code s' + event.kind, event.status),
              element('span', 'time', '+' + duration(Math.max(0, event.time - start))),
              element('span', 'path', event.path), element('span', 'took', duration(event.took)));
            button.addEventListener('click', () => { select(event); openDetail(event); });
            item.append(button);
            return item;
          }));
          setText($('trail-more'), part.length < mine.length ?
            'Requests ' + (from + 1) + ' to ' + (from + part.length) + ' of ' + mine.length + ' of this session' : '');
          const current = $('trail').querySelector('[aria-current="true"]');
          if (current) $('trail').scrollTop = current.offsetTop - $('trail').offsetTop - 60;
        }

        async function copyEvent() {
          if (!opened) return;
          const text = opened.pretty(), button = $('copy');
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
          button.textContent = isCopied ? 'copied' : 'not allowed here';
          setTimeout(() => { button.textContent = 'copy'; }, 1500);
        }

        $('close').addEventListener('click', closeDetail);
        $('copy').addEventListener('click', copyEvent);
        $('only-session').addEventListener('click', () => opened && setFilter('session', opened.session));

        """#
}
