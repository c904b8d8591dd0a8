// What the load tests share: where the lab is, what a product looks like, how answers are told of.
import http from 'k6/http';
import { Counter } from 'k6/metrics';

export const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8000';

// REPORT=lines: one JSON document a line for each answer and for the summary, which `labctl load --engine k6`
// enters into its ledger. Otherwise there is a summary for people, and nothing before it.
const REPORTS = __ENV.REPORT === 'lines';
export const TIMEOUT = '10s';

// Requests whose answers were told of: who reads the lines can see that none is missing.
const told = new Counter('lab_answers');

function report(kind, document) {
  if (REPORTS) console.log(JSON.stringify({ labctl: kind, ...document }));
}

// Where labctl reads along, one write in a hundred of each user is traced: labctl adds the root span.
const TRACED_ONE_IN = 100;
let writes = 0;

function digits(count) {
  let text = '';
  while (text.length < count) text += Math.floor(Math.random() * 16).toString(16);
  return text;
}

function traceparent(operation) {
  if (!REPORTS || operation === 'read' || writes++ % TRACED_ONE_IN !== 0) return '';
  return `00-${digits(32)}-${digits(16)}-01`;
}

function parsed(answer) {
  if (answer.status < 200 || answer.status > 299) return {};
  try {
    return answer.json();
  } catch (_) {
    return {};
  }
}

// `known`: the product as this user saw it last. Gives { status, id, version }.
function send(operation, method, path, known, value) {
  const headers = { 'Content-Type': 'application/json' };
  const trace = traceparent(operation);
  if (trace) headers.traceparent = trace;
  const sent = Date.now();
  const answer = http.request(method, `${BASE_URL}${path}`, value ? JSON.stringify(value) : null, {
    headers: headers,
    tags: { name: operation },
    timeout: TIMEOUT,
  });
  const finished = Date.now();
  const stored = parsed(answer);
  const failed = stored.version === undefined;
  told.add(1);
  report('answer', {
    operation: operation,
    product: stored.id || known.id || null,
    value: value,
    status: answer.status,
    version: failed ? null : stored.version,
    at_least: known.version || 0,
    sent_at: sent / 1000,
    finished_at: finished / 1000,
    latency_ms: answer.timings.duration,
    detail: failed ? String(answer.error || answer.body || '').slice(0, 300) : '',
    traceparent: trace,
  });
  return { status: answer.status, id: stored.id, version: stored.version };
}

function value(name) {
  return {
    name: name,
    price: Number((1 + Math.random() * 98).toFixed(2)),
    quantity: Math.floor(Math.random() * 1000),
  };
}

export function create(name) {
  return send('create', 'POST', '/products', {}, value(name));
}

export function read(known) {
  return send('read', 'GET', `/products/${known.id}`, known, null);
}

export function update(known, name) {
  return send('update', 'PUT', `/products/${known.id}`, known, value(name));
}

// Seconds of the whole test: those of DURATION (`90`, `90s`, `2m`), else the script's own.
export function seconds(own) {
  const found = /^([0-9.]+)(s|m|)$/.exec(__ENV.DURATION || '');
  return found ? Number(found[1]) * (found[2] === 'm' ? 60 : 1) : own;
}

// Users at once: CLIENTS, else the script's own.
export function users(own) {
  return Number(__ENV.CLIENTS) || own;
}

// k6 takes durations in milliseconds, too; a stage must not be of no length.
export function stage(length) {
  return `${Math.max(1, Math.round(length * 1000))}ms`;
}

export const TREND_STATS = ['med', 'p(95)', 'p(99)', 'max'];

function line(label, text) {
  return `  ${label.padEnd(22)}${text}\n`;
}

function milliseconds(metric) {
  const found = metric.values;
  return `median ${found.med.toFixed(1)} ms, 95 % within ${found['p(95)'].toFixed(1)} ms, worst ${found.max.toFixed(0)} ms`;
}

// Each threshold with the figure that it was held against: `p(95)<500` with that metric's p(95).
function thresholds(metrics) {
  const found = [];
  for (const [name, metric] of Object.entries(metrics)) {
    for (const [limit, outcome] of Object.entries(metric.thresholds || {})) {
      const measured = metric.values[limit.split(/[<>=!]/)[0].trim()];
      found.push({ metric: name, limit: limit, measured: measured === undefined ? null : measured, kept: outcome.ok });
    }
  }
  return found;
}

// A summary for people; k6 prints its own only where a script has none.
export function summary(title, data) {
  const metrics = data.metrics;
  const answers = metrics.lab_answers ? metrics.lab_answers.values.count : 0;
  report('summary', { answers: answers, thresholds: thresholds(metrics) });
  if (REPORTS) return {};
  const rate = metrics.http_reqs.values;
  let text = `\n${title}\n\n`;
  text += line('requests', `${rate.count} (${rate.rate.toFixed(0)} per second)`);
  text += line('failed', `${(metrics.http_req_failed.values.rate * 100).toFixed(2)} %`);
  text += line('all requests', milliseconds(metrics.http_req_duration));
  for (const name of ['create', 'read', 'update']) {
    const metric = metrics[`http_req_duration{name:${name}}`];
    if (metric && metric.values.max > 0) text += line(`  ${name}`, milliseconds(metric));
  }
  for (const each of thresholds(metrics)) {
    text += line(each.kept ? 'kept' : 'MISSED', `${each.metric} ${each.limit}`);
  }
  return { stdout: `${text}\n` };
}
