// The C interface of Plimsoll's router (bindings/c/include/plimsoll.h) as WebAssembly, with the types of JavaScript.
// index.d.ts documents what is exported.

const ROUTES = ['llm', 'slm'];
const REASONS = ['missing', 'below', 'at_or_above', 'certificate', 'explored'];
const DRIFT_STATES = ['unmonitored', 'collecting', 'normal', 'alarm'];
const STATUSES = [
  'ok', 'null_pointer', 'not_utf8', 'invalid_argument', 'invalid_file', 'other_model', 'not_in_file', 'no_threshold',
  'unavailable', 'other_snapshot', 'panic',
];

// Sizes of the header's structs.
const DECISION_BYTES = 32;
const DRIFT_BYTES = 56;
const EVIDENCE_BYTES = 40;
const EXPLORED_BYTES = 16;

export class PlimsollError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'PlimsollError';
    this.status = STATUSES[status] ?? 'unknown';
  }
}

/** Reads the module's file where it lies beside this one: by `fetch`, or in Node from the disk. */
async function bytesBeside() {
  const url = new URL('plimsoll.wasm', import.meta.url);
  if (url.protocol !== 'file:') {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} cannot be fetched: ${response.status}`);
    return response.arrayBuffer();
  }
  const { readFile } = await import('node:fs/promises');
  return readFile(url).catch((cause) => {
    throw new Error(`${url.pathname} cannot be read: build it by \`make bindings-js\`, or give load() its bytes`, { cause });
  });
}

export async function load(source) {
  const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source ?? (await bytesBeside()));
  return new Plimsoll((await WebAssembly.instantiate(module)).exports);
}

/** A number, where `null` and `undefined` are what NaN is in C: missing, or left to the file. */
function numberOrNaN(value, name) {
  if (value === null || value === undefined) return NaN;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number or null`);
  return value;
}

function textOf(value, name) {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
  // A C string would end there.
  if (value.includes('\0')) throw new TypeError(`${name} must not contain a NUL`);
  return value;
}

/** Checked, since WebAssembly would take a larger number modulo 2^32. */
function uint32(value, name) {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`${name} must be an integer from 0 to 4294967295`);
  }
  return value;
}

/** A list of log-probabilities for each position of an answer. */
function listsOf(positions) {
  return Array.from(positions, (list) => {
    if (typeof list?.[Symbol.iterator] !== 'function' || typeof list === 'string') {
      throw new TypeError('for each position a list of log-probabilities is needed');
    }
    return Array.from(list, (value) => numberOrNaN(value, 'a log-probability'));
  });
}

const numberOrNull = (value) => (Number.isNaN(value) ? null : value);

/** The module's memory: what is written for the length of a call, and what is read from it. */
class Memory {
  #exports;
  #encoder = new TextEncoder();
  #decoder = new TextDecoder();

  constructor(exports) {
    this.#exports = exports;
  }

  /** Calls `use` with the address of `length` zero bytes, and frees them. */
  with(length, use) {
    const address = this.#exports.plimsoll_wasm_allocate(length);
    if (address === 0 && length > 0) throw new RangeError('WebAssembly has no memory left');
    try {
      return use(address);
    } finally {
      this.#exports.plimsoll_wasm_free(address, length);
    }
  }

  withBytes(bytes, use) {
    return this.with(bytes.length, (address) => {
      new Uint8Array(this.#exports.memory.buffer, address, bytes.length).set(bytes);
      return use(address);
    });
  }

  withTexts(texts, use, addresses = []) {
    if (addresses.length === texts.length) return use(...addresses);
    const bytes = this.#encoder.encode(`${texts[addresses.length]}\0`);
    return this.withBytes(bytes, (address) => this.withTexts(texts, use, [...addresses, address]));
  }

  /** A view for reading; stale after any call, since memory may grow. */
  view(address, length) {
    return new DataView(this.#exports.memory.buffer, address, length);
  }

  text(address) {
    const bytes = new Uint8Array(this.#exports.memory.buffer);
    return this.#decoder.decode(bytes.subarray(address, bytes.indexOf(0, address)));
  }
}

export class Plimsoll {
  /** @internal */
  constructor(exports) {
    this.exports = exports;
    this.memory = new Memory(exports);
  }

  get version() {
    return this.memory.text(this.exports.plimsoll_version());
  }

  open(thresholds, { device, method, target } = {}) {
    const bytes = typeof thresholds === 'string' ? new TextEncoder().encode(thresholds) : thresholds;
    if (!(bytes instanceof Uint8Array)) throw new TypeError('thresholds must be a string or a Uint8Array');
    const identity = typeof device === 'string' ? { id: device } : device;
    if (identity === null || typeof identity !== 'object') throw new TypeError('device must be a string or an object');
    const texts = [JSON.stringify(identity), textOf(method, 'method'), textOf(target, 'target')];
    return this.memory.withBytes(bytes, (address) =>
      this.memory.withTexts(texts, (...addresses) => {
        const handle = this.exports.plimsoll_router_open(address, bytes.length, ...addresses);
        return new Router(this, this.checkedHandle(handle), 'plimsoll_router_free');
      }));
  }

  accumulator(method) {
    return this.memory.withTexts([textOf(method, 'method')], (address) => {
      const handle = this.exports.plimsoll_accumulator_new(address);
      return new Accumulator(this, this.checkedHandle(handle), 'plimsoll_accumulator_free');
    });
  }

  perplexity(logprobsNats) {
    return this.#overTokens('plimsoll_perplexity', logprobsNats);
  }

  averageTokenProbability(logprobsNats) {
    return this.#overTokens('plimsoll_average_token_probability', logprobsNats);
  }

  minTokenProbability(logprobsNats) {
    return this.#overTokens('plimsoll_min_token_probability', logprobsNats);
  }

  tokenMargin(likeliestNats) {
    const lists = listsOf(likeliestNats).map((list) => list.slice(0, 2));
    // A position with one token has no margin.
    if (lists.some((list) => list.length < 2)) return null;
    return this.#overPositions(lists, (address, count) => this.exports.plimsoll_token_margin(address, count));
  }

  tokenEntropy(likeliestNats) {
    return this.#overPositions(listsOf(likeliestNats), (address, count, k) =>
      this.exports.plimsoll_token_entropy(address, count, k));
  }

  pTrue(trueMass, falseMass) {
    return numberOrNull(this.exports.plimsoll_p_true(numberOrNaN(trueMass, 'trueMass'), numberOrNaN(falseMass, 'falseMass')));
  }

  jaccardDegree(answers) {
    const texts = Array.from(answers, (answer) => textOf(answer, 'an answer'));
    return this.memory.withTexts(texts, (...addresses) =>
      this.memory.withBytes(new Uint8Array(Uint32Array.from(addresses).buffer), (list) =>
        numberOrNull(this.exports.plimsoll_jaccard_degree(list, texts.length))));
  }

  #overTokens(name, logprobsNats) {
    const numbers = Float64Array.from(logprobsNats, (value) => numberOrNaN(value, 'a log-probability'));
    return this.memory.withBytes(new Uint8Array(numbers.buffer), (address) =>
      numberOrNull(this.exports[name](address, numbers.length)));
  }

  /** Lists of one length; of others there is no confidence. */
  #overPositions(lists, call) {
    const k = lists[0]?.length ?? 0;
    if (lists.some((list) => list.length !== k)) return null;
    const numbers = Float64Array.from(lists.flat());
    return this.memory.withBytes(new Uint8Array(numbers.buffer), (address) =>
      numberOrNull(call(address, lists.length, k)));
  }

  /** @internal The error of the latest failure. */
  error() {
    return new PlimsollError(this.exports.plimsoll_last_status(), this.memory.text(this.exports.plimsoll_last_error()));
  }

  /** @internal */
  checked(status) {
    if (status !== 0) throw this.error();
  }

  /** @internal */
  checkedHandle(handle) {
    if (handle === 0) throw this.error();
    return handle;
  }

  /** @internal A text that the library gives, freed. */
  takenText(address) {
    try {
      return this.memory.text(this.checkedHandle(address));
    } finally {
      this.exports.plimsoll_text_free(address);
    }
  }

  /** @internal A struct that a function fills. */
  filled(bytes, call, read) {
    return this.memory.with(bytes, (address) => {
      this.checked(call(address));
      return read(this.memory.view(address, bytes));
    });
  }
}

/** What must be ended. */
class Handle {
  #plimsoll;
  #handle;
  #free;

  constructor(plimsoll, handle, free) {
    this.#plimsoll = plimsoll;
    this.#handle = handle;
    this.#free = free;
  }

  /** @internal */
  get plimsoll() {
    return this.#plimsoll;
  }

  /** @internal */
  get handle() {
    if (this.#handle === 0) {
      throw new PlimsollError(STATUSES.indexOf('null_pointer'), `this ${this.constructor.name} was freed`);
    }
    return this.#handle;
  }

  free() {
    const handle = this.#handle;
    this.#handle = 0;
    this.#plimsoll.exports[this.#free](handle);
  }
}

// `using router = plimsoll.open(..)` where the language has it.
if (Symbol.dispose) Handle.prototype[Symbol.dispose] = Handle.prototype.free;

function readDecision(view) {
  const number = (offset) => numberOrNull(view.getFloat64(offset, true));
  return {
    route: ROUTES[view.getInt32(0, true)],
    reason: REASONS[view.getInt32(4, true)],
    z: number(8),
    u: number(16),
    t: number(24),
  };
}

function readExplored(view) {
  return {
    route: ROUTES[view.getInt32(0, true)],
    reason: REASONS[view.getInt32(4, true)],
    propensity: view.getFloat64(8, true),
  };
}

function readDrift(view) {
  const flag = (offset) => view.getInt32(offset, true) !== 0;
  const report = {
    window: Number(view.getBigUint64(8, true)),
    psi: view.getFloat64(16, true),
    ks: view.getFloat64(24, true),
    missingShare: view.getFloat64(32, true),
    psiAlarm: flag(40),
    ksAlarm: flag(44),
    missingAlarm: flag(48),
  };
  return { state: DRIFT_STATES[view.getInt32(0, true)], report: flag(4) ? report : null };
}

function readEvidence(view) {
  return {
    kept: Number(view.getBigUint64(0, true)),
    wrong: Number(view.getBigUint64(8, true)),
    logE: view.getFloat64(16, true),
    pValue: view.getFloat64(24, true),
    alarm: view.getInt32(32, true) !== 0,
  };
}

const readFlag = (view) => view.getInt32(0, true) !== 0;

export class Router extends Handle {
  decide(confidence) {
    const { exports } = this.plimsoll;
    const value = numberOrNaN(confidence, 'confidence');
    const { route, reason } =
      this.plimsoll.filled(DECISION_BYTES, (out) => exports.plimsoll_decide(this.handle, value, out), readDecision);
    return { route, reason };
  }

  record(confidence) {
    const value = numberOrNaN(confidence, 'confidence');
    return this.plimsoll.takenText(this.plimsoll.exports.plimsoll_record(this.handle, value));
  }

  explore(confidence, share, u) {
    const numbers = [numberOrNaN(confidence, 'confidence'), numberOrNaN(share, 'share'), numberOrNaN(u, 'u')];
    const call = (out) => this.plimsoll.exports.plimsoll_explore(this.handle, ...numbers, out);
    return this.plimsoll.filled(EXPLORED_BYTES, call, readExplored);
  }

  exploredRecord(confidence, share, u) {
    const numbers = [numberOrNaN(confidence, 'confidence'), numberOrNaN(share, 'share'), numberOrNaN(u, 'u')];
    return this.plimsoll.takenText(this.plimsoll.exports.plimsoll_explored_record(this.handle, ...numbers));
  }

  describe() {
    return JSON.parse(this.plimsoll.takenText(this.plimsoll.exports.plimsoll_router_describe(this.handle)));
  }

  observe(confidence) {
    const { exports } = this.plimsoll;
    const value = numberOrNaN(confidence, 'confidence');
    return this.plimsoll.filled(DRIFT_BYTES, (out) => exports.plimsoll_observe(this.handle, value, out), readDrift);
  }

  driftSnapshot() {
    return this.plimsoll.takenText(this.plimsoll.exports.plimsoll_drift_snapshot(this.handle));
  }

  resumeDrift(snapshot) {
    const resume = (address) => this.plimsoll.exports.plimsoll_drift_resume(this.handle, address);
    this.plimsoll.checked(this.plimsoll.memory.withTexts([textOf(snapshot, 'snapshot')], resume));
  }

  mustDefer(accumulator, maxTokens) {
    const { exports } = this.plimsoll;
    const tokens = uint32(maxTokens, 'maxTokens');
    const call = (out) => exports.plimsoll_must_defer(this.handle, accumulator.handle, tokens, out);
    return this.plimsoll.filled(4, call, readFlag);
  }

  tracker({ horizon, certificateZ, snapshot } = {}) {
    const { exports, memory } = this.plimsoll;
    const numbers = [numberOrNaN(horizon, 'horizon'), numberOrNaN(certificateZ, 'certificateZ')];
    const resume = (address) => exports.plimsoll_tracker_resume(this.handle, address, ...numbers);
    const handle = snapshot === undefined
      ? exports.plimsoll_tracker_new(this.handle, ...numbers)
      : memory.withTexts([textOf(snapshot, 'snapshot')], resume);
    return new Tracker(this.plimsoll, this.plimsoll.checkedHandle(handle), 'plimsoll_tracker_free');
  }

  errorMonitor({ alpha, delta, snapshot } = {}) {
    const { exports, memory } = this.plimsoll;
    const resume = (address) => exports.plimsoll_error_monitor_resume(this.handle, address);
    const handle = snapshot === undefined
      ? exports.plimsoll_error_monitor_new(this.handle, numberOrNaN(alpha, 'alpha'), numberOrNaN(delta, 'delta'))
      : memory.withTexts([textOf(snapshot, 'snapshot')], resume);
    return new ErrorMonitor(this.plimsoll, this.plimsoll.checkedHandle(handle), 'plimsoll_error_monitor_free');
  }
}

export class Tracker extends Handle {
  decide(id, confidence) {
    const { exports, memory } = this.plimsoll;
    const value = numberOrNaN(confidence, 'confidence');
    return memory.withTexts([textOf(id, 'id')], (address) => {
      const call = (out) => exports.plimsoll_track(this.handle, address, value, out);
      return this.plimsoll.filled(DECISION_BYTES, call, readDecision);
    });
  }

  mustDefer(accumulator, maxTokens) {
    const { exports } = this.plimsoll;
    const tokens = uint32(maxTokens, 'maxTokens');
    const call = (out) => exports.plimsoll_tracker_must_defer(this.handle, accumulator.handle, tokens, out);
    return this.plimsoll.filled(4, call, readFlag);
  }

  record() {
    return this.plimsoll.takenText(this.plimsoll.exports.plimsoll_tracker_record(this.handle));
  }

  snapshot() {
    return this.plimsoll.takenText(this.plimsoll.exports.plimsoll_tracker_snapshot(this.handle));
  }
}

export class ErrorMonitor extends Handle {
  observe(correct) {
    if (typeof correct !== 'boolean') throw new TypeError('correct must be a boolean');
    const call = (out) => this.plimsoll.exports.plimsoll_error_monitor_observe(this.handle, correct ? 1 : 0, out);
    return this.plimsoll.filled(EVIDENCE_BYTES, call, readEvidence);
  }

  snapshot() {
    return this.plimsoll.takenText(this.plimsoll.exports.plimsoll_error_monitor_snapshot(this.handle));
  }
}

export class Accumulator extends Handle {
  push(logprobNats) {
    const value = numberOrNaN(logprobNats, 'logprobNats');
    this.plimsoll.checked(this.plimsoll.exports.plimsoll_accumulator_push(this.handle, value));
  }

  confidence() {
    return numberOrNull(this.plimsoll.exports.plimsoll_accumulator_confidence(this.handle));
  }

  upperBound(maxTokens) {
    const tokens = uint32(maxTokens, 'maxTokens');
    return numberOrNull(this.plimsoll.exports.plimsoll_accumulator_upper_bound(this.handle, tokens));
  }
}
