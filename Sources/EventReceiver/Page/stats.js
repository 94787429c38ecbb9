// Figures of many events. Each event counts as often as its weight says: it stands for that many requests. Pure.

// The smallest value that at least this share of the weight does not exceed (nearest rank).
export function percentiles(values, weights, shares) {
  if (!values.length) return shares.map(() => NaN);
  const isEven = weights.every(weight => weight === weights[0]);
  if (isEven) {
    const sorted = Float64Array.from(values).sort();
    return shares.map(share => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]);
  }
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const found = [];
  let reached = 0, next = 0;
  const wanted = shares.map((share, i) => [share * total, i]).sort((a, b) => a[0] - b[0]);
  for (const i of order) {
    reached += weights[i];
    while (next < wanted.length && reached >= wanted[next][0] - total * 1e-12) found[wanted[next++][1]] = values[i];
  }
  return shares.map((_, i) => found[i] ?? values[order[order.length - 1]]);
}

export const isError = event => event.status >= 400;

// A group of events on its way to figures.
class Group {
  constructor(bins) {
    this.took = [];
    this.weights = [];
    this.requests = 0;
    this.errors = 0;
    this.count = 0;
    this.isSampled = false;
    this.spark = bins ? new Float64Array(bins) : null;
  }

  add(event, bin) {
    const { weight } = event;
    this.took.push(event.took);
    this.weights.push(weight);
    this.count++;
    this.requests += weight;
    if (weight !== 1) this.isSampled = true;
    if (isError(event)) this.errors += weight;
    if (this.spark && bin >= 0) this.spark[bin] += weight;
  }

  figures() {
    const [p50, p95, p99] = percentiles(this.took, this.weights, [0.5, 0.95, 0.99]);
    return {
      count: this.count, requests: this.requests, errors: this.errors, isSampled: this.isSampled,
      errorRate: this.requests ? this.errors / this.requests : NaN, p50, p95, p99, spark: this.spark,
    };
  }
}

// Sessions are sampled whole: one that was kept stands for as many as its events say.
export function summary(events) {
  const group = new Group(0), sessions = new Map();
  for (const event of events) {
    group.add(event, -1);
    sessions.set(event.session, Math.max(sessions.get(event.session) || 0, event.weight));
  }
  let total = 0;
  for (const weight of sessions.values()) total += weight;
  return { ...group.figures(), sessions: total };
}

// A row for each key, with its figures, its share, and its course over the time from `from` to `to`.
export function table(events, keyOf, { from, to, bins = 24 }) {
  const groups = new Map(), width = (to - from) / bins || 1;
  let total = 0;
  for (const event of events) {
    const key = keyOf(event);
    if (key === undefined) continue;
    let group = groups.get(key);
    if (!group) groups.set(key, group = new Group(bins));
    const bin = Math.floor((event.time - from) / width);
    group.add(event, Math.min(bins - 1, Math.max(0, bin)));
    total += event.weight;
  }
  return [...groups].map(([key, group]) => ({ key, ...group.figures(), share: group.requests / total }));
}

// The first event of each session among those given.
export function entries(events) {
  const first = new Map();
  for (const event of events) {
    const known = first.get(event.session);
    if (!known || event.time < known.time) first.set(event.session, event);
  }
  return [...first.values()];
}

// How many requests of each kind fell into each part of a time: [ok, 4xx, 5xx] a part.
export function timeline(events, from, to, bins) {
  const counts = Array.from({ length: bins }, () => [0, 0, 0]), width = (to - from) / bins || 1;
  for (const event of events) {
    const bin = Math.floor((event.time - from) / width);
    if (bin < 0 || bin >= bins) continue;
    counts[bin][event.kind === 5 ? 2 : event.kind === 4 ? 1 : 0] += event.weight;
  }
  return counts;
}

// Counts over a logarithmic axis: latencies span orders of magnitude.
export function histogram(events, bins) {
  const log = ms => Math.log10(Math.max(ms, 1e-3));
  let least = Infinity, most = -Infinity;
  for (const event of events) {
    if (event.took < least) least = event.took;
    if (event.took > most) most = event.took;
  }
  if (!events.length) return { counts: new Array(bins).fill(0), low: -1, high: 2, at: () => 0 };
  const low = Math.floor(log(least) * 2) / 2, high = Math.max(low + 1, Math.ceil(log(most) * 2) / 2);
  const at = ms => (log(ms) - low) / (high - low), counts = new Array(bins).fill(0);
  for (const event of events) counts[Math.min(bins - 1, Math.floor(at(event.took) * bins))] += event.weight;
  return { counts, low, high, at };
}

// A round length of time that gives about so many parts: 1, 2, 5, 10, 15, 30 s and so on, then multiples of 30 days:
// events of a clock that is wrong by decades must not make thousands of parts.
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800];
const MONTH = 30 * 86400e3;

export function step(length, parts) {
  const found = STEPS.find(seconds => length / parts <= seconds * 1000);
  return found ? found * 1000 : Math.max(1, Math.ceil(length / parts / MONTH)) * MONTH;
}
