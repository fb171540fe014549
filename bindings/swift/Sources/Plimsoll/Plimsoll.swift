import CPlimsoll

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

// The router's C interface (bindings/c/include/plimsoll.h) with the types of Swift. Confidences are in [0, 1], higher = more likely
// correct; nil is missing, and defers.

/// Which model answers.
public enum Route: Sendable {
    /// The question is deferred to the large model.
    case llm
    /// The small model's answer is kept.
    case slm
}

/// Why a decision was made.
public enum Reason: Int32, Sendable {
    case missing = 0
    case below = 1
    case atOrAbove = 2
    /// A tracker would have kept it, and the certificate's threshold does not.
    case certificate = 3
    /// A coin chose the other route than the threshold's.
    case explored = 4
}

/// What was refused; the header's numbers.
public enum Status: Int32, Sendable {
    case nullPointer = 1
    case notUTF8 = 2
    case invalidArgument = 3
    case invalidFile = 4
    case otherModel = 5
    case notInFile = 6
    case noThreshold = 7
    case unavailable = 8
    case otherSnapshot = 9
    case panic = 10
}

/// What the library refuses. The description says what is wrong, where, and what to do.
public struct PlimsollError: Error, CustomStringConvertible, Sendable {
    /// Nil for a number that this file does not know.
    public let status: Status?
    public let description: String

    /// This thread's latest failure.
    static func latest() -> PlimsollError {
        PlimsollError(status: Status(rawValue: plimsoll_last_status()), description: String(cString: plimsoll_last_error()))
    }
}

public struct Decision: Sendable {
    public let route: Route
    public let reason: Reason
}

/// A decision with exploration.
public struct ExploredDecision: Sendable {
    public let route: Route
    public let reason: Reason
    /// The probability with which this route was taken.
    public let propensity: Double
}

/// A decision by a tracker, with all that is needed to repeat it.
public struct TrackedDecision: Sendable {
    public let route: Route
    public let reason: Reason
    /// The confidence on the pool's scale; nil if it is missing.
    public let z: Double?
    /// The number in [0, 1) that breaks ties.
    public let u: Double
    /// The threshold on the pool's scale that was in force.
    public let t: Double
}

/// What the drift monitor says.
public enum DriftState: Int32, Sendable {
    /// The file has no alarm levels for the method.
    case unmonitored = 0
    /// The first window is not yet full.
    case collecting = 1
    case normal = 2
    case alarm = 3
}

/// A full window of the drift monitor.
public struct WindowReport: Sendable {
    public let window: UInt64
    public let psi: Double
    public let ks: Double
    public let missingShare: Double
    public let psiAlarm: Bool
    public let ksAlarm: Bool
    public let missingAlarm: Bool
}

public struct Drift: Sendable {
    public let state: DriftState
    /// The window that this observation filled; nil for all others.
    public let report: WindowReport?
}

/// What an error monitor has seen.
public struct Evidence: Sendable {
    /// Kept answers with a label.
    public let kept: UInt64
    /// Of these, wrong.
    public let wrong: UInt64
    /// Natural logarithm of the evidence that P(wrong | kept) exceeds alpha.
    public let logE: Double
    /// Valid at every moment.
    public let pValue: Double
    /// True from the first alarm on.
    public let alarm: Bool
}

public enum Plimsoll {
    /// The library's version.
    public static var version: String { String(cString: plimsoll_version()) }

    /// 1 / perplexity of the answer's tokens. Log-probabilities are natural logs of the model's own distribution over its whole
    /// vocabulary, before temperature, without the stop token; a NaN among them makes the confidence missing.
    public static func perplexity(_ logprobsNats: [Double]) -> Double? {
        orNil(plimsoll_perplexity(logprobsNats, logprobsNats.count))
    }

    /// The mean probability of the answer's tokens.
    public static func averageTokenProbability(_ logprobsNats: [Double]) -> Double? {
        orNil(plimsoll_average_token_probability(logprobsNats, logprobsNats.count))
    }

    /// The smallest probability of the answer's tokens.
    public static func minTokenProbability(_ logprobsNats: [Double]) -> Double? {
        orNil(plimsoll_min_token_probability(logprobsNats, logprobsNats.count))
    }

    /// By how much the likeliest token leads, on average: for each position of the answer the log-probabilities of the likeliest
    /// tokens, whichever was chosen, the likeliest first. Of longer lists the first two count; with a shorter one there is no
    /// confidence.
    public static func tokenMargin(_ likeliestNats: [[Double]]) -> Double? {
        if likeliestNats.contains(where: { $0.count < 2 }) { return nil }
        return orNil(plimsoll_token_margin(likeliestNats.flatMap { $0.prefix(2) }, likeliestNats.count))
    }

    /// How far the next-token distributions are from uniform, on average: for each position of the answer the log-probabilities of
    /// the k likeliest tokens. Lists of several lengths have no confidence.
    public static func tokenEntropy(_ likeliestNats: [[Double]]) -> Double? {
        let k = likeliestNats.first?.count ?? 0
        if likeliestNats.contains(where: { $0.count != k }) { return nil }
        return orNil(plimsoll_token_entropy(likeliestNats.flatMap { $0 }, likeliestNats.count, k))
    }

    /// P(True) / (P(True) + P(False)).
    public static func pTrue(trueMass: Double, falseMass: Double) -> Double? {
        orNil(plimsoll_p_true(trueMass, falseMass))
    }

    /// How much sampled answers agree.
    public static func jaccardDegree(_ answers: [String]) throws -> Double? {
        let copies = try answers.map { strdup(try withoutNUL($0, "an answer")) }
        defer { copies.forEach { free($0) } }
        let pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) }
        return orNil(plimsoll_jaccard_degree(pointers, pointers.count))
    }
}

/// One operating point of a thresholds file. May be used by several threads at once.
public final class Router: @unchecked Sendable {
    let handle: OpaquePointer

    /// Opens a thresholds file at one operating point and checks it: schema, version, hash, that it was fitted for the model
    /// that this device runs, and that the point has a threshold.
    ///
    /// - Parameters:
    ///   - thresholds: the bytes of the file
    ///   - device: what runs here, as JSON: `{"id": "smollm2-135m", "quantisation": "Q4_K_M"}`. Each key that the file records must
    ///     be given and be equal.
    ///   - method: for instance `perplexity`
    ///   - target: for instance `routing_ratio=0.3`
    public init(thresholds: [UInt8], device: String, method: String, target: String) throws {
        let device = try withoutNUL(device, "device")
        let method = try withoutNUL(method, "method")
        let target = try withoutNUL(target, "target")
        handle = try checked(plimsoll_router_open(thresholds, thresholds.count, device, method, target))
    }

    deinit { plimsoll_router_free(handle) }

    /// Keeps iff confidence >= threshold; otherwise, or if it is missing, defers. Throws for a number outside [0, 1].
    public func decide(_ confidence: Double?) throws -> Decision {
        var out = plimsoll_decision()
        try checked(plimsoll_decide(handle, orNaN(confidence), &out))
        return Decision(route: route(out), reason: reason(out))
    }

    /// The decision as a line of the decision log, JSON.
    public func record(_ confidence: Double?) throws -> String {
        try taken(plimsoll_record(handle, orNaN(confidence)))
    }

    /// Decides, and takes the other route where a coin says so, so that thresholds can be fitted anew on the log.
    ///
    /// - Parameters:
    ///   - share: in [0, 1], 0.02 to 0.1 is usual; half of these questions take the other route
    ///   - u: uniform in [0, 1), drawn anew for each question by a generator that clients cannot foresee
    public func explore(_ confidence: Double?, share: Double, u: Double) throws -> ExploredDecision {
        var out = plimsoll_explored()
        try checked(plimsoll_explore(handle, orNaN(confidence), share, u, &out))
        return ExploredDecision(
            route: out.route == 1 ? .slm : .llm, reason: Reason(rawValue: out.reason) ?? .missing, propensity: out.propensity)
    }

    /// The decision of `explore` as a line of the decision log, JSON, with its propensity.
    public func exploredRecord(_ confidence: Double?, share: Double, u: Double) throws -> String {
        try taken(plimsoll_explored_record(handle, orNaN(confidence), share, u))
    }

    /// The operating point that it decides by, as the file has it: JSON with `point.status`, `point.threshold`, ..
    public func describe() throws -> String { try taken(plimsoll_router_describe(handle)) }

    /// What the drift monitor has counted, as JSON, so that a window may outlive the process.
    public func driftSnapshot() throws -> String { try taken(plimsoll_drift_snapshot(handle)) }

    /// Goes on from what `driftSnapshot()` gave.
    public func resumeDrift(_ snapshot: String) throws {
        try checked(plimsoll_drift_resume(handle, try withoutNUL(snapshot, "snapshot")))
    }

    /// Counts a decided question in the drift monitor, once. The state is that of the latest full window, so an alarm lasts until
    /// the next is full; there is a report once a window.
    @discardableResult
    public func observe(_ confidence: Double?) throws -> Drift {
        var out = plimsoll_drift()
        try checked(plimsoll_observe(handle, orNaN(confidence), &out))
        let report = WindowReport(
            window: out.window, psi: out.psi, ks: out.ks, missingShare: out.missing_share, psiAlarm: out.psi_alarm != 0,
            ksAlarm: out.ks_alarm != 0, missingAlarm: out.missing_alarm != 0)
        return Drift(state: DriftState(rawValue: out.state) ?? .unmonitored, report: out.has_report != 0 ? report : nil)
    }

    /// The exact early exit: whether `decide` defers every answer of at most `maxTokens` tokens that begins with these. Only where
    /// the confidence is over all tokens of the answer: not for multiple choice by `average_token_probability`. An answer that
    /// was cut is neither observed nor recorded.
    public func mustDefer(_ accumulator: Accumulator, maxTokens: UInt32) throws -> Bool {
        var out: Int32 = 0
        try checked(plimsoll_must_defer(handle, accumulator.handle, maxTokens, &out))
        return out != 0
    }
}

/// Keeps to a routing ratio on traffic never seen. One thread at a time.
public final class Tracker {
    let handle: OpaquePointer

    /// - Parameters:
    ///   - horizon: the questions over which a deficit is paid back; nil for the file's
    ///   - certificateZ: a position on the pool's scale below which nothing is kept
    ///   - snapshot: what `snapshot()` gave, to go on from
    public init(_ router: Router, horizon: Double? = nil, certificateZ: Double? = nil, snapshot: String? = nil) throws {
        let (horizon, z) = (orNaN(horizon), orNaN(certificateZ))
        if let snapshot {
            let text = try withoutNUL(snapshot, "snapshot")
            handle = try checked(plimsoll_tracker_resume(router.handle, text, horizon, z))
        } else {
            handle = try checked(plimsoll_tracker_new(router.handle, horizon, z))
        }
    }

    deinit { plimsoll_tracker_free(handle) }

    /// Decides about one question and counts it. The request's id breaks ties.
    public func decide(id: String, _ confidence: Double?) throws -> TrackedDecision {
        var out = plimsoll_decision()
        try checked(plimsoll_track(handle, try withoutNUL(id, "id"), orNaN(confidence), &out))
        return TrackedDecision(route: route(out), reason: reason(out), z: orNil(out.z), u: out.u, t: out.t)
    }

    /// As `Router.mustDefer`. Where it is true, the decision is counted: do not call `decide` for this question.
    public func mustDefer(_ accumulator: Accumulator, maxTokens: UInt32) throws -> Bool {
        var out: Int32 = 0
        try checked(plimsoll_tracker_must_defer(handle, accumulator.handle, maxTokens, &out))
        return out != 0
    }

    /// The latest decision as a line of the decision log, JSON.
    public func record() throws -> String { try taken(plimsoll_tracker_record(handle)) }

    /// The state as JSON, with the file and point that it belongs to.
    public func snapshot() throws -> String { try taken(plimsoll_tracker_snapshot(handle)) }
}

/// An alarm about the error of kept answers, valid at every moment. One thread at a time.
public final class ErrorMonitor {
    let handle: OpaquePointer

    /// Alpha and delta are the point's unless both are given.
    public init(_ router: Router, alpha: Double? = nil, delta: Double? = nil) throws {
        handle = try checked(plimsoll_error_monitor_new(router.handle, orNaN(alpha), orNaN(delta)))
    }

    /// Goes on from what `snapshot()` gave.
    public init(_ router: Router, snapshot: String) throws {
        handle = try checked(plimsoll_error_monitor_resume(router.handle, try withoutNUL(snapshot, "snapshot")))
    }

    deinit { plimsoll_error_monitor_free(handle) }

    /// Counts a kept answer whose label has arrived, once.
    @discardableResult
    public func observe(correct: Bool) throws -> Evidence {
        var out = plimsoll_evidence()
        try checked(plimsoll_error_monitor_observe(handle, correct ? 1 : 0, &out))
        return Evidence(kept: out.kept, wrong: out.wrong, logE: out.log_e, pValue: out.p_value, alarm: out.alarm != 0)
    }

    public func snapshot() throws -> String { try taken(plimsoll_error_monitor_snapshot(handle)) }
}

/// A confidence that grows token by token, with the bits of the closed form. One thread at a time.
public final class Accumulator {
    let handle: OpaquePointer

    /// `method` is `perplexity`, `average_token_probability` or `min_token_probability`.
    public init(method: String) throws {
        handle = try checked(plimsoll_accumulator_new(try withoutNUL(method, "method")))
    }

    deinit { plimsoll_accumulator_free(handle) }

    /// Takes the natural-log probability of the next token; NaN makes the confidence missing for good.
    public func push(_ logprobNats: Double) {
        // Fails for a null handle alone, which this is not.
        _ = plimsoll_accumulator_push(handle, logprobNats)
    }

    /// The confidence of the tokens so far.
    public var confidence: Double? { orNil(plimsoll_accumulator_confidence(handle)) }

    /// No answer of at most `maxTokens` tokens that begins with these gets a larger confidence; nil if it gets none.
    public func upperBound(maxTokens: UInt32) -> Double? {
        orNil(plimsoll_accumulator_upper_bound(handle, maxTokens))
    }
}

private func checked(_ status: Int32) throws {
    if status != 0 { throw PlimsollError.latest() }
}

private func checked(_ handle: OpaquePointer?) throws -> OpaquePointer {
    guard let handle else { throw PlimsollError.latest() }
    return handle
}

/// A text that the library gives, freed.
private func taken(_ text: UnsafeMutablePointer<CChar>?) throws -> String {
    guard let text else { throw PlimsollError.latest() }
    defer { plimsoll_text_free(text) }
    return String(cString: text)
}

/// A C string would end at a NUL.
private func withoutNUL(_ text: String, _ name: String) throws -> String {
    if text.utf8.contains(0) {
        throw PlimsollError(status: .invalidArgument, description: "\(name) must not contain a NUL")
    }
    return text
}

private func orNaN(_ value: Double?) -> Double { value ?? .nan }

private func orNil(_ value: Double) -> Double? { value.isNaN ? nil : value }

private func route(_ out: plimsoll_decision) -> Route { out.route == 1 ? .slm : .llm }

private func reason(_ out: plimsoll_decision) -> Reason { Reason(rawValue: out.reason) ?? .missing }
