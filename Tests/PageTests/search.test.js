const { parse, toggle, complete, has, split } = await page('search.js');
const passes = (query, changes) => parse(query).test(event(changes));

test('a status is a number, a class, a span or a comparison', () => {
  equal(['status:500', 'status:5xx', 'status:500-599', 'status>=500', '-status:200'].map(q => passes(q, { status: 500 })),
    [true, true, true, true, true]);
  equal(['status:501', 'status:4xx', 'status:400-499', 'status>500'].map(q => passes(q, { status: 500 })),
    [false, false, false, false]);
});
test('a view is a whole name, in any case, with stars for anything', () => {
  equal(['view:checkout', 'view:CHECKOUT', 'view:check*', 'view:*out', 'view:"checkout"'].map(q =>
    passes(q, { view: 'checkout' })), [true, true, true, true, true]);
  equal(['view:check', 'view:none', 'view:"check*"'].map(q => passes(q, { view: 'checkout' })), [false, false, false]);
  equal([passes('view:none', { view: null }), passes('view:none', { view: 'none' }), passes('view:"none"', { view: 'none' })],
    [true, false, true]);
  equal(passes('view:"two words"', { view: 'two words' }), true);
});
test('a star is the only sign with a meaning', () => {
  equal([passes('view:a.c', { view: 'abc' }), passes('view:a.*', { view: 'a.c' }), passes('view:a.*', { view: 'abc' })],
    [false, true, false]);
});
test('a session and a path are known by their beginning', () => {
  equal([passes('session:A1', {}), passes('session:b2', {})], [true, false]);
  equal([passes('path:/cart', { path: '/cart/1?x=2' }), passes('path:/cart', { path: '/a/cart' })], [true, false]);
  equal([passes('path:*/cart', { path: '/a/cart?x' }), passes('path:"/cart"', { path: '/cart/1' })], [true, false]);
});
test('times have units', () => {
  equal(['took>20ms', 'took>20', 'took>=0.021s', 'took<1s', 'took>20000us', 'took<1min'].map(q => passes(q, { took: 21 })),
    [true, true, true, true, true, true]);
  equal([passes('took>21ms', { took: 21 }), passes('took<=21ms', { took: 21 })], [false, true]);
});
test('project, browser and referrer', () => {
  equal(['project:p', 'browser:firefox', 'referrer:direct'].map(q => passes(q, {})), [true, true, true]);
  equal([passes('referrer:example.com', { referrer: 'www.example.com' }),
    passes('referrer:example.com', { referrer: 'badexample.com' })], [true, false]);
});
test('words are found anywhere in any case, quoted text exactly, and a minus leaves out', () => {
  equal([passes('SHOES red', { raw: 'red shoes' }), passes('"Shoes"', { raw: 'red shoes' }),
    passes('"red shoes"', { raw: 'red shoes' }), passes('-shoes', { raw: 'red shoes' }), passes('-"red hat"', { raw: 'red' })],
    [true, false, true, false, true]);
  equal(passes('"say \\"hi\\""', { raw: JSON.stringify('say "hi"') }), true);
});
test('all terms have to hold', () => {
  equal([passes('status:2xx view:home -bot', {}), passes('status:2xx view:shop', {})], [true, false]);
});
test('what can not be understood is told, and lets everything pass', () => {
  for (const query of ['status:abc', 'took:5', 'took>soon', 'view>a', 'view:', 'session:"']) {
    equal([parse(query).errors.length, passes(query, {})], [1, true]);
  }
  equal([parse('http://x:80').errors, parse('-').terms.length, parse('""').terms.length], [[], 1, 0]);
});
test('quotes hold words together, and an open one reaches to the end', () => {
  equal(split('a view:"b c" "d e').map(piece => piece.text), ['a', 'view:"b c"', '"d e']);
});
test('a click sets a term, replaces one of its field, and takes it out again', () => {
  equal(toggle('bot', 'status', '4xx'), 'bot status:4xx');
  equal(toggle('status:5xx bot', 'status', '4xx'), 'bot status:4xx');
  equal(toggle('status:4xx bot', 'status', '4xx'), 'bot');
  equal([has('a view:"b c"', 'view', '"b c"'), has('a', 'view', 'a')], [true, false]);
});
test('fields are completed, then their values', () => {
  const values = field => field === 'view' ? [['checkout', '9'], ['"the cart"', '3']] : [];
  equal(complete('st', 2, values).options.map(option => option.text), ['status:']);
  equal(complete('bot vi', 6, values), { from: 4, to: 6, options: [{ text: 'view:', hint: 'a name; * stands for anything; none' }] });
  equal(complete('view:c', 6, values).options.map(option => option.text), ['view:checkout', 'view:"the cart"']);
  equal(complete('-view:ch', 8, values).options.map(option => option.text), ['-view:checkout']);
  equal(complete('', 0, values).options.length, 8);
});
