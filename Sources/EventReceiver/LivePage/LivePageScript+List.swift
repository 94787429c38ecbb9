extension LivePageScript {
    /// The list. Only the rows that can be seen exist, however many events there are.
    static let list = #"""
        const list = $('list'), spacer = $('spacer'), rows = [], BEYOND = 4;
        let rowHeight = 36, selected = null, unseen = 0;

        function makeRow() {
          const row = element('div', 'row');
          row.id = 'row-' + rows.length;
          row.setAttribute('role', 'option');
          const sid = element('span', 'sid');
          sid.append(element('i'), element('span'));
          row.append(element('span', 'time'), element('span', 'code'), element('span', 'path'), element('span', 'view'),
            sid, element('span', 'took'));
          row.addEventListener('click', () => { select(row.event); openDetail(row.event); });
          rows.push(spacer.appendChild(row));
        }

        function fillRow(row, event) {
          if (row.event === event) return;
          row.event = event;
          const [time, code, path, view, sid, took] = row.children;
          time.textContent = clock(event.time);
          code.textContent = event.status;
          code.className = 'code s' + event.kind;
          path.textContent = event.path.slice(0, 500);
          view.textContent = viewLabel(event.view).slice(0, 200);
          sid.lastChild.textContent = event.session.slice(0, 6);
          sid.firstChild.style.background = sessionColor(event.session);
          took.textContent = duration(event.took);
          took.className = event.took >= 1000 ? 'took slow' : 'took';
        }

        // The same session has the same colour wherever it is shown.
        const sessionColor = session => 'hsl(' + parseInt(session.slice(0, 4), 16) % 360 + ' 55% 55%)';

        function measure() {
          rowHeight = parseFloat(getComputedStyle(list).getPropertyValue('--row')) || 36;
          // The head stands over the columns, beside whatever the scroll bar takes.
          $('head').style.paddingRight = 16 + list.offsetWidth - list.clientWidth + 'px';
        }

        function drawList() {
          // Who reads further down is not to be moved by what comes in above.
          if (grown && list.scrollTop > rowHeight / 2) {
            spacer.style.height = shown.length * rowHeight + 'px';
            list.scrollTop += grown * rowHeight;
            unseen += grown;
          }
          grown = 0;
          if (list.scrollTop <= rowHeight / 2) unseen = 0;
          spacer.style.height = shown.length * rowHeight + 'px';
          const seen = Math.ceil(list.clientHeight / rowHeight) + 2 * BEYOND;
          const from = Math.max(0, Math.min(shown.length - seen, Math.floor(list.scrollTop / rowHeight) - BEYOND));
          while (rows.length < Math.min(seen, 120)) makeRow();
          const used = new Set();
          let active = '';
          for (let place = from; place < Math.min(shown.length, from + rows.length); place++) {
            const index = shown.length - 1 - place, row = rows[index % rows.length];
            fillRow(row, shown[index]);
            row.hidden = false;
            row.style.transform = 'translateY(' + place * rowHeight + 'px)';
            row.setAttribute('aria-setsize', shown.length);
            row.setAttribute('aria-posinset', place + 1);
            row.setAttribute('aria-selected', shown[index] === selected);
            if (shown[index] === selected) active = row.id;
            used.add(row);
          }
          for (const row of rows) if (!used.has(row)) { row.hidden = true; row.event = null; }
          if (active) list.setAttribute('aria-activedescendant', active);
          else list.removeAttribute('aria-activedescendant');
          $('newest').hidden = !unseen;
          if (unseen) setText($('newest'), '↑ ' + unseen.toLocaleString('en') + ' new');
          drawEmpty();
        }

        function drawEmpty() {
          $('empty').hidden = shown.length > 0;
          if (shown.length) return;
          const none = all.length === 0;
          setText($('empty-title').firstChild, none ? 'Waiting for the first event' : 'No event passes the filters');
          setText($('empty-text'), none ? 'Point a tracker at this address, and open a page of its app:' :
            all.length.toLocaleString('en') + ' events are held.');
          $('empty-settings').hidden = !none;
          setText($('empty-settings'), 'RA_BACKEND_ENDPOINT=' + location.origin +
            '\nRA_PROJECT_ID=my-project\nRA_PROJECT_TOKEN=my-token');
        }

        function select(event) {
          selected = event;
          requestDraw();
        }

        function move(step) {
          if (!shown.length) return;
          const at = selected ? indexOf(selected) : -1;
          const first = shown.length - 1 - Math.ceil(list.scrollTop / rowHeight);
          const index = at < 0 ? Math.max(0, first) : Math.max(0, Math.min(shown.length - 1, at - step));
          const top = (shown.length - 1 - index) * rowHeight;
          if (top < list.scrollTop) list.scrollTop = top;
          const bottom = top + rowHeight - list.clientHeight;
          if (bottom > list.scrollTop) list.scrollTop = bottom;
          select(shown[index]);
          if (opened) openDetail(selected);
        }

        function toNewest() {
          list.scrollTop = 0;
          unseen = 0;
          requestDraw();
        }

        list.addEventListener('scroll', () => requestDraw(), { passive: true });
        $('newest').addEventListener('click', toNewest);
        new ResizeObserver(() => { measure(); requestDraw(); }).observe(list);

        """#
}
