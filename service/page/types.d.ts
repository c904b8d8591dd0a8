// What the API sends, and what modules pass to each other. Only the type checker reads this file.

export interface Greeting {
  lab: string;
  runtime: string;
  /** Whether the page may change something. */
  control: boolean;
  settings: Record<string, unknown>;
  max_pending: number;
  window_ms: number;
  history: Sample[];
  marks: Mark[];
  runs: Run[];
}

export interface Exposed {
  writes: number;
  products: number;
  /** Age of the oldest of them. */
  seconds: number;
}

export interface Worker {
  name: string;
  state: string;
  reason: string;
  for_ms: number;
}

export type WriteState =
  | "queued" | "in flight" | "persisted" | "coalesced" | "retry" | "dead letter" | "lost";

export interface Write {
  id: string;
  version: number;
  state: WriteState;
  /** Unix time, in s. */
  since: number;
}

/** The lab at one moment. What can't be read is null. */
export interface Sample {
  /** Unix time, in s. */
  at: number;
  redis: boolean;
  postgres: boolean;
  queue: number | null;
  inflight: number | null;
  retrying: number | null;
  dead_letters: number | null;
  accepted: number | null;
  coalesced: number | null;
  persisted: number | null;
  written_through: number | null;
  ack_ms: { p50: number; p95: number; p99: number } | null;
  persist_lag_ms: { p50: number; p99: number; max: number } | null;
  exposed: Exposed | null;
  trouble: string;
  workers: Worker[];
  products: Write[];
}

export type Outcome = "expected" | "unexpected" | "inconclusive" | "interrupted";

export interface Mark {
  run: string;
  scenario: string;
  kind: "run" | "step" | "fault" | "end";
  /** Unix time, in s. */
  at: number;
  label: string;
  detail?: string;
  number?: number | null;
  outcome?: Outcome | null;
  figures?: Record<string, number | null> | null;
}

export interface Run {
  run: string;
  scenario: string;
  started_at: number;
  ended_at?: number | null;
  outcome?: Outcome | null;
  label?: string;
  detail?: string;
  figures?: Record<string, number | null> | null;
  /** It has not ended, as far as one knows, but has told nothing for long. */
  silent?: boolean;
}

/** A part of the time axis. */
export interface Band {
  kind: "step" | "fault" | "away";
  start: number;
  /** Infinity while it lasts. */
  end: number;
  label: string;
  odd: boolean;
  /** Whose it is; empty for a fault. */
  run: string;
}

export type Line = { label: string; values: (sample: Sample, before: Sample | null) => number | null };

export interface ChartSpec {
  key: string;
  title: string;
  unit: string;
  caption: string;
  lines: Line[];
  /** Draw at most one: where it is, and what it is called. */
  threshold?: (greeting: Greeting) => { value: number; label: string };
}

/** Columns of one chart: the time, then each line. */
export type Columns = (number | null)[][];

export interface LifeWrite {
  /** Null if it was refused. */
  version: number | null;
  operation: string;
  policy?: string;
  trace_id: string;
  sent_at_us: number | null;
  received_at_us: number | null;
  acknowledged_at_us: number | null;
  status?: number | null;
  outcome: string;
  superseded_by: number | null;
  claimed_at_us: number | null;
  worker: string | null;
  committed_at_us: number | null;
  attempts?: number;
  error?: string;
}

export interface Life {
  product_id: string;
  writes: LifeWrite[];
  now: Record<string, boolean | number | null>;
  unread?: string[];
}

export interface Span {
  trace_id: string;
  span_id: string;
  parent_id: string | null;
  name: string;
  service: string;
  start_us: number;
  end_us: number;
  status: string;
  message: string;
  events: { name: string; at_us: number }[];
}

export interface Trace {
  trace_id: string;
  spans: Span[];
  linked: Span[];
}
