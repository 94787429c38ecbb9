const { percentiles, summary, table, entries, timeline, histogram, step } = await page('stats.js');

test('a percentile is the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  equal(percentiles(values, values.map(() => 1), [0.5, 0.95, 0.99, 1]), [50, 95, 99, 100]);
  equal(percentiles([7], [1], [0.5, 0.99]), [7, 7]);
  equal(percentiles([], [], [0.5]), [null]);
});
test('a weight counts as so many values', () => {
  const heavy = percentiles([1, 2, 3], [8, 1, 1], [0.5, 0.8, 0.85, 0.95]);
  const spread = percentiles([1, 1, 1, 1, 1, 1, 1, 1, 2, 3], Array(10).fill(1), [0.5, 0.8, 0.85, 0.95]);
  equal(heavy, spread);
  equal(percentiles([5, 1], [3, 3], [0.5, 0.51]), [1, 5]);
  equal(percentiles([1, 2], [0.1, 0.2], [1]), [2]);
});
test('shares and sessions count by weight', () => {
  const events = [...Array.from({ length: 90 }, (_, i) => event({ session: 's' + i, weight: 10 })),
    ...Array.from({ length: 9 }, (_, i) => event({ session: 'e' + i, status: 500, took: 9 }))];
  const { requests, errors, errorRate, sessions, isSampled, count } = summary(events);
  equal([count, requests, errors, sessions, isSampled], [99, 909, 9, 909, true]);
  equal(Math.round(errorRate * 1000), 10);
  equal(summary([event(), event()]).sessions, 1);
});
test('a table has a row for each key, its share and its course', () => {
  const rows = table([event({ time: 0, weight: 3 }), event({ view: null, time: 9 }), event({ time: 10 })],
    item => item.view, { from: 0, to: 10, bins: 2 });
  equal(rows.map(row => [row.key, row.requests, row.share, [...row.spark]]),
    [['home', 4, 0.8, [3, 1]], [null, 1, 0.2, [0, 1]]]);
});
test('a session enters where its first event is', () => {
  equal(entries([event({ path: '/b', time: 2 }), event({ path: '/a', time: 1 }), event({ path: '/c', session: 'x' })])
    .map(item => item.page), ['/a', '/c']);
});
test('a timeline parts the time, and leaves out what is before and after', () => {
  equal(timeline([-1, 0, 4.9, 5, 9.9, 10].map((time, i) => event({ time, status: [200, 200, 404, 500, 200, 200][i] })), 0, 10, 2),
    [[1, 1, 0], [1, 0, 1]]);
});
test('a histogram goes from the least to the most, whatever they are', () => {
  const { counts, low, high } = histogram([event({ took: 0 }), event({ took: 9e12 })], 10);
  equal([counts[0], counts[9], low < high], [1, 1, true]);
  equal(histogram([], 3).counts, [0, 0, 0]);
});
test('parts of time are round', () => {
  equal([step(60e3, 120), step(3600e3, 120), step(1e9 * 120, 120)], [500, 30000, 2592e6]);
});
test('parts of time are never too many, however long it is', () => {
  for (const length of [7e8 * 60, 1e12, 1.7e12, 9.2e12, 1e15]) {
    equal([length / step(length, 60) <= 60, step(length, 60) % 2592e6], [true, 0]);
  }
});
const { model, receive, resume, forgetAll, HELD_CHARACTERS } = await page('model.js');
const paused = body => {
  forgetAll();
  model.oldest = Infinity;
  model.paused = true;
  try { body(); } finally {
    model.paused = false;
    forgetAll();
  }
};
test('what waits during a pause is not asked for again as older events', () => paused(() => {
  receive(event({ n: 7 }));
  receive(event({ n: 8 }));
  equal([model.oldest, model.waiting.length, model.all.length], [7, 2, 0]);
  resume();
  equal([model.oldest, model.waiting.length, model.all.map(item => item.n)], [7, 0, [7, 8]]);
}));
test('what waits during a pause is bounded by its characters, too', () => paused(() => {
  const raw = 'x'.repeat(HELD_CHARACTERS / 40);
  for (let n = 0; n < 100; n++) receive(event({ n, raw }));
  equal([model.waiting.length, model.waiting[model.waiting.length - 1].n], [40, 99]);
  resume();
  for (let n = 100; n < 110; n++) receive(event({ n, raw }));
  equal(model.waiting.length, 10);
}));
