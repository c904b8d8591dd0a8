// Where the stations of a write's way are, and where its writes stand. Pure.

/** Size of a write, and of the room it takes, in px. */
export const TOKEN = 26;
const ROOM = 32;
const PAD = 12;
const OVERLAP = 6;
/** In a box, writes stand below its title. */
const TITLE = 58;
const SMALL_TITLE = 32;

/**
 * Stations; what is in Redis; and trays, for writes that did not go straight on.
 * @typedef {"client" | "redis" | "worker" | "postgres" | "cache" | "pending" | "queue"
 *   | "coalesced" | "lost" | "retry" | "dead"} Place
 */
/** @typedef {{x: number, y: number, w: number, h: number}} Box */

/** @type {Record<import("./types.js").WriteState, Place>} */
export const PLACE_OF = {
  "queued": "queue", "in flight": "worker", "persisted": "postgres", "coalesced": "coalesced",
  "retry": "retry", "dead letter": "dead", "lost": "lost",
};
/** @type {Record<Place, "station" | "part" | "tray">} */
export const KINDS = {
  client: "station", redis: "station", worker: "station", postgres: "station",
  cache: "part", pending: "part", queue: "part",
  coalesced: "tray", lost: "tray", retry: "tray", dead: "tray",
};

/**
 * The boxes: side by side, or one below the other where there is little room.
 * @param {number} width In px.
 * @returns {{boxes: Record<Place, Box>, height: number, wide: boolean}}
 */
export function layout(width) {
  return width >= 700 ? sideBySide(width) : stacked(width);
}

/** @param {number} width */
function sideBySide(width) {
  /** @param {number} x @param {number} w @param {number} y @param {number} h */
  const box = (x, w, y, h) => ({x: Math.round(x * width), y, w: Math.round(w * width), h});
  const redis = box(0.19, 0.35, 0, 170);
  const boxes = {
    client: box(0, 0.12, 0, 170), redis, worker: box(0.61, 0.15, 0, 170), postgres: box(0.83, 0.17, 0, 170),
    cache: {x: redis.x + PAD, y: 40, w: 116, h: 55}, pending: {x: redis.x + PAD, y: 103, w: 116, h: 55},
    queue: {x: redis.x + PAD + 124, y: 40, w: redis.w - 2 * PAD - 124, h: 118},
    coalesced: box(0.19, 0.165, 204, 76), lost: box(0.375, 0.165, 204, 76),
    retry: box(0.61, 0.15, 204, 76), dead: box(0.83, 0.17, 204, 76),
  };
  return {boxes, height: 281, wide: true};
}

/** @param {number} width */
function stacked(width) {
  const half = Math.floor((width - 8) / 2);
  const inner = Math.floor((width - 2 * PAD - 8) / 2);
  const full = {x: 0, w: width};
  const boxes = {
    client: {...full, y: 0, h: 40}, redis: {...full, y: 64, h: 196}, worker: {...full, y: 284, h: 98},
    cache: {x: PAD, y: 104, w: inner, h: 32}, pending: {x: PAD + inner + 8, y: 104, w: inner, h: 32},
    queue: {x: PAD, y: 144, w: width - 2 * PAD, h: 104},
    postgres: {...full, y: 406, h: 130},
    coalesced: {x: 0, y: 552, w: half, h: 76}, retry: {x: half + 8, y: 552, w: half, h: 76},
    dead: {x: 0, y: 636, w: half, h: 76}, lost: {x: half + 8, y: 636, w: half, h: 76},
  };
  return {boxes, height: 713, wide: false};
}

/**
 * Where the write in this slot of a box stands.
 * @param {Record<Place, Box>} boxes
 * @param {Place} name
 * @param {number} slot
 */
export function standing(boxes, name, slot) {
  const box = boxes[name];
  const columns = Math.max(1, Math.floor((box.w - 2 * PAD + ROOM - TOKEN) / ROOM));
  const top = KINDS[name] === "station" ? TITLE : SMALL_TITLE;
  const rows = Math.max(1, Math.floor((box.h - top - PAD + ROOM - TOKEN) / ROOM));
  // Where there is no room left, they overlap.
  const place = slot % (columns * rows);
  const layer = Math.floor(slot / (columns * rows));
  return {
    x: box.x + PAD + (place % columns) * ROOM + layer * OVERLAP,
    y: box.y + top + Math.floor(place / columns) * ROOM,
  };
}

/**
 * The lines between the boxes, as SVG paths.
 * @param {Record<Place, Box>} boxes
 * @param {boolean} wide
 * @returns {{path: string, kind: "main" | "side"}[]}
 */
export function lines(boxes, wide) {
  const {client, redis, worker, postgres, coalesced, lost, retry, dead} = boxes;
  /** @param {Box} from @param {Box} to */
  const ahead = (from, to) => wide
    ? `M${from.x + from.w + 4} ${from.y + from.h / 2}H${to.x - 7}`
    : `M${from.x + from.w / 2} ${from.y + from.h + 3}V${to.y - 7}`;
  /** @type {{path: string, kind: "main" | "side"}[]} */
  const main = [[client, redis], [redis, worker], [worker, postgres]]
    .map(([from, to]) => ({path: ahead(from, to), kind: "main"}));
  if (!wide) return main;
  /** @param {Box} from @param {Box} to */
  const down = (from, to) => `M${to.x + to.w / 2} ${from.y + from.h + 4}V${to.y - 7}`;
  const back = `M${retry.x - 4} ${retry.y + 38}H${(redis.x + redis.w + retry.x) / 2}V${redis.y + redis.h - 34}H${redis.x + redis.w + 7}`;
  const over = `M${worker.x + worker.w - 24} ${worker.y + worker.h + 4}V${dead.y - 18}H${dead.x + dead.w / 2}V${dead.y - 7}`;
  return [...main, ...[down(redis, coalesced), down(redis, lost), down(worker, retry), back, over]
    .map(path => /** @type {const} */ ({path, kind: "side"}))];
}
