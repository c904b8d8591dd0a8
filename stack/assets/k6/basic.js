// Two minutes of mixed load: 30 % create, 30 % read, 40 % update, by up to ten users.
//   docker compose run --rm lab42-k6 run /scripts/basic.js
import { check, sleep } from 'k6';
import { create, read, seconds, summary, update, whole } from './lab.js';

const WHOLE = seconds(120);
const SEEDS = ['seed-001', 'seed-002', 'seed-003', 'seed-004', 'seed-005'];

export const options = {
  stages: [
    { duration: whole(WHOLE / 4), target: 10 },
    { duration: whole(WHOLE / 2), target: 10 },
    { duration: whole(WHOLE / 4), target: 0 },
  ],
  thresholds: {
    http_req_failed: ['rate<0.01'],
    'http_req_duration{name:create}': ['p(95)<500'],
    'http_req_duration{name:read}': ['p(95)<500'],
    'http_req_duration{name:update}': ['p(95)<500'],
    checks: ['rate>0.99'],
  },
};

// Every user works on products of its own, beside the seeds.
const own = [];

function anyOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}

export default function () {
  const dice = Math.random();
  if (dice < 0.3 || own.length === 0) {
    const answer = create(`k6-${__VU}-${__ITER}`);
    if (check(answer, { 'created (201)': (r) => r.status === 201 })) {
      own.push(answer.json('id'));
      if (own.length > 100) own.shift();
    }
  } else if (dice < 0.6) {
    check(read(anyOf(own.concat(SEEDS))), { 'read (200)': (r) => r.status === 200 });
  } else {
    check(update(anyOf(own), `k6-${__VU}-${__ITER}`), { 'updated (200)': (r) => r.status === 200 });
  }
  sleep(0.1);
}

export function handleSummary(data) {
  return summary('Mixed load: create, read, update', data);
}
