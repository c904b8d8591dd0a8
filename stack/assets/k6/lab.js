// What the load tests share: where the lab is, what a product looks like, how a summary reads.
import http from 'k6/http';

export const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8000';

const JSON_BODY = { headers: { 'Content-Type': 'application/json' } };

export function value(name) {
  return JSON.stringify({
    name: name,
    price: Number((1 + Math.random() * 98).toFixed(2)),
    quantity: Math.floor(Math.random() * 1000),
  });
}

export function create(name) {
  return http.post(`${BASE_URL}/products`, value(name), { ...JSON_BODY, tags: { name: 'create' } });
}

export function read(id) {
  return http.get(`${BASE_URL}/products/${id}`, { tags: { name: 'read' } });
}

export function update(id, name) {
  return http.put(`${BASE_URL}/products/${id}`, value(name), { ...JSON_BODY, tags: { name: 'update' } });
}

// Seconds of the whole test: those of DURATION (`90`, `90s`, `2m`), else the script's own.
export function seconds(own) {
  const found = /^([0-9.]+)(s|m|)$/.exec(__ENV.DURATION || '');
  return found ? Number(found[1]) * (found[2] === 'm' ? 60 : 1) : own;
}

// k6's stages want whole seconds; none may be shorter than one.
export function whole(length) {
  return `${Math.max(1, Math.round(length))}s`;
}

function line(label, text) {
  return `  ${label.padEnd(22)}${text}\n`;
}

function milliseconds(metric) {
  const found = metric.values;
  return `median ${found.med.toFixed(1)} ms, 95 % within ${found['p(95)'].toFixed(1)} ms, worst ${found.max.toFixed(0)} ms`;
}

// A summary for people; k6 prints its own only where a script has none.
export function summary(title, data) {
  const metrics = data.metrics;
  const rate = metrics.http_reqs.values;
  let text = `\n${title}\n\n`;
  text += line('requests', `${rate.count} (${rate.rate.toFixed(0)} per second)`);
  text += line('failed', `${(metrics.http_req_failed.values.rate * 100).toFixed(2)} %`);
  text += line('all requests', milliseconds(metrics.http_req_duration));
  for (const name of ['create', 'read', 'update']) {
    const metric = metrics[`http_req_duration{name:${name}}`];
    if (metric && metric.values.max > 0) text += line(`  ${name}`, milliseconds(metric));
  }
  for (const [name, metric] of Object.entries(metrics)) {
    for (const [limit, outcome] of Object.entries(metric.thresholds || {})) {
      text += line(outcome.ok ? 'kept' : 'MISSED', `${name} ${limit}`);
    }
  }
  return { stdout: `${text}\n` };
}
