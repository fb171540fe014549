// The conformance vectors, and untrusted input, through the JavaScript package.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { load, PlimsollError } from '../index.js';

const read = (name) => readFileSync(new URL(`../../../schemas/conformance/${name}`, import.meta.url));
const vectors = (name) => JSON.parse(read(name));
const file = read('example.thresholds.json');
const plimsoll = await load();

function open(thresholdId) {
  const [method, target] = [thresholdId.slice(0, thresholdId.indexOf('/')), thresholdId.slice(thresholdId.indexOf('/') + 1)];
  return plimsoll.open(file, { device: 'small', method, target });
}

function isNear(found, expected, tolerance, message) {
  const isIt = expected === null ? found === null : found !== null && Math.abs(found - expected) <= tolerance;
  assert.ok(isIt, `${message}: ${found} instead of ${expected}`);
}

test('decide.json', () => {
  const { cases, sha256 } = vectors('decide.json');
  for (const { threshold_id: id, confidence, threshold, route, reason } of cases) {
    const router = open(id);
    assert.deepEqual(router.decide(confidence), { route, reason });
    const record = JSON.parse(router.record(confidence));
    assert.deepEqual(
      [record.route, record.reason, record.confidence, record.threshold, record.thresholds_sha256],
      [route, reason, confidence, threshold, sha256],
    );
    router.free();
  }
});

test('confidence.json', () => {
  const { tolerance, ...cases } = vectors('confidence.json');
  for (const [method, score] of [
    ['perplexity', (logprobs) => plimsoll.perplexity(logprobs)],
    ['average_token_probability', (logprobs) => plimsoll.averageTokenProbability(logprobs)],
    ['min_token_probability', (logprobs) => plimsoll.minTokenProbability(logprobs)],
  ]) {
    for (const { logprobs_nats: logprobs, confidence } of cases[method]) {
      isNear(score(logprobs), confidence, tolerance, method);
      const growing = plimsoll.accumulator(method);
      logprobs.forEach((logprob) => growing.push(logprob));
      assert.equal(growing.confidence(), score(logprobs), 'token by token to the last bit');
      growing.free();
    }
  }
  for (const { likeliest_nats: lists, confidence } of cases.token_margin) {
    isNear(plimsoll.tokenMargin(lists.map((list) => list.slice(0, 2))), confidence, tolerance, 'token_margin');
  }
  for (const { likeliest_nats: lists, confidence } of cases.token_entropy) {
    isNear(plimsoll.tokenEntropy(lists), confidence, tolerance, 'token_entropy');
  }
  for (const uneven of [[[-0.1, -2], [-0.1]], [[-0.1, null]], [[]], [[-0.1, -2, -3], []]]) {
    assert.equal(plimsoll.tokenMargin(uneven), null);
    assert.equal(plimsoll.tokenEntropy(uneven), null);
  }
  for (const { true_mass: yes, false_mass: no, confidence } of cases.p_true) {
    isNear(plimsoll.pTrue(yes, no), confidence, tolerance, 'p_true');
  }
  for (const { answers, confidence } of cases.jaccard_degree) {
    isNear(plimsoll.jaccardDegree(answers), confidence, tolerance, 'jaccard_degree');
  }
});

test('exploration.json', () => {
  const router = open('perplexity/routing_ratio=0.3');
  for (const { confidence, share, u, route, reason, propensity } of vectors('exploration.json').cases) {
    assert.deepEqual(router.explore(confidence, share, u), { route, reason, propensity });
    const record = JSON.parse(router.exploredRecord(confidence, share, u));
    assert.deepEqual([record.route, record.reason, record.propensity], [route, reason, propensity]);
  }
  for (const [share, u] of [[1.5, 0.5], [null, 0.5], [0.1, 1], [0.1, -0.1], [0.1, null]]) {
    assert.throws(() => router.explore(0.5, share, u), { status: 'invalid_argument' });
    assert.throws(() => router.exploredRecord(0.5, share, u), { status: 'invalid_argument' });
  }
  router.free();
});

test('map.json: the isotonic map, which a record shows', () => {
  const { tolerance, cases } = vectors('map.json');
  const router = open('perplexity/routing_ratio=0.3');
  for (const { confidence, isotonic } of cases) {
    isNear(JSON.parse(router.record(confidence)).probability, isotonic, tolerance, 'isotonic');
  }
  router.free();
});

test('drift.json', () => {
  const { tolerance, observed, reports } = vectors('drift.json');
  const router = open('perplexity/routing_ratio=0.3');
  const found = observed.map((confidence) => router.observe(confidence)).filter((drift) => drift.report);
  assert.equal(found.length, reports.length);
  found.forEach(({ state, report }, index) => {
    const expected = reports[index];
    for (const [key, name] of [['psi', 'psi'], ['ks', 'ks'], ['missingShare', 'missing_share']]) {
      isNear(report[key], expected[name], tolerance, name);
    }
    const alarms = [report.psiAlarm, report.ksAlarm, report.missingAlarm];
    assert.deepEqual(alarms, [expected.psi_alarm, expected.ks_alarm, expected.missing_alarm]);
    assert.deepEqual([report.window, state], [expected.window, alarms.includes(true) ? 'alarm' : 'normal']);
  });
  router.free();
});

test('tracker.json: ties, and sequences to the last bit, with a snapshot after every hundred', () => {
  const { ties, sequences } = vectors('tracker.json');
  const router = open('perplexity/routing_ratio=0.3');
  for (const { certificate_z: certificate, steps } of sequences) {
    const settings = certificate === null ? {} : { certificateZ: certificate };
    let tracker = router.tracker(settings);
    for (const { id, confidence, state, ...decision } of steps) {
      assert.deepEqual(tracker.decide(id, confidence), decision);
      if (state === null) continue;
      const snapshot = tracker.snapshot();
      assert.deepEqual(JSON.parse(snapshot).state, state);
      assert.equal(JSON.parse(tracker.record()).t, decision.t);
      tracker.free();
      tracker = router.tracker({ ...settings, snapshot });
      assert.throws(() => tracker.record(), { status: 'unavailable' });
    }
    tracker.free();
  }
  const tracker = router.tracker();
  router.free();
  for (const { id, u } of ties) assert.equal(tracker.decide(id, 0.5).u, u, 'a tracker lives on without its router');
  tracker.free();
});

test('error_monitor.json', () => {
  const { tolerance, sequences } = vectors('error_monitor.json');
  const router = open('perplexity/selective_error=0.2:0.1');
  for (const { alpha, delta, steps } of sequences) {
    let monitor = router.errorMonitor({ alpha, delta });
    for (const { correct, log_e: logE, alarm, state } of steps) {
      const found = monitor.observe(correct);
      isNear(found.logE, logE, tolerance, 'log_e');
      assert.equal(found.alarm, alarm);
      if (state === null) continue;
      assert.deepEqual([found.kept, found.wrong], [state.kept, state.wrong]);
      const snapshot = monitor.snapshot();
      isNear(JSON.parse(snapshot).state.max_log_e, state.max_log_e, tolerance, 'max_log_e');
      monitor.free();
      monitor = router.errorMonitor({ snapshot });
    }
    monitor.free();
  }
  router.free();
});

test('streaming.json', () => {
  const { tolerance, sequences } = vectors('streaming.json');
  for (const { method, threshold_id: id, threshold, max_tokens: maxTokens, steps } of sequences) {
    const growing = plimsoll.accumulator(method);
    const router = id === null ? null : open(id);
    for (const { logprob_nats: logprob, confidence, upper_bound: bound, must_defer: mustDefer } of steps) {
      growing.push(logprob);
      isNear(growing.confidence(), confidence, tolerance, 'confidence');
      isNear(growing.upperBound(maxTokens), bound, tolerance, 'upper_bound');
      assert.equal(bound === null || growing.upperBound(maxTokens) < threshold, mustDefer);
      if (router) assert.equal(router.mustDefer(growing, maxTokens), mustDefer);
    }
    router?.free();
    growing.free();
  }
});

test('a tracker counts an early exit once, and has nothing to record of it', () => {
  const router = open('perplexity/routing_ratio=0.3');
  const tracker = router.tracker();
  const growing = plimsoll.accumulator('perplexity');
  assert.equal(tracker.mustDefer(growing, 4), false);
  growing.push(-50);
  assert.equal(tracker.mustDefer(growing, 4), true);
  const { n, routed } = JSON.parse(tracker.snapshot()).state;
  assert.deepEqual([n, routed], [1, 1]);
  assert.throws(() => tracker.record(), { status: 'unavailable' });
  [tracker, growing, router].forEach((handle) => handle.free());
});

test('what is refused, and how', () => {
  const point = { device: 'small', method: 'perplexity', target: 'routing_ratio=0.3' };
  const refused = (change, status, message, bytes = file) =>
    assert.throws(() => plimsoll.open(bytes, { ...point, ...change }), (error) => {
      assert.ok(error instanceof PlimsollError);
      assert.equal(error.status, status);
      assert.match(error.message, message);
      return true;
    });
  refused({ device: 'other' }, 'other_model', /this device has `other`/);
  refused({ device: {} }, 'invalid_argument', /missing field `id`/);
  refused({ method: 'p_true' }, 'not_in_file', /it has: perplexity/);
  refused({ target: 'accuracy=0.5' }, 'not_in_file', /no operating point/);
  refused({ target: 'selective_error=0.01:0.1' }, 'no_threshold', /infeasible/);
  refused({ target: '0.3' }, 'invalid_argument', /target `0.3`/);
  refused({}, 'invalid_file', /is empty/, new Uint8Array());
  refused({}, 'invalid_file', /cut off/, file.subarray(0, file.length / 2));
  refused({}, 'invalid_file', /no JSON/, new TextEncoder().encode('thresholds.json'));
  assert.throws(() => plimsoll.open(file), TypeError);
  assert.throws(() => plimsoll.open(file, { ...point, device: undefined }), TypeError);
  refused({}, 'not_utf8', /UTF-8/, Uint8Array.of(0xff));
  assert.throws(() => plimsoll.open(file, { ...point, method: 'perplexity\0' }), TypeError);
  assert.throws(() => plimsoll.open(7, point), TypeError);
  assert.throws(() => plimsoll.accumulator('p_true'), { status: 'unavailable' });
  const router = open('perplexity/routing_ratio=0.3');
  for (const value of [-0.1, 1.5, Infinity, -Infinity]) {
    assert.throws(() => router.decide(value), { status: 'invalid_argument' });
    assert.throws(() => router.observe(value), { status: 'invalid_argument' });
  }
  assert.throws(() => router.decide('0.9'), TypeError);
  assert.deepEqual(router.decide(undefined), { route: 'llm', reason: 'missing' });
  assert.throws(() => router.tracker({ horizon: 0.5 }), { status: 'invalid_argument' });
  assert.throws(() => router.errorMonitor(), { status: 'unavailable' });
  const growing = plimsoll.accumulator('average_token_probability');
  assert.throws(() => router.mustDefer(growing, 5), { status: 'invalid_argument' });
  for (const tokens of [-1, 1.5, 2 ** 32, NaN]) assert.throws(() => router.mustDefer(growing, tokens), RangeError);
  router.free();
  router.free();
  assert.throws(() => router.decide(0.5), { status: 'null_pointer', message: 'this Router was freed' });
  growing.free();
  for (const call of [() => growing.confidence(), () => growing.upperBound(4), () => growing.push(-1)]) {
    assert.throws(call, { status: 'null_pointer' });
  }
  // A shape that is none, and lists that are longer than two or as short as one.
  for (const wrong of [[-0.1, -2], ['-0.1']]) assert.throws(() => plimsoll.tokenMargin(wrong), TypeError);
  assert.equal(plimsoll.tokenMargin([[-0.1, -2, -3]]), plimsoll.tokenMargin([[-0.1, -2]]));
  assert.equal(plimsoll.tokenMargin([[-0.1, -2], [-0.1]]), null);
});

test('what a router decides by, and a window that outlives it', () => {
  const router = open('perplexity/routing_ratio=0.3');
  const { method, point, unverified } = router.describe();
  assert.deepEqual([method, point.id, point.status], ['perplexity', 'perplexity/routing_ratio=0.3', 'reached']);
  assert.ok(unverified.includes('weights_sha256'));
  router.observe(0.5);
  const other = open('perplexity/routing_ratio=0.3');
  other.resumeDrift(router.driftSnapshot());
  assert.equal(other.driftSnapshot(), router.driftSnapshot());
  const elsewhere = open('perplexity/routing_ratio=0.7');
  assert.throws(() => elsewhere.resumeDrift(router.driftSnapshot()), { status: 'other_snapshot' });
  assert.throws(() => elsewhere.resumeDrift('{}'), { status: 'invalid_argument' });
  [router, other, elsewhere].forEach((handle) => handle.free());
});

/** splitmix64: the same changes on any machine. */
function* randomNumbers() {
  const mask = (1n << 64n) - 1n;
  for (let state = 1n; ; ) {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    yield Number((z ^ (z >> 31n)) >> 11n);
  }
}

test('changed files are refused with a reason or change nothing, and no memory is lost', () => {
  const random = randomNumbers();
  const next = (bound) => random.next().value % bound;
  const open = (bytes) => plimsoll.open(bytes, { device: 'small', method: 'perplexity', target: 'routing_ratio=0.3' });
  const attempt = () => {
    let bytes = Uint8Array.from(file);
    const kind = next(4);
    if (kind === 0) bytes = bytes.subarray(0, next(bytes.length + 1));
    else if (kind === 1) bytes = Uint8Array.from({ length: next(200) }, () => next(256));
    else for (let edits = 1 + next(4); edits > 0; edits -= 1) bytes[next(bytes.length)] = next(256);
    try {
      open(bytes).free();
      return 0;
    } catch (error) {
      assert.ok(error instanceof PlimsollError && error.status !== 'panic' && error.message !== '', String(error));
      return 1;
    }
  };
  for (let tries = 0; tries < 300; tries += 1) attempt();
  const before = plimsoll.exports.memory.buffer.byteLength;
  let refused = 0;
  for (let tries = 0; tries < 2000; tries += 1) refused += attempt();
  assert.ok(refused > 1900, `${refused} of 2000 refused`);
  assert.equal(plimsoll.exports.memory.buffer.byteLength, before, 'memory does not grow');
});
