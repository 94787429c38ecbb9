// The page's elements. What events say is set as text alone, never as markup.

export const $ = id => document.getElementById(id);

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(className, text, action) {
  const made = element('button', className, text);
  made.type = 'button';
  if (action) made.addEventListener('click', action);
  return made;
}

export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function shape(name, attributes, parent) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  place(made, attributes || {});
  return parent ? parent.appendChild(made) : made;
}

export function place(target, attributes) {
  for (const name in attributes) target.setAttribute(name, attributes[name]);
}

export async function copyText(text, target, label) {
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
  target.textContent = isCopied ? 'copied' : 'not allowed here';
  setTimeout(() => { target.textContent = label; }, 1500);
}

// Drawing happens in animation frames, each part of the page no more often than it needs.
const drawers = [];
let isAsked = false, later = 0;

export function onDraw(draw, interval = 0) {
  drawers.push({ draw, interval, at: -Infinity });
}

export function requestDraw(isUrgent) {
  if (isUrgent) for (const drawer of drawers) drawer.at = -Infinity;
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    let next = Infinity;
    for (const drawer of drawers) {
      const now = performance.now(), wait = drawer.at + drawer.interval - now;
      if (wait > 0) next = Math.min(next, wait);
      else {
        drawer.at = now;
        // One that fails must not stop the others.
        try { drawer.draw(); } catch (error) { console.error(error); }
      }
    }
    clearTimeout(later);
    if (next < Infinity) later = setTimeout(requestDraw, next);
  });
}
