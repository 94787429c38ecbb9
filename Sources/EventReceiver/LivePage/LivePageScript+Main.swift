extension LivePageScript {
    /// The connection, the controls and the keys.
    static let main = #"""
        let isDrawAsked = false, instance = '', state = 'connecting';
        function requestDraw() {
          if (isDrawAsked) return;
          isDrawAsked = true;
          requestAnimationFrame(() => {
            isDrawAsked = false;
            if (optionsChanged) drawOptions();
            if (Date.now() - chartsDrawn > 500) drawCharts();
            drawList();
            drawState();
          });
        }

        const labels = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost, trying again' };
        function drawState() {
          $('state').dataset.state = paused && state === 'live' ? 'paused' : state;
          const come = waiting.length ? ', ' + waiting.length.toLocaleString('en') + ' new' : '';
          const parts = [paused ? 'Paused' + come : labels[state]];
          if (paused && state !== 'live') parts.push(labels[state].toLowerCase());
          if (missed) parts.push(missed.toLocaleString('en') + ' missed: too many for this page');
          setText($('state-text'), parts.join(' · '));
          const isFiltered = Object.values(filters).some(Boolean), total = all.length.toLocaleString('en');
          setText($('count'), !all.length ? 'No events yet' : isFiltered ?
            shown.length.toLocaleString('en') + ' of ' + total + ' events' :
            total + (all.length === 1 ? ' event' : ' events'));
          $('reset').hidden = !isFiltered;
        }

        function setFilter(name, value) {
          filters[name] = value;
          applyFilters();
          showFilters();
          list.scrollTop = 0;
          unseen = 0;
          drawCharts();
          requestDraw();
        }

        let hashTimer = 0;
        function showFilters() {
          drawOptions();
          for (const name in filters) {
            if ($(name).value !== filters[name]) $(name).value = filters[name];
            $(name).classList.toggle('active', filters[name] !== '');
          }
          clearTimeout(hashTimer);
          hashTimer = setTimeout(() => {
            const used = Object.entries(filters).filter(([, value]) => value);
            history.replaceState(null, '', used.length ? '#' + new URLSearchParams(used) : location.pathname);
          }, 300);
        }

        function readHash() {
          const given = new URLSearchParams(location.hash.slice(1));
          for (const name in filters) filters[name] = given.get(name) || '';
          applyFilters();
          showFilters();
        }

        function drawOptions() {
          optionsChanged = false;
          const option = (value, text) => {
            const made = element('option', '', text);
            made.value = value;
            return made;
          };
          const { status, view } = filters;
          if (status.length === 3) codes.add(Number(status));
          if (view && !views.has(view)) views.set(view, view === 'null' ? viewLabel(null) : viewLabel(view.slice(1)));
          $('status').replaceChildren(option('', 'Any status'),
            ...[1, 2, 3, 4, 5].map(kind => option(String(kind), kind + 'xx')),
            ...[...codes].sort((a, b) => a - b).map(code => option(String(code), String(code))));
          $('view').replaceChildren(option('', 'Any view'),
            ...[...views].sort((a, b) => a[1] < b[1] ? -1 : 1)
              .map(([value, label]) => option(value, label.slice(0, 80))));
          $('status').value = status;
          $('view').value = view;
        }

        function setPaused(value) {
          paused = value;
          $('pause').setAttribute('aria-pressed', paused);
          setText($('pause'), paused ? 'Go on' : 'Pause');
          if (!paused) {
            for (const event of waiting) hold(event);
            waiting = [];
          }
          requestDraw();
        }

        function setTheme() {
          const root = document.documentElement, system = matchMedia('(prefers-color-scheme: dark)').matches;
          const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : system;
          root.dataset.theme = isDark ? 'light' : 'dark';
          try { localStorage.setItem('theme', root.dataset.theme); } catch { /* It is forgotten, then. */ }
        }

        function connect() {
          const source = new EventSource('/_live');
          source.addEventListener('hello', message => {
            const hello = JSON.parse(message.data);
            // A new event handler numbers its events anew, and sends what it has.
            if (instance && instance !== hello.instance) forgetAll();
            instance = hello.instance;
            clockOffset = hello.now - Date.now();
            state = 'live';
            requestDraw();
          });
          source.addEventListener('missed', message => { missed += Number(message.data); requestDraw(); });
          source.addEventListener('message', message => { receive(readEvent(message.data)); requestDraw(); });
          source.addEventListener('error', () => {
            state = 'lost';
            requestDraw();
            if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
          });
        }

        const keys = {
          '/': () => { $('q').focus(); $('q').select(); }, p: () => setPaused(!paused), t: setTheme, c: copyEvent,
          g: toNewest, j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
          '?': () => $('help').showModal(), Escape: closeDetail,
        };
        document.addEventListener('keydown', event => {
          if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return;
          if (event.target.matches('input, select')) {
            if (event.key === 'Escape' && !event.target.value) list.focus();
            return;
          }
          if (event.target.closest('.trail, .json, .facts') && event.key.startsWith('Arrow')) return;
          if (event.key === 'Enter' && event.target === list && selected) openDetail(selected);
          else if (Object.hasOwn(keys, event.key)) keys[event.key]();
          else return;
          event.preventDefault();
        });

        for (const name of ['q', 'session']) {
          $(name).addEventListener('input', () => setFilter(name, name === 'q' ? $(name).value :
            $(name).value.trim().toLowerCase()));
        }
        for (const name of ['status', 'view']) $(name).addEventListener('change', () => setFilter(name, $(name).value));
        $('reset').addEventListener('click', () => {
          for (const name in filters) filters[name] = '';
          setFilter('q', '');
        });
        $('pause').addEventListener('click', () => setPaused(!paused));
        $('clear').addEventListener('click', () => {
          forgetAll();
          closeDetail();
          selected = null;
          drawCharts();
          requestDraw();
        });
        $('theme').addEventListener('click', setTheme);
        $('help-open').addEventListener('click', () => $('help').showModal());
        $('help-close').addEventListener('click', () => $('help').close());
        addEventListener('hashchange', () => { readHash(); requestDraw(); });
        try {
          const theme = localStorage.getItem('theme');
          if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
        } catch { /* Then the system's choice holds. */ }

        measure();
        readHash();
        drawCharts();
        requestDraw();
        connect();
        setInterval(() => { drawCharts(); drawTrail(); }, 500);

        """#
}
