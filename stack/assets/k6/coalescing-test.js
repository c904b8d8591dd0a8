// Thirty seconds in which five users update one and the same product: nearly all updates coalesce.
//   docker compose run --rm lab42-k6 run /scripts/coalescing-test.js
import http from 'k6/http';
import { check, sleep } from 'k6';
import { BASE_URL, create, seconds, summary, update, whole } from './lab.js';

export const options = {
  vus: 5,
  duration: whole(seconds(30)),
  thresholds: {
    http_req_failed: ['rate<0.01'],
    'http_req_duration{name:update}': ['p(95)<500'],
    checks: ['rate>0.99'],
  },
};

function totals() {
  return http.get(`${BASE_URL}/admin/queue`, { tags: { name: 'queue' } }).json('totals');
}

export function setup() {
  return { id: create('k6-coalescing').json('id'), before: totals() };
}

export default function (data) {
  check(update(data.id, `k6-${__VU}-${__ITER}`), { 'updated (200)': (r) => r.status === 200 });
  sleep(0.05);
}

export function teardown(data) {
  const after = totals();
  const accepted = after.accepted - data.before.accepted;
  const coalesced = after.coalesced - data.before.coalesced;
  console.log(`${accepted} updates accepted, ${coalesced} of them coalesced`);
}

export function handleSummary(data) {
  return summary('Coalescing: five users, one product', data);
}
