// Thirty seconds in which five users update one and the same product: nearly all updates coalesce.
//   docker compose run --rm lab42-k6 run /scripts/coalescing-test.js
import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { BASE_URL, TIMEOUT, TREND_STATS, create, seconds, stage, summary, update, users } from './lab.js';

export const options = {
  vus: users(5),
  duration: stage(seconds(30)),
  summaryTrendStats: TREND_STATS,
  thresholds: {
    http_req_failed: ['rate<0.01'],
    'http_req_duration{name:update}': ['p(95)<500'],
    checks: ['rate>0.99'],
  },
};

function totals() {
  const answer = http.get(`${BASE_URL}/admin/queue`, { tags: { name: 'queue' }, timeout: TIMEOUT });
  return answer.status === 200 ? answer.json('totals') : null;
}

export function setup() {
  const made = create('k6-coalescing');
  if (made.id === undefined) fail(`the product was not created: status ${made.status}`);
  return { id: made.id, before: totals() };
}

export default function (data) {
  // The others update it as well: which version is the newest, no user knows.
  const changed = update({ id: data.id }, `k6-${__VU}-${__ITER}`);
  check(changed, { 'updated (200)': (answer) => answer.status === 200 });
  sleep(0.05);
}

export function teardown(data) {
  const after = totals();
  if (!data.before || !after) return;
  const accepted = after.accepted - data.before.accepted;
  const coalesced = after.coalesced - data.before.coalesced;
  console.log(`${accepted} updates accepted, ${coalesced} of them coalesced`);
}

export function handleSummary(data) {
  return summary('Coalescing: five users, one product', data);
}
