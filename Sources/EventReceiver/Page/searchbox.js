// The search field with its completion (the WAI-ARIA pattern of a combobox with a list) and its line of help.

import { $, element, setText } from './dom.js';
import { model, seenValues } from './model.js';
import { complete } from './search.js';

const field = $('q'), list = $('q-options');
let options = [], active = -1, span = { from: 0, to: 0 }, onQuery = () => {};

function offer() {
  const found = complete(field.value, field.selectionStart ?? field.value.length, seenValues);
  options = found.options;
  span = found;
  active = -1;
  list.replaceChildren(...options.map((option, i) => {
    const item = element('li');
    item.id = 'q-option-' + i;
    item.setAttribute('role', 'option');
    item.append(element('b', '', option.text), element('span', '', option.hint));
    // Before the field loses the focus.
    item.addEventListener('pointerdown', event => { event.preventDefault(); take(i); });
    return item;
  }));
  drawOptions();
}

function drawOptions() {
  list.hidden = !options.length;
  field.setAttribute('aria-expanded', options.length > 0);
  [...list.children].forEach((item, i) => item.setAttribute('aria-selected', i === active));
  if (active >= 0) field.setAttribute('aria-activedescendant', 'q-option-' + active);
  else field.removeAttribute('aria-activedescendant');
  if (active >= 0) list.children[active].scrollIntoView({ block: 'nearest' });
}

export function closeOptions() {
  options = [];
  active = -1;
  list.replaceChildren();
  drawOptions();
}

function take(i) {
  const { text } = options[i], isWhole = !/[:>]$/.test(text);
  field.setRangeText(text + (isWhole ? ' ' : ''), span.from, span.to, 'end');
  onQuery(field.value);
  if (isWhole) closeOptions(); else offer();
}

export function drawErrors() {
  // A term that is being typed is not wrong yet.
  const isTyping = document.activeElement === field && /[:<>="]$/.test(field.value);
  const errors = isTyping ? [] : model.search.errors;
  setText($('q-error'), errors.join(' · '));
  $('q-error').hidden = !errors.length;
  if (errors.length) field.setAttribute('aria-invalid', 'true'); else field.removeAttribute('aria-invalid');
}

// What is typed is found a moment later: each letter would otherwise search all events.
let timer = 0;
export function start(changed) {
  onQuery = changed;
  field.addEventListener('input', () => {
    offer();
    clearTimeout(timer);
    timer = setTimeout(() => changed(field.value), 120);
  });
  field.addEventListener('focus', () => { $('q-help').hidden = false; offer(); });
  field.addEventListener('blur', () => { $('q-help').hidden = true; closeOptions(); drawErrors(); });
  field.addEventListener('keydown', event => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!options.length) offer();
      if (!options.length) return;
      const step = event.key === 'ArrowDown' ? 1 : -1, count = options.length + 1;
      active = (active + 1 + step + count) % count - 1;
      drawOptions();
    } else if ((event.key === 'Enter' || event.key === 'Tab') && active >= 0) take(active);
    else if (event.key === 'Enter') {
      closeOptions();
      clearTimeout(timer);
      return changed(field.value);
    } else if (event.key === 'Escape' && options.length) closeOptions();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
