const { duration, amount, percent, change, readable, visible, viewName, dateAndTime } = await page('text.js');
const { browserOf, referrerOf, readEvent, readLine, readMessage, keyOf } = await page('events.js');
const { curl, csv } = await page('export.js');

test('a duration fits into nine characters, however long it is', () => {
  equal([0, 0.05, 0.5, 1.5, 999.6, 1500, 59999, 61e3, 36e5, 9e12, NaN].map(duration),
    ['0 µs', '50 µs', '0.50 ms', '1.50 ms', '1 s', '1.5 s', '60 s', '1.02 min', '1 h', '104k d', '–']);
  for (let ms = 1e-4; ms < 1e13; ms *= 1.37) equal(duration(ms).length <= 9, true);
});
test('amounts, shares and changes', () => {
  equal([0, 0.5, 12.3, 9999, 12345, 7.89e6, 2e12].map(amount), ['0', '0.5', '12', '9,999', '12.3k', '7.89M', '2.0e+12']);
  equal([0, 0.0005, 0.01, 0.094, 0.5, 1, NaN].map(percent), ['0 %', '< 0.1 %', '1.0 %', '9.4 %', '50 %', '100 %', '–']);
  equal([change(2, 1), change(1, 2), change(1, 1), change(30, 1), change(1, 0)], ['+100 %', '−50 %', '±0 %', '×30', '']);
});
test('encoded paths are readable, and mean the same', () => {
  equal(readable('/caf%C3%A9/%E6%9D%B1?q=%2F%20%25'), '/café/東?q=%2F%20%25');
  equal(readable('/%ff%zz%E6'), '/%ff%zz%E6');
  equal(readable('/%E2%80%AEgnp'), '/⟨U+202E⟩gnp');
});
test('what hides or turns text is shown', () => {
  equal(visible('a\u202Eb\u200B\u0007'), 'a⟨U+202E⟩b⟨U+200B⟩⟨U+0007⟩');
  equal([viewName(null), viewName(''), visible('שלום é 😀')], ['(no view)', '(empty)', 'שלום é 😀']);
  equal(dateAndTime(NaN), '–');
});
test('browsers by their agent', () => {
  equal(['Mozilla/5.0 (X11) Gecko/20100101 Firefox/140.0', 'Mozilla/5.0 Chrome/141.0 Safari/537.36 Edg/141.0',
    'Mozilla/5.0 Chrome/141.0 Safari/537.36', 'Mozilla/5.0 Version/18.5 Safari/605.1.15', 'curl/8.14.1',
    'Mozilla/5.0 (compatible; Googlebot/2.1)', 'x', ''].map(browserOf),
    ['Firefox', 'Edge', 'Chrome', 'Safari', 'curl', 'Bot', 'Other', '(none)']);
});
test('referrers by their host', () => {
  equal([referrerOf('', 'http://h/'), referrerOf('https://a.example/x', 'http://h/'), referrerOf('http://h/x', 'http://h/'),
    referrerOf('nonsense', 'http://h/')], ['(direct)', 'a.example', '(this site)', '(unreadable)']);
});
const raw = '{"event_data":{"view_name":null,"header_data":{},"full_url":"http://h/a?b","ra_session_id":"00","sample_weight":4,' +
  '"time_request_received_ns":1700000000123456789,"processing_time_ns":1500000,"response_data":{"status_code":204,"cookies":{}}}}';
test('events are read from the stream and from the history alike', () => {
  const one = readMessage('abc-12', '"p \\"q\\""\n' + raw), two = readLine('{"n":12,"project":"p \\"q\\"","event":' + raw + '}');
  equal(one, two);
  equal([one.n, one.project, one.page, one.weight, one.took, one.kind, one.raw === raw], [12, 'p "q"', '/a', 4, 1.5, 2, true]);
  equal([readMessage('x', 'nonsense'), readLine('nonsense'), readEvent(0, 'p', '{')], [null, null, null]);
});
test('the name of an event has all digits of its time', () => {
  equal(keyOf({ raw }).startsWith('1700000000123456789-'), true);
  equal(keyOf({ raw }) === keyOf({ raw: raw + ' ' }), false);
});
test('a command has no control characters, and what was filtered is left out', () => {
  const body = { header_data: { HTTP_HOST: 'h', HTTP_COOKIE: '[Filtered]', HTTP_X: 'a\u001b[2Jb', HTTP_ACCEPT_ENCODING: 'gzip' } };
  equal(curl(event({ path: "/it's", raw: JSON.stringify({ event_data: body }) })),
    "curl -g 'http://h/it'\\''s' \\\n  -H $'X: a\\u001b[2Jb' \\\n  --compressed");
});
test('brackets in a URL are not for curl to expand', () => {
  equal(curl(event({ path: '/a?b[]=1&c={2,3}', raw: '{"event_data":{}}' })), "curl -g 'http://h/a?b[]=1&c={2,3}'");
});
test('a cell of a table is no formula', () => {
  const text = csv([event({ view: '=1+1', raw: '{"event_data":{"header_data":{"HTTP_USER_AGENT":"a,\\"b\\""}}}' })]);
  equal(text.split('\r\n')[1].includes(",'=1+1,") && text.includes(',"a,""b""",'), true);
});
