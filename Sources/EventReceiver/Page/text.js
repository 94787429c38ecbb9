// How values are written for people. Pure: knows neither the page nor its events.

const SIGNIFICANT = 3;

// 1.23 ms, 45.6 s, 3.2 min; whatever a request took fits into nine characters.
export function duration(ms) {
  if (!(ms >= 0)) return '–';
  if (ms < 0.1) return Math.round(ms * 1000) + ' µs';
  if (ms < 1) return ms.toPrecision(2) + ' ms';
  if (ms < 999.5) return ms.toPrecision(SIGNIFICANT) + ' ms';
  for (const [unit, length, limit] of [['s', 1e3, 60], ['min', 6e4, 60], ['h', 36e5, 24]]) {
    if (ms / length < limit) return Number((ms / length).toPrecision(SIGNIFICANT)) + ' ' + unit;
  }
  return amount(ms / 864e5) + ' d';
}

// 950, 1,234, 45.6k, 7.89M
export function amount(number) {
  if (!(number >= 0)) return '–';
  if (number < 10) return String(Math.round(number * 10) / 10);
  if (number < 1e4) return Math.round(number).toLocaleString('en');
  for (const [unit, size] of [['k', 1e3], ['M', 1e6], ['G', 1e9]]) {
    if (number < size * 999.5) return Number((number / size).toPrecision(SIGNIFICANT)) + unit;
  }
  return number.toExponential(1);
}

export function percent(share) {
  if (!(share >= 0)) return '–';
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return (value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)) + ' %';
}

// How much more or less than before: "+12 %", "×3.4", or "" where nothing can be compared.
export function change(now, before) {
  if (!(before > 0) || !(now >= 0)) return '';
  const ratio = now / before;
  if (ratio >= 3) return '×' + amount(ratio);
  const value = Math.round((ratio - 1) * 100);
  return (value > 0 ? '+' : value < 0 ? '−' : '±') + Math.abs(value) + ' %';
}

const pad = (number, digits) => String(number).padStart(digits, '0');

export function clock(ms, today) {
  const d = new Date(ms), time = [d.getHours(), d.getMinutes(), d.getSeconds()].map(part => pad(part, 2)).join(':');
  if (today !== undefined && new Date(today).toDateString() === d.toDateString()) {
    return time + '.' + pad(d.getMilliseconds(), 3);
  }
  return pad(d.getMonth() + 1, 2) + '-' + pad(d.getDate(), 2) + ' ' + time;
}

export function dateAndTime(ms) {
  const d = new Date(ms);
  if (Number.isNaN(d.getTime())) return '–';
  return d.getFullYear() + '-' + pad(d.getMonth() + 1, 2) + '-' + pad(d.getDate(), 2) + ' ' +
    [d.getHours(), d.getMinutes(), d.getSeconds()].map(part => pad(part, 2)).join(':') + '.' +
    pad(d.getMilliseconds(), 3);
}

// Characters that show nothing themselves and change how others are shown: controls, marks that turn the direction
// of text (U+202E and its kind), spaces without a width.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function visible(text) {
  return text.replace(HIDDEN, mark => '⟨U+' + mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '⟩');
}

// A path as a person would write it: "/caf%C3%A9" is "/café". What would mean something else decoded stays.
const MEANING = /[\s/?#%&=+\u0000-\u001f\u007f]/;

export function readable(path) {
  const decoded = path.replace(/(?:%[0-9a-f]{2})+/gi, run => {
    try {
      return [...decodeURIComponent(run)].map(c => MEANING.test(c) ? encodeURIComponent(c) : c).join('');
    } catch {
      return run;
    }
  });
  return visible(decoded);
}

export const viewName = view => view === null ? '(no view)' : view === '' ? '(empty)' : visible(view);
