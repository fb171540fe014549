/// <reference lib="esnext.disposable" />

/** Which model answers: the small one's answer is kept (`slm`), or the question is deferred (`llm`). */
export type Route = 'slm' | 'llm';

/**
 * Why. `certificate`: a tracker would have kept it, the certificate's threshold does not. `explored`: a coin chose the other
 * route than the threshold's.
 */
export type Reason = 'missing' | 'below' | 'at_or_above' | 'certificate' | 'explored';

/**
 * What a device runs. Each field that the thresholds file records must be given and be equal: docs/thresholds-file.md says
 * where each value comes from. Hashes are equal in either case of letters, decoding parameters in any order.
 */
export interface ModelIdentity {
  id: string;
  revision?: string;
  weights_sha256?: string;
  tokenizer_sha256?: string;
  chat_template_sha256?: string;
  quantisation?: string;
  decoding?: string | Record<string, unknown>;
}

/** An operating point, with the keys that it has in the file (docs/thresholds-file.md). */
export interface OperatingPoint {
  id: string;
  target: Record<string, unknown>;
  /** `tied` and `missing_share` defer another share than was asked for: see `achieved.routing_ratio`. */
  status: string;
  threshold: number;
  achieved: Record<string, unknown> | null;
  guarantee: Record<string, unknown> | null;
  [key: string]: unknown;
}

/** What a router decides by. */
export interface PointDescription {
  thresholds_sha256: string;
  method: string;
  /** Identity fields that the file does not record, so that they could not be checked. */
  unverified: string[];
  point: OperatingPoint;
}

/** A confidence in [0, 1], higher = more likely correct; `null` is missing, and defers. */
export type Confidence = number | null;

export interface Decision {
  route: Route;
  reason: Reason;
}

/** A decision with exploration. */
export interface ExploredDecision extends Decision {
  /** The probability with which this route was taken. */
  propensity: number;
}

/** A decision by a tracker, with all that is needed to repeat it. */
export interface TrackedDecision extends Decision {
  /** The confidence on the pool's scale; `null` if it is missing. */
  z: number | null;
  /** The number in [0, 1) that breaks ties. */
  u: number;
  /** The threshold on the pool's scale that was in force. */
  t: number;
}

/** A full window of the drift monitor. */
export interface WindowReport {
  window: number;
  psi: number;
  ks: number;
  missingShare: number;
  psiAlarm: boolean;
  ksAlarm: boolean;
  missingAlarm: boolean;
}

export interface Drift {
  /** `unmonitored`: the file has no alarm levels for the method. `collecting`: the first window is not yet full. */
  state: 'unmonitored' | 'collecting' | 'normal' | 'alarm';
  /** The window that this observation filled; `null` for all others. */
  report: WindowReport | null;
}

/** What an error monitor has seen. */
export interface Evidence {
  /** Kept answers with a label. */
  kept: number;
  /** Of these, wrong. */
  wrong: number;
  /** Natural logarithm of the evidence that P(wrong | kept) exceeds alpha. */
  logE: number;
  /** A p-value that is valid at every moment. */
  pValue: number;
  /** `true` from the first alarm on. */
  alarm: boolean;
}

export type Status =
  | 'null_pointer' | 'not_utf8' | 'invalid_argument' | 'invalid_file' | 'other_model' | 'not_in_file' | 'no_threshold'
  | 'unavailable' | 'other_snapshot' | 'panic' | 'unknown';

/** What the library refuses. The message says what is wrong, where, and what to do. */
export class PlimsollError extends Error {
  readonly status: Status;
}

/** Loads the library: from `plimsoll.wasm` beside the package's file unless its bytes or the compiled module are given. */
export function load(source?: BufferSource | WebAssembly.Module): Promise<Plimsoll>;

/** The library, loaded. */
export class Plimsoll {
  private constructor();
  readonly version: string;

  /**
   * Opens a thresholds file at one operating point and checks it: schema, version, hash, that it was fitted for the model
   * that this device runs, and that the point has a threshold. A `device` that is a string is the model's id alone.
   */
  open(thresholds: string | Uint8Array, point: { device: string | ModelIdentity; method: string; target: string }): Router;

  /** A confidence that grows token by token, for `perplexity`, `average_token_probability` and `min_token_probability`. */
  accumulator(method: string): Accumulator;

  /**
   * 1 / perplexity of the answer's tokens. Log-probabilities are natural logs of the model's own distribution over its
   * whole vocabulary, before temperature, without the stop token; a `null` or NaN among them makes the confidence missing.
   */
  perplexity(logprobsNats: Iterable<number | null>): Confidence;
  /** The mean probability of the answer's tokens. */
  averageTokenProbability(logprobsNats: Iterable<number | null>): Confidence;
  /** The smallest probability of the answer's tokens. */
  minTokenProbability(logprobsNats: Iterable<number | null>): Confidence;
  /**
   * By how much the likeliest token leads, on average: for each position of the answer the log-probabilities of the
   * likeliest tokens, whichever was chosen, the likeliest first. Of longer lists the first two count; with a shorter one
   * there is no confidence.
   */
  tokenMargin(likeliestNats: Iterable<Iterable<number | null>>): Confidence;
  /**
   * How far the next-token distributions are from uniform, on average: for each position of the answer the
   * log-probabilities of the k likeliest tokens, k being that of the file's variant: with another k it is another scale.
   * Lists of several lengths have no confidence.
   */
  tokenEntropy(likeliestNats: Iterable<Iterable<number | null>>): Confidence;
  /** P(True) / (P(True) + P(False)). */
  pTrue(trueMass: number, falseMass: number): Confidence;
  /** How much sampled answers agree. */
  jaccardDegree(answers: Iterable<string>): Confidence;
}

/** Memory of the WebAssembly module, which is ended by `free` or `using`, not by the garbage collector. */
declare class Handle {
  protected constructor();
  /** Ends it; a later call of another method throws. */
  free(): void;
  [Symbol.dispose](): void;
}

/** One operating point of a thresholds file. */
export class Router extends Handle {
  /** Keeps iff confidence >= threshold; otherwise, or if it is missing, defers. Throws for a number outside [0, 1]. */
  decide(confidence: Confidence): Decision;
  /** The decision as a line of the decision log, JSON. */
  record(confidence: Confidence): string;
  /**
   * Decides, and takes the other route where a coin says so, so that thresholds can be fitted anew on the log. `share` is in
   * [0, 1] (0.02 to 0.1 is usual); half of these questions take the other route. `u` is uniform in [0, 1), drawn anew for
   * each question by a generator that clients cannot foresee.
   */
  explore(confidence: Confidence, share: number, u: number): ExploredDecision;
  /** The decision of `explore` as a line of the decision log, JSON, with its propensity. */
  exploredRecord(confidence: Confidence, share: number, u: number): string;
  /** The operating point that it decides by, as the file has it. */
  describe(): PointDescription;
  /**
   * Counts a decided question in the drift monitor, once. `state` is that of the latest full window, so an alarm lasts until
   * the next is full; `report` is there once a window.
   */
  observe(confidence: Confidence): Drift;
  /** What the drift monitor has counted, as JSON, so that a window may outlive the process. */
  driftSnapshot(): string;
  /** Goes on from what `driftSnapshot` gave. */
  resumeDrift(snapshot: string): void;
  /**
   * The exact early exit: whether `decide` defers every answer of at most `maxTokens` tokens that begins with these. Only
   * where the confidence is over all tokens of the answer. An answer that was cut is neither observed nor recorded.
   */
  mustDefer(accumulator: Accumulator, maxTokens: number): boolean;
  /** A tracker that keeps to the point's routing ratio, from a snapshot where one is given. Lives on without the router. */
  tracker(settings?: { horizon?: number; certificateZ?: number; snapshot?: string }): Tracker;
  /** An alarm about the error of kept answers; alpha and delta are the point's unless both are given. */
  errorMonitor(settings?: { alpha?: number; delta?: number; snapshot?: string }): ErrorMonitor;
}

/** Keeps to a routing ratio on traffic never seen. */
export class Tracker extends Handle {
  /** Decides about one question and counts it. The request's `id` breaks ties. */
  decide(id: string, confidence: Confidence): TrackedDecision;
  /** As {@link Router.mustDefer}. Where it is true, the decision is counted: do not call `decide` for this question. */
  mustDefer(accumulator: Accumulator, maxTokens: number): boolean;
  /** The latest decision as a line of the decision log, JSON. */
  record(): string;
  /** The state as JSON, with the file and point that it belongs to. */
  snapshot(): string;
}

/** An alarm about the error of kept answers, valid at every moment. */
export class ErrorMonitor extends Handle {
  /** Counts a kept answer whose label has arrived, once. */
  observe(correct: boolean): Evidence;
  snapshot(): string;
}

/** A confidence that grows token by token, with the bits of the closed form. */
export class Accumulator extends Handle {
  /** Takes the natural-log probability of the next token; `null` or NaN makes the confidence missing for good. */
  push(logprobNats: number | null): void;
  confidence(): Confidence;
  /** No answer of at most `maxTokens` tokens that begins with these gets a larger confidence; `null` if it gets none. */
  upperBound(maxTokens: number): Confidence;
}
