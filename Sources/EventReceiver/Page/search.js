// The search language: what is typed, as a question to each event. Pure.
//
//   status:500  status:4xx  status>=400   view:checkout  view:none   session:ab12   took>20ms   path:/cart
//   project:shop  browser:firefox  referrer:example.com   any words   "exactly this"   -without

export const FIELDS = {
  status: '500, 4xx or 400-499', view: 'a name; * stands for anything; none', session: 'how its id begins',
  took: '>20ms, <1s', path: 'how it begins; * stands for anything', project: 'its id', browser: 'its name, as Firefox',
  referrer: 'its host, direct or none',
};
const UNITS = { us: 1e-3, 'µs': 1e-3, ms: 1, s: 1e3, min: 6e4, m: 6e4, h: 36e5 };

// Pieces between spaces; a quote holds spaces together.
export function split(query) {
  const pieces = [], pattern = /(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g;
  for (let found; (found = pattern.exec(query));) {
    pieces.push({ text: found[0], from: found.index, to: found.index + found[0].length });
  }
  return pieces;
}

const unquoted = text => text[0] === '"' ? text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined)
  .replace(/\\(.)/g, '$1') : text;
export const quoted = text => /^[^\s"\\*]+$/.test(text) && text[0] !== '-' ? text :
  '"' + text.replace(/["\\]/g, '\\$&') + '"';

// A pattern with stars, in any case.
function pattern(value, isQuoted) {
  const lower = value.toLowerCase();
  if (isQuoted || !lower.includes('*')) return { isExact: true, test: text => text.toLowerCase() === lower, lower };
  const parts = lower.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp('^' + parts.join('.*') + '$', 's');
  return { isExact: false, test: text => expression.test(text.toLowerCase()), lower };
}

function comparison(operator, limit) {
  switch (operator) {
    case '>': return value => value > limit;
    case '<': return value => value < limit;
    case '>=': return value => value >= limit;
    case '<=': return value => value <= limit;
    default: return value => value === limit;
  }
}

function statusTest(operator, value) {
  const kind = /^([1-5])xx$/i.exec(value), span = /^(\d{3})-(\d{3})$/.exec(value);
  if (operator === ':' && kind) return event => event.kind === Number(kind[1]);
  if (operator === ':' && span) return event => event.status >= Number(span[1]) && event.status <= Number(span[2]);
  if (!/^\d{3}$/.test(value)) throw 'status: ' + FIELDS.status;
  const compare = comparison(operator, Number(value));
  return event => compare(event.status);
}

function tookTest(operator, value) {
  const parts = /^(\d+(?:\.\d+)?)(us|µs|ms|s|min|m|h)?$/i.exec(value);
  if (!parts || operator === ':') throw 'took: ' + FIELDS.took;
  const compare = comparison(operator, Number(parts[1]) * UNITS[(parts[2] || 'ms').toLowerCase()]);
  return event => compare(event.took);
}

function fieldTest(field, operator, text) {
  const value = unquoted(text), isQuoted = text[0] === '"';
  if (field === 'status') return statusTest(operator, value);
  if (field === 'took') return tookTest(operator, value);
  if (operator !== ':') throw field + ' has no order: write ' + field + ':' + text;
  const wanted = pattern(value, isQuoted);
  switch (field) {
    case 'view':
      if (value === 'none' && !isQuoted) return event => event.view === null;
      return event => event.view !== null && wanted.test(event.view);
    case 'session': return event => event.session.startsWith(wanted.lower);
    case 'path':
      if (isQuoted) return event => event.page.toLowerCase() === wanted.lower;
      return wanted.isExact ? event => event.path.toLowerCase().startsWith(wanted.lower) :
        event => wanted.test(event.page);
    case 'project': return event => wanted.test(event.project);
    case 'browser': return event => wanted.test(event.browser) || event.browser === '(' + wanted.lower + ')';
    default:
      if (value === 'direct' || value === 'none') return event => event.referrer === '(direct)';
      return event => wanted.test(event.referrer) || event.referrer.toLowerCase().endsWith('.' + wanted.lower);
  }
}

// Words are looked for in all of the event, in any case; what is quoted, exactly. JSON may have them escaped.
function textTest(text) {
  if (text[0] === '"') {
    const exact = unquoted(text), escaped = JSON.stringify(exact).slice(1, -1);
    return event => event.raw.includes(exact) || event.raw.includes(escaped);
  }
  const plain = text.toLowerCase(), escaped = JSON.stringify(plain).slice(1, -1);
  return event => {
    const raw = event.raw.toLowerCase();
    return raw.includes(plain) || raw.includes(escaped) || event.browser.toLowerCase() === plain;
  };
}

// Gives { terms, errors, test }. What can't be understood is told, and lets everything pass.
export function parse(query) {
  const terms = [], errors = [];
  for (const { text } of split(query)) {
    const isNegated = text.length > 1 && text[0] === '-', rest = isNegated ? text.slice(1) : text;
    const parts = /^([a-z]+)(:|>=|<=|>|<)(.*)$/is.exec(rest), field = parts && parts[1].toLowerCase();
    if (parts && Object.hasOwn(FIELDS, field)) {
      if (parts[3] === '' || parts[3] === '"') {
        errors.push(field + ': ' + FIELDS[field]);
        continue;
      }
      try {
        terms.push({ text, field, isNegated, test: fieldTest(field, parts[2], parts[3]) });
      } catch (error) {
        errors.push(String(error));
      }
    } else if (unquoted(rest)) {
      terms.push({ text, field: '', isNegated, test: textTest(rest) });
    }
  }
  const test = event => terms.every(term => term.test(event) !== term.isNegated);
  return { terms, errors, test };
}

// The query with a field's term set, or taken out if it is there just so.
export function toggle(query, field, value) {
  const wanted = field + ':' + value, pieces = split(query).map(piece => piece.text);
  const rest = pieces.filter(text => !text.toLowerCase().startsWith(field + ':'));
  return pieces.includes(wanted) ? rest.join(' ') : [...rest, wanted].join(' ');
}

export const has = (query, field, value) => split(query).some(piece => piece.text === field + ':' + value);

// What could stand at the caret: fields, or the values of one. `values(field)` gives those that were seen.
export function complete(query, caret, values) {
  const piece = split(query).find(({ from, to }) => from < caret && caret <= to) || { text: '', from: caret, to: caret };
  const minus = piece.text[0] === '-' ? '-' : '', typed = query.slice(piece.from + minus.length, caret);
  const parts = /^([a-z]+):(.*)$/is.exec(typed);
  let options = [];
  if (parts && Object.hasOwn(FIELDS, parts[1].toLowerCase())) {
    const field = parts[1].toLowerCase(), start = unquoted(parts[2]).toLowerCase();
    options = values(field).filter(([value]) => value.toLowerCase().includes(start))
      .map(([value, hint]) => ({ text: minus + field + ':' + value, hint }));
  } else if (!parts) {
    options = Object.keys(FIELDS).filter(field => field.startsWith(typed.toLowerCase()))
      .map(field => ({ text: minus + field + (field === 'took' ? '>' : ':'), hint: FIELDS[field] }));
  }
  return { from: piece.from, to: piece.to, options: options.filter(option => option.text !== piece.text).slice(0, 12) };
}
