// What is charted.

import {rateOf} from "./history.js";

/** @type {import("./types.js").ChartSpec[]} */
export const SPECS = [
  {
    key: "queue", title: "Waiting for PostgreSQL", unit: "products",
    caption: "Products whose newest write is not in the database yet.",
    lines: [
      {label: "queued", values: sample => sample.queue},
      {label: "in flight", values: sample => sample.inflight},
      {label: "retrying", values: sample => sample.retrying},
    ],
    threshold: greeting => ({value: greeting.max_pending, label: "MAX_PENDING"}),
  },
  {
    key: "rates", title: "Writes", unit: "per second",
    caption: "Coalesced writes were replaced in Redis by a newer one.",
    lines: [
      {label: "accepted", values: rateOf("accepted")},
      {label: "coalesced", values: rateOf("coalesced")},
      {label: "persisted", values: rateOf("persisted")},
    ],
  },
  {
    key: "ack", title: "Acknowledgement", unit: "ms",
    caption: "From a write's arrival at the API to its answer.",
    lines: [
      {label: "p50", values: sample => sample.ack_ms?.p50 ?? null},
      {label: "p95", values: sample => sample.ack_ms?.p95 ?? null},
      {label: "p99", values: sample => sample.ack_ms?.p99 ?? null},
    ],
  },
  {
    key: "lag", title: "Persist lag", unit: "ms",
    caption: "From a write's acknowledgement to its commit.",
    lines: [
      {label: "p50", values: sample => sample.persist_lag_ms?.p50 ?? null},
      {label: "p99", values: sample => sample.persist_lag_ms?.p99 ?? null},
      {label: "max", values: sample => sample.persist_lag_ms?.max ?? null},
    ],
    threshold: greeting => ({value: greeting.window_ms, label: "window"}),
  },
  {
    key: "exposed", title: "At stake", unit: "writes",
    caption: "Acknowledged, and in Redis alone.",
    lines: [
      {label: "writes", values: sample => sample.exposed?.writes ?? null},
      {label: "products", values: sample => sample.exposed?.products ?? null},
    ],
  },
  {
    key: "age", title: "Oldest write at stake", unit: "s",
    caption: "How far back a loss would reach.",
    lines: [{label: "age", values: sample => sample.exposed?.seconds ?? null}],
    threshold: greeting => ({value: greeting.window_ms / 1000, label: "window"}),
  },
];
