// Shared by the test files beside this one, which run one after the other and report their failures.
const failures = [];
const page = name => import('/_page/' + name);
let current = '';
let count = 0;

function test(name, body) {
  current = name;
  count++;
  try { body(); } catch (error) { failures.push(current + ': ' + error); }
}

function equal(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) failures.push(current + ': ' + a + ' instead of ' + b);
}

// Returns an event as the page stores it.
function event(changes = {}) {
  const { path = '/', time = 0, ...rest } = changes;
  return {
    n: 0, raw: JSON.stringify({ path, ...rest }), project: 'p', status: 200, kind: 2, view: 'home', session: 'a1b2', path,
    page: path.split('?')[0], url: 'http://h' + path, time, took: 1, weight: 1, browser: 'Firefox', referrer: '(direct)',
    ...rest, ...(rest.status ? { kind: Math.floor(rest.status / 100) } : {}),
  };
}
