import Foundation
import Plimsoll

// The conformance vectors through Swift: `swift run Conformance FOLDER`, with schemas/conformance.

typealias Vector = [String: Any]

let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let file = [UInt8](try Data(contentsOf: folder.appendingPathComponent("example.thresholds.json")))
var passed = 0
var failed = 0

func check(_ isRight: Bool, _ what: @autoclosure () -> String) {
    if isRight { passed += 1 } else { failed += 1; print("failed: \(what())") }
}

func near(_ found: Double?, _ expected: Any?, _ tolerance: Double, _ what: String) {
    let expected = expected as? Double
    let isNear: Bool
    if let found, let expected { isNear = abs(found - expected) <= tolerance } else { isNear = found == nil && expected == nil }
    check(isNear, "\(what): \(String(describing: found)) for \(String(describing: expected))")
}

func parse(_ data: Data) throws -> Vector { try JSONSerialization.jsonObject(with: data) as! Vector }

func vectors(_ name: String) throws -> Vector { try parse(Data(contentsOf: folder.appendingPathComponent(name))) }

func list(_ document: Vector, _ key: String) -> [Vector] { document[key] as! [Vector] }

func open(_ id: String) throws -> Router {
    let parts = id.split(separator: "/", maxSplits: 1).map(String.init)
    return try Router(thresholds: file, device: "{\"id\": \"small\"}", method: parts[0], target: parts[1])
}

func isRight(_ route: Route, _ reason: Reason, _ expected: Vector) -> Bool {
    let reasons: [Reason: String] = [
        .missing: "missing", .below: "below", .atOrAbove: "at_or_above", .certificate: "certificate",
        .explored: "explored",
    ]
    return (route == .slm ? "slm" : "llm") == expected["route"] as? String && reasons[reason] == expected["reason"] as? String
}

func decide() throws {
    for item in list(try vectors("decide.json"), "cases") {
        let router = try open(item["threshold_id"] as! String)
        let confidence = item["confidence"] as? Double
        let decision = try router.decide(confidence)
        check(isRight(decision.route, decision.reason, item), "decide \(item)")
        let record = try parse(Data(try router.record(confidence).utf8))
        check(record["route"] as? String == item["route"] as? String, "record \(item)")
    }
}

func confidences() throws {
    let document = try vectors("confidence.json")
    let tolerance = document["tolerance"] as! Double
    for (method, score) in [
        ("perplexity", Plimsoll.perplexity), ("average_token_probability", Plimsoll.averageTokenProbability),
        ("min_token_probability", Plimsoll.minTokenProbability),
    ] {
        for item in list(document, method) {
            let logprobs = item["logprobs_nats"] as! [Double]
            near(score(logprobs), item["confidence"], tolerance, method)
            let growing = try Accumulator(method: method)
            logprobs.forEach(growing.push)
            check(growing.confidence == score(logprobs), "token by token")
        }
    }
    for item in list(document, "token_margin") {
        let pairs = (item["likeliest_nats"] as! [[Double]]).map { Array($0.prefix(2)) }
        near(Plimsoll.tokenMargin(pairs), item["confidence"], tolerance, "token_margin")
    }
    for item in list(document, "token_entropy") {
        near(Plimsoll.tokenEntropy(item["likeliest_nats"] as! [[Double]]), item["confidence"], tolerance, "token_entropy")
    }
    for item in list(document, "p_true") {
        let found = Plimsoll.pTrue(trueMass: item["true_mass"] as! Double, falseMass: item["false_mass"] as! Double)
        near(found, item["confidence"], tolerance, "p_true")
    }
    for item in list(document, "jaccard_degree") {
        near(try Plimsoll.jaccardDegree(item["answers"] as! [String]), item["confidence"], tolerance, "jaccard_degree")
    }
}

func exploration() throws {
    let router = try open("perplexity/routing_ratio=0.3")
    for item in list(try vectors("exploration.json"), "cases") {
        let (confidence, share, u) = (item["confidence"] as? Double, item["share"] as! Double, item["u"] as! Double)
        let found = try router.explore(confidence, share: share, u: u)
        check(isRight(found.route, found.reason, item), "explore \(item)")
        near(found.propensity, item["propensity"], 0, "propensity")
        let record = try parse(Data(try router.exploredRecord(confidence, share: share, u: u).utf8))
        near(record["propensity"] as? Double, item["propensity"], 0, "record")
    }
}

func maps() throws {
    let document = try vectors("map.json")
    let router = try open("perplexity/routing_ratio=0.3")
    for item in list(document, "cases") {
        let record = try parse(Data(try router.record(item["confidence"] as? Double).utf8))
        near(record["probability"] as? Double, item["isotonic"], document["tolerance"] as! Double, "isotonic")
    }
}

func drift() throws {
    let document = try vectors("drift.json")
    let router = try open("perplexity/routing_ratio=0.3")
    let reports = try (document["observed"] as! [Any]).compactMap { try router.observe($0 as? Double).report }
    let expected = list(document, "reports")
    check(reports.count == expected.count, "reports")
    for (report, item) in zip(reports, expected) {
        let tolerance = document["tolerance"] as! Double
        near(report.psi, item["psi"], tolerance, "psi")
        near(report.ks, item["ks"], tolerance, "ks")
        near(report.missingShare, item["missing_share"], tolerance, "missing share")
        check(report.psiAlarm == item["psi_alarm"] as? Bool, "psi alarm")
        check(report.ksAlarm == item["ks_alarm"] as? Bool, "ks alarm")
        check(report.missingAlarm == item["missing_alarm"] as? Bool, "missing alarm")
    }
}

func trackers() throws {
    let document = try vectors("tracker.json")
    let router = try open("perplexity/routing_ratio=0.3")
    for sequence in list(document, "sequences") {
        let certificate = sequence["certificate_z"] as? Double
        var tracker = try Tracker(router, certificateZ: certificate)
        for step in list(sequence, "steps") {
            let found = try tracker.decide(id: step["id"] as! String, step["confidence"] as? Double)
            check(isRight(found.route, found.reason, step), "track \(step)")
            near(found.z, step["z"], 0, "z")
            near(found.u, step["u"], 0, "u")
            near(found.t, step["t"], 0, "t")
            guard let state = step["state"] as? Vector else { continue }
            let snapshot = try tracker.snapshot()
            let kept = try parse(Data(snapshot.utf8))["state"] as! Vector
            near(kept["base"] as? Double, state["base"], 0, "base")
            near(kept["deficit"] as? Double, state["deficit"], 0, "deficit")
            tracker = try Tracker(router, certificateZ: certificate, snapshot: snapshot)
        }
    }
    let tracker = try Tracker(router)
    for tie in list(document, "ties") {
        near(try tracker.decide(id: tie["id"] as! String, 0.5).u, tie["u"], 0, "tie")
    }
}

func errorMonitors() throws {
    let document = try vectors("error_monitor.json")
    let router = try open("perplexity/selective_error=0.2:0.1")
    for sequence in list(document, "sequences") {
        var monitor = try ErrorMonitor(router, alpha: sequence["alpha"] as? Double, delta: sequence["delta"] as? Double)
        for step in list(sequence, "steps") {
            let found = try monitor.observe(correct: step["correct"] as! Bool)
            near(found.logE, step["log_e"], document["tolerance"] as! Double, "log_e")
            check(found.alarm == step["alarm"] as? Bool, "alarm")
            if step["state"] is Vector { monitor = try ErrorMonitor(router, snapshot: try monitor.snapshot()) }
        }
    }
}

func streaming() throws {
    let document = try vectors("streaming.json")
    let tolerance = document["tolerance"] as! Double
    for sequence in list(document, "sequences") {
        let growing = try Accumulator(method: sequence["method"] as! String)
        let maxTokens = UInt32(sequence["max_tokens"] as! Int)
        let router = try (sequence["threshold_id"] as? String).map(open)
        for step in list(sequence, "steps") {
            growing.push(step["logprob_nats"] as? Double ?? .nan)
            near(growing.confidence, step["confidence"], tolerance, "confidence")
            near(growing.upperBound(maxTokens: maxTokens), step["upper_bound"], tolerance, "upper bound")
            if let router {
                check(try router.mustDefer(growing, maxTokens: maxTokens) == step["must_defer"] as? Bool, "must_defer \(step)")
            }
        }
    }
}

/// Every byte in turn: an error, or the same file.
func changedFiles() {
    for index in file.indices {
        var bytes = file
        bytes[index] ^= 1
        do {
            _ = try Router(thresholds: bytes, device: "{\"id\": \"small\"}", method: "perplexity", target: "routing_ratio=0.3")
            check(true, "")
        } catch let error as PlimsollError {
            check(error.status != .panic && !error.description.isEmpty, "\(error)")
        } catch {
            check(false, "\(error)")
        }
    }
}

for run in [decide, confidences, exploration, maps, drift, trackers, errorMonitors, streaming] { try run() }
changedFiles()
print("\(passed) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
