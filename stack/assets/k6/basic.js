// Two minutes of mixed load: 30 % create, 30 % read, 40 % update, by up to ten users.
//   docker compose run --rm lab42-k6 run /scripts/basic.js
import { check, sleep } from 'k6';
import { TREND_STATS, create, read, seconds, stage, summary, update, users } from './lab.js';

const WHOLE = seconds(120);
const USERS = users(10);
const SEEDS = ['seed-001', 'seed-002', 'seed-003', 'seed-004', 'seed-005'];
// Products that each user keeps in mind.
const MOST = 100;

export const options = {
  stages: [
    { duration: stage(WHOLE / 4), target: USERS },
    { duration: stage(WHOLE / 2), target: USERS },
    { duration: stage(WHOLE / 4), target: 0 },
  ],
  summaryTrendStats: TREND_STATS,
  thresholds: {
    http_req_failed: ['rate<0.01'],
    'http_req_duration{name:create}': ['p(95)<500'],
    'http_req_duration{name:read}': ['p(95)<500'],
    'http_req_duration{name:update}': ['p(95)<500'],
    checks: ['rate>0.99'],
  },
};

// Every user works on products of its own, beside reading the seeds.
const own = [];

function anyOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}

export default function () {
  const dice = Math.random();
  const name = `k6-${__VU}-${__ITER}`;
  if (dice < 0.3 || own.length === 0) {
    const made = create(name);
    if (check(made, { 'created (201)': (answer) => answer.status === 201 })) {
      own.push(made);
      if (own.length > MOST) own.shift();
    }
  } else if (dice < 0.6) {
    const known = anyOf(own.concat(SEEDS.map((id) => ({ id: id }))));
    check(read(known), { 'read (200)': (answer) => answer.status === 200 });
  } else {
    const known = anyOf(own);
    const changed = update(known, name);
    if (check(changed, { 'updated (200)': (answer) => answer.status === 200 })) known.version = changed.version;
  }
  sleep(0.1);
}

export function handleSummary(data) {
  return summary('Mixed load: create, read, update', data);
}
