// Compiles iff index.d.ts says what the package is: `tsc --noEmit --strict`.

import { load, PlimsollError, Router } from 'plimsoll-router';
import type { Confidence, Decision, Evidence, Route, TrackedDecision } from 'plimsoll-router';

export async function decide(file: Uint8Array, logprobs: Float32Array): Promise<Route> {
  const plimsoll = await load();
  const device = { id: 'small', quantisation: 'Q4_K_M' };
  const router = plimsoll.open(file, { device, method: 'perplexity', target: 'routing_ratio=0.3' });
  try {
    const confidence: Confidence = plimsoll.perplexity(logprobs);
    const decision: Decision = router.decide(confidence);
    const tracked: TrackedDecision = router.tracker({ horizon: 100 }).decide('req-1', confidence);
    const evidence: Evidence = router.errorMonitor({ alpha: 0.1, delta: 0.1 }).observe(true);
    const propensity: number = router.explore(plimsoll.tokenMargin([[-0.1, -2]]), 0.1, Math.random()).propensity;
    const psi: number | undefined = router.observe(confidence).report?.psi;
    const growing = plimsoll.accumulator('perplexity');
    growing.push(logprobs[0] ?? null);
    const isOver: boolean = router.mustDefer(growing, 64) || router.tracker().mustDefer(growing, 64);
    // @ts-expect-error A confidence is no text.
    router.decide('0.9');
    // @ts-expect-error Routers are opened.
    new Router();
    return isOver || evidence.alarm || psi === 0 || propensity > 1 || tracked.t > 1 ? 'llm' : decision.route;
  } catch (error) {
    if (error instanceof PlimsollError && error.status === 'other_model') throw error;
    return 'llm';
  } finally {
    router.free();
  }
}
