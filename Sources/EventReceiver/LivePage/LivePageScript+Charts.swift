extension LivePageScript {
    /// The cards: all of them are about the events that pass the filters.
    static let charts = #"""
        const SVG = 'http://www.w3.org/2000/svg', SECONDS = 60, BINS = 36, TOP = 4;
        function shapes(name, count, parent, className) {
          return Array.from({ length: count }, () => {
            const shape = document.createElementNS(SVG, name);
            if (className) shape.setAttribute('class', className);
            return parent.appendChild(shape);
          });
        }
        function place(shape, attributes) {
          for (const name in attributes) shape.setAttribute(name, attributes[name]);
        }
        const rateBars = shapes('rect', SECONDS, $('rate-chart'), 'past');
        const latencyBars = shapes('rect', BINS, $('latency-chart'), 'past');
        const marks = ['p50', 'p95', 'p99'].map(name => shapes('line', 1, $('latency-chart'), name)[0]);
        const axis = [0, 1, 2].map(() => $('latency-axis').appendChild(element('span')));
        const stack = [1, 2, 3, 4, 5].map(kind => $('status-bar').appendChild(element('i', 's' + kind)));
        const classes = [2, 3, 4, 5].map(kind => {
          const button = element('button', 's' + kind);
          button.type = 'button';
          button.append(element('i'), element('span', '', kind + 'xx'), element('b', '', '0'));
          button.addEventListener('click', () => {
            setFilter('status', filters.status === String(kind) ? '' : String(kind));
          });
          return $('status-list').appendChild(button);
        });
        const topViews = Array.from({ length: TOP }, () => {
          const button = element('button');
          button.type = 'button';
          button.append(element('i'), element('span'), element('b'));
          button.addEventListener('click', () => {
            setFilter('view', filters.view === button.viewValue ? '' : button.viewValue);
          });
          return $('views').appendChild(button);
        });

        let chartsDrawn = 0;
        function drawCharts() {
          chartsDrawn = Date.now();
          const perSecond = new Array(SECONDS).fill(0), kinds = [0, 0, 0, 0, 0, 0], perView = new Map();
          const took = new Float64Array(shown.length), now = Math.floor((Date.now() + clockOffset) / 1000);
          for (let i = 0; i < shown.length; i++) {
            const event = shown[i], age = now - Math.floor(event.time / 1000);
            if (age >= 0 && age < SECONDS) perSecond[SECONDS - 1 - age]++;
            kinds[event.kind]++;
            took[i] = event.took;
            perView.set(event.view, (perView.get(event.view) || 0) + 1);
          }
          drawRate(perSecond);
          drawLatency(took.sort());
          drawStatus(kinds);
          drawViews(perView);
        }

        function drawRate(perSecond) {
          const peak = Math.max(...perSecond), scale = 56 / Math.max(1, peak);
          perSecond.forEach((count, second) => {
            const height = count ? Math.max(2, count * scale) : 1;
            place(rateBars[second], { x: second * 4, y: 56 - height, width: 3, height, rx: 0.8,
              class: !count ? 'rest' : second === SECONDS - 1 ? 'now' : 'past' });
          });
          // The second that has only begun would pull it down.
          const recent = perSecond.slice(-11, -1).reduce((sum, count) => sum + count, 0) / 10;
          setText($('rate'), recent === 0 || recent >= 10 ? String(Math.round(recent)) : recent.toFixed(1));
          setText($('rate-peak'), peak ? 'peak ' + peak : '');
        }

        const rank = (sorted, share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];

        // A histogram over a logarithmic axis: latencies span orders of magnitude.
        function drawLatency(sorted) {
          const values = [0.5, 0.95, 0.99].map(share => rank(sorted, share));
          ['p50', 'p95', 'p99'].forEach((name, i) => setText($(name), duration(values[i])));
          const log = ms => Math.log10(Math.max(ms, 1e-3));
          const low = sorted.length ? Math.floor(log(sorted[0]) * 2) / 2 : -1;
          const high = Math.max(low + 1, sorted.length ? Math.ceil(log(sorted[sorted.length - 1]) * 2) / 2 : 2);
          const counts = new Array(BINS).fill(0);
          for (const ms of sorted) counts[Math.min(BINS - 1, Math.floor((log(ms) - low) / (high - low) * BINS))]++;
          const scale = 44 / Math.max(1, ...counts), width = 240 / BINS;
          counts.forEach((count, bin) => {
            const height = count ? Math.max(2, count * scale) : 1;
            place(latencyBars[bin], { x: bin * width, y: 44 - height, width: width - 1.2, height, rx: 1,
              class: count ? 'past' : 'rest' });
          });
          values.forEach((ms, i) => {
            const x = sorted.length ? (log(ms) - low) / (high - low) * 240 : 0;
            place(marks[i], { x1: x, x2: x, y1: -3, y2: 44, visibility: sorted.length ? 'visible' : 'hidden' });
          });
          [low, (low + high) / 2, high].forEach((value, i) => {
            setText(axis[i], sorted.length ? duration(10 ** value) : '');
          });
        }

        function drawStatus(kinds) {
          const total = Math.max(1, kinds.reduce((sum, count) => sum + count, 0));
          stack.forEach((part, i) => {
            part.hidden = !kinds[i + 1];
            part.style.flexGrow = kinds[i + 1] / total;
          });
          classes.forEach((button, i) => {
            const count = kinds[i + 2], share = count / total * 100;
            setText(button.children[2], count.toLocaleString('en'));
            button.title = (share && share < 1 ? '< 1' : Math.round(share)) + ' %';
            button.setAttribute('aria-pressed', filters.status === String(i + 2));
          });
        }

        function drawViews(perView) {
          const top = [...perView].sort((a, b) => b[1] - a[1]).slice(0, TOP);
          topViews.forEach((button, i) => {
            button.hidden = i >= top.length;
            if (button.hidden) return;
            const [view, count] = top[i];
            button.viewValue = viewValue(view);
            button.children[0].style.width = count / top[0][1] * 100 + '%';
            setText(button.children[1], viewLabel(view));
            setText(button.children[2], count.toLocaleString('en'));
            button.setAttribute('aria-pressed', filters.view === button.viewValue);
          });
        }

        """#
}
