package plimsoll.test

import java.io.File
import java.util.SplittableRandom
import kotlin.math.abs
import kotlin.system.exitProcess
import plimsoll.Accumulator
import plimsoll.Drift
import plimsoll.DriftState
import plimsoll.Plimsoll
import plimsoll.PlimsollException
import plimsoll.Reason
import plimsoll.Route
import plimsoll.Router
import plimsoll.Status

// The conformance vectors, and untrusted input, through Kotlin: `Conformance FOLDER`, with schemas/conformance.

private var passed = 0
private var failed = 0
private lateinit var folder: File
private val file by lazy { File(folder, "example.thresholds.json").readBytes() }
private const val DEVICE = """{"id": "small"}"""

private fun check(isRight: Boolean, message: () -> String) {
    if (isRight) {
        passed++
    } else if (++failed <= 20) {
        System.err.println("failed: ${message()}")
    }
}

private fun equal(found: Any?, expected: Any?, what: String) = check(found == expected) { "$what: $found for $expected" }

private fun near(found: Double?, expected: Any?, tolerance: Double, what: String) {
    val isNear = if (expected == null || found == null) expected == found else abs(found - (expected as Double)) <= tolerance
    check(isNear) { "$what: $found for $expected" }
}

/** A document of the vectors, by keys. */
@Suppress("UNCHECKED_CAST")
private class Vector(private val members: Map<String, Any?>) {
    constructor(value: Any?) : this(value as Map<String, Any?>)

    operator fun get(key: String): Any? = members.getValue(key)

    fun number(key: String): Double = get(key) as Double

    fun numberOrNull(key: String): Double? = get(key) as Double?

    fun text(key: String): String = get(key) as String

    fun list(key: String): List<Vector> = (get(key) as List<Any?>).map(::Vector)

    fun values(key: String): List<Any?> = get(key) as List<Any?>

    fun lists(key: String): List<DoubleArray> =
        values(key).map { list -> (list as List<Any?>).map { it as Double }.toDoubleArray() }

    fun inner(key: String): Vector? = get(key)?.let(::Vector)
}

private fun vectors(name: String) = Vector(Json(File(folder, name).readText()).read())

private fun json(text: String) = Vector(Json(text).read())

private fun open(id: String): Router =
    Router.open(file, DEVICE, id.substringBefore('/'), id.substringAfter('/'))

private fun route(case: Vector) = Route.valueOf(case.text("route").uppercase())

private fun reason(case: Vector) = Reason.valueOf(case.text("reason").uppercase())

private fun decide() {
    val document = vectors("decide.json")
    for (case in document.list("cases")) {
        open(case.text("threshold_id")).use { router ->
            val confidence = case.numberOrNull("confidence")
            val decision = router.decide(confidence)
            equal(decision.route, route(case), "route")
            equal(decision.reason, reason(case), "reason")
            val record = json(router.record(confidence))
            for (key in listOf("route", "reason", "confidence", "threshold")) equal(record[key], case[key], key)
            equal(record["thresholds_sha256"], document["sha256"], "sha256")
        }
    }
}

private fun confidences() {
    val document = vectors("confidence.json")
    val tolerance = document.number("tolerance")
    val scores = mapOf(
        "perplexity" to Plimsoll::perplexity,
        "average_token_probability" to Plimsoll::averageTokenProbability,
        "min_token_probability" to Plimsoll::minTokenProbability,
    )
    for ((method, score) in scores) {
        for (case in document.list(method)) {
            val logprobs = case.values("logprobs_nats").map { it as Double }.toDoubleArray()
            near(score(logprobs), case["confidence"], tolerance, method)
            Accumulator(method).use { growing ->
                logprobs.forEach(growing::push)
                equal(growing.confidence(), score(logprobs), "token by token to the last bit")
            }
        }
    }
    for (case in document.list("token_margin")) {
        val pairs = case.lists("likeliest_nats").map { it.copyOf(2) }
        near(Plimsoll.tokenMargin(pairs), case["confidence"], tolerance, "token_margin")
    }
    for (case in document.list("token_entropy")) {
        near(Plimsoll.tokenEntropy(case.lists("likeliest_nats")), case["confidence"], tolerance, "token_entropy")
    }
    val uneven = listOf(doubleArrayOf(-0.1, -2.0), doubleArrayOf(-0.1))
    equal(listOf(Plimsoll.tokenMargin(uneven), Plimsoll.tokenEntropy(uneven)), listOf(null, null), "uneven lists")
    for (case in document.list("p_true")) {
        near(Plimsoll.pTrue(case.number("true_mass"), case.number("false_mass")), case["confidence"], tolerance, "p_true")
    }
    for (case in document.list("jaccard_degree")) {
        val answers = case.values("answers").map { it as String }
        near(Plimsoll.jaccardDegree(answers), case["confidence"], tolerance, "jaccard_degree")
    }
}

private fun exploration() {
    open("perplexity/routing_ratio=0.3").use { router ->
        for (case in vectors("exploration.json").list("cases")) {
            val (confidence, share, u) = listOf(case.numberOrNull("confidence"), case.number("share"), case.number("u"))
            val found = router.explore(confidence, share!!, u!!)
            equal(listOf(found.route, found.reason), listOf(route(case), reason(case)), "explored")
            equal(found.propensity, case["propensity"], "propensity")
            val record = json(router.exploredRecord(confidence, share, u))
            for (key in listOf("route", "reason", "propensity")) equal(record[key], case[key], key)
        }
        refused(Status.INVALID_ARGUMENT, "exploration") { router.explore(0.5, 1.5, 0.5) }
        refused(Status.INVALID_ARGUMENT, "u = 1 is not in [0, 1)") { router.exploredRecord(0.5, 0.1, 1.0) }
    }
}

/** The isotonic map is what a record shows. */
private fun maps() {
    val document = vectors("map.json")
    open("perplexity/routing_ratio=0.3").use { router ->
        for (case in document.list("cases")) {
            val found = json(router.record(case.number("confidence"))).numberOrNull("probability")
            near(found, case["isotonic"], document.number("tolerance"), "isotonic")
        }
    }
}

private fun drift() {
    val document = vectors("drift.json")
    val tolerance = document.number("tolerance")
    open("perplexity/routing_ratio=0.3").use { router ->
        val drifts = document.values("observed").map { router.observe(it as Double?) }.filter { it.report != null }
        val reports = document.list("reports")
        equal(drifts.size, reports.size, "reports")
        for ((drift, expected) in drifts zip reports) window(drift, expected, tolerance)
    }
}

private fun window(drift: Drift, expected: Vector, tolerance: Double) {
    val report = drift.report ?: return
    equal(report.window.toDouble(), expected["window"], "window")
    near(report.psi, expected["psi"], tolerance, "psi")
    near(report.ks, expected["ks"], tolerance, "ks")
    near(report.missingShare, expected["missing_share"], tolerance, "missing share")
    equal(report.psiAlarm, expected["psi_alarm"], "psi alarm")
    equal(report.ksAlarm, expected["ks_alarm"], "ks alarm")
    equal(report.missingAlarm, expected["missing_alarm"], "missing alarm")
    val isAlarm = report.psiAlarm || report.ksAlarm || report.missingAlarm
    equal(drift.state, if (isAlarm) DriftState.ALARM else DriftState.NORMAL, "state")
}

/** To the last bit; after every hundred steps the tracker is closed and resumed. */
private fun trackerSequence(router: Router, sequence: Vector) {
    val certificate = sequence.numberOrNull("certificate_z")
    var tracker = router.tracker(certificateZ = certificate)
    for (step in sequence.list("steps")) {
        val decided = tracker.decide(step.text("id"), step.numberOrNull("confidence"))
        equal(decided.route, route(step), "route")
        equal(decided.reason, reason(step), "reason")
        equal(listOf(decided.z, decided.u, decided.t), listOf(step["z"], step["u"], step["t"]), "z, u, t")
        val state = step.inner("state") ?: continue
        val snapshot = tracker.snapshot()
        val found = json(snapshot).inner("state")
        for (key in listOf("ratio", "base", "deficit", "n", "routed")) equal(found?.get(key), state[key], key)
        equal(json(tracker.record())["t"], decided.t, "record")
        tracker.close()
        tracker = router.tracker(certificateZ = certificate, snapshot = snapshot)
    }
    tracker.close()
}

private fun trackers() {
    val document = vectors("tracker.json")
    val router = open("perplexity/routing_ratio=0.3")
    document.list("sequences").forEach { trackerSequence(router, it) }
    val tracker = router.tracker()
    router.close()
    for (tie in document.list("ties")) equal(tracker.decide(tie.text("id"), 0.5).u, tie["u"], "tie")
    tracker.close()
}

private fun errorMonitors() {
    val document = vectors("error_monitor.json")
    val tolerance = document.number("tolerance")
    open("perplexity/selective_error=0.2:0.1").use { router ->
        for (sequence in document.list("sequences")) {
            var monitor = router.errorMonitor(sequence.number("alpha"), sequence.number("delta"))
            for (step in sequence.list("steps")) {
                val found = monitor.observe(step["correct"] as Boolean)
                near(found.logE, step["log_e"], tolerance, "log_e")
                equal(found.alarm, step["alarm"], "alarm")
                val state = step.inner("state") ?: continue
                equal(listOf(found.kept.toDouble(), found.wrong.toDouble()), listOf(state["kept"], state["wrong"]), "counts")
                val snapshot = monitor.snapshot()
                monitor.close()
                monitor = router.errorMonitor(snapshot = snapshot)
            }
            monitor.close()
        }
    }
}

private fun streaming() {
    val document = vectors("streaming.json")
    val tolerance = document.number("tolerance")
    for (sequence in document.list("sequences")) {
        val maxTokens = sequence.number("max_tokens").toInt()
        val router = (sequence["threshold_id"] as String?)?.let(::open)
        Accumulator(sequence.text("method")).use { growing ->
            for (step in sequence.list("steps")) {
                growing.push(step.numberOrNull("logprob_nats") ?: Double.NaN)
                val bound = growing.upperBound(maxTokens)
                near(growing.confidence(), step["confidence"], tolerance, "confidence")
                near(bound, step["upper_bound"], tolerance, "upper bound")
                equal(bound == null || bound < sequence.number("threshold"), step["must_defer"], "exit")
                router?.let { equal(it.mustDefer(growing, maxTokens), step["must_defer"], "mustDefer") }
            }
        }
        router?.close()
    }
}

private fun trackerExit() {
    val router = open("perplexity/routing_ratio=0.3")
    val tracker = router.tracker()
    val growing = Accumulator("perplexity")
    equal(tracker.mustDefer(growing, 4), false, "no token")
    growing.push(-50.0)
    equal(tracker.mustDefer(growing, 4), true, "hopeless")
    equal(json(tracker.snapshot()).inner("state")?.number("n"), 1.0, "counted once")
    refused(Status.UNAVAILABLE, "no decision") { tracker.record() }
    listOf(growing, tracker, router).forEach(AutoCloseable::close)
}

private fun refused(status: Status, message: String, call: () -> Unit) {
    val error = runCatching(call).exceptionOrNull()
    check(error is PlimsollException && error.status == status && message in error.message.orEmpty()) {
        "$status `$message`: $error"
    }
}

private fun illegal(what: String, call: () -> Unit) =
    check(runCatching(call).exceptionOrNull() is IllegalArgumentException) { what }

private fun refusals() {
    val ratio = "routing_ratio=0.3"
    fun open(bytes: ByteArray = file, device: String = DEVICE, method: String = "perplexity", target: String = ratio) =
        Router.open(bytes, device, method, target).close()
    refused(Status.OTHER_MODEL, "this device has `other`") { open(device = """{"id": "other"}""") }
    refused(Status.INVALID_ARGUMENT, "a device must be JSON") { open(device = "small") }
    refused(Status.NOT_IN_FILE, "it has: perplexity") { open(method = "p_true") }
    refused(Status.NOT_IN_FILE, "no operating point") { open(target = "accuracy=0.5") }
    refused(Status.NO_THRESHOLD, "infeasible") { open(target = "selective_error=0.01:0.1") }
    refused(Status.INVALID_FILE, "is empty") { open(bytes = ByteArray(0)) }
    refused(Status.INVALID_FILE, "cut off") { open(bytes = file.copyOf(file.size / 2)) }
    refused(Status.INVALID_FILE, "no JSON") { open(bytes = "thresholds.json".toByteArray()) }
    refused(Status.NOT_UTF8, "UTF-8") { open(bytes = byteArrayOf(-1)) }
    refused(Status.UNAVAILABLE, "p_true") { Accumulator("p_true") }
    illegal("a NUL in a text") { open(method = "perplexity\u0000") }
    val router = open("perplexity/$ratio")
    for (value in listOf(-0.1, 1.5, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)) {
        refused(Status.INVALID_ARGUMENT, "is not a finite number") { router.decide(value) }
        refused(Status.INVALID_ARGUMENT, "is not a finite number") { router.observe(value) }
    }
    equal(router.decide(Double.NaN).reason, Reason.MISSING, "NaN is missing")
    refused(Status.INVALID_ARGUMENT, "horizon") { router.tracker(horizon = 0.5) }
    refused(Status.UNAVAILABLE, "no bound") { router.errorMonitor() }
    Accumulator("average_token_probability").use { growing ->
        refused(Status.INVALID_ARGUMENT, "decides by `perplexity`") { router.mustDefer(growing, 5) }
        illegal("negative tokens") { router.mustDefer(growing, -1) }
    }
    router.close()
    router.close()
    refused(Status.NULL_POINTER, "this Router was closed") { router.decide(0.5) }
    val growing = Accumulator("perplexity")
    growing.close()
    refused(Status.NULL_POINTER, "this Accumulator was closed") { growing.confidence() }
    equal(Plimsoll.tokenMargin(listOf(doubleArrayOf(-0.1, -2.0, -3.0))), Plimsoll.tokenMargin(listOf(doubleArrayOf(-0.1, -2.0))), "two of three")
    equal(Plimsoll.tokenMargin(listOf(doubleArrayOf(-0.1))), null, "one token")
}

private fun describedAndResumed() {
    val router = open("perplexity/routing_ratio=0.3")
    val described = json(router.describe())
    equal(described.inner("point")?.text("status"), "reached", "status")
    router.observe(0.5)
    val other = open("perplexity/routing_ratio=0.3")
    other.resumeDrift(router.driftSnapshot())
    equal(other.driftSnapshot(), router.driftSnapshot(), "a window goes on")
    val elsewhere = open("perplexity/routing_ratio=0.7")
    refused(Status.OTHER_SNAPSHOT, "threshold_id") { elsewhere.resumeDrift(router.driftSnapshot()) }
    listOf(router, other, elsewhere).forEach(AutoCloseable::close)
}

private fun changedFiles(changes: Int) {
    val random = SplittableRandom(1)
    var refused = 0
    repeat(changes) {
        var bytes = file.copyOf()
        when (random.nextInt(4)) {
            0 -> bytes = bytes.copyOf(random.nextInt(bytes.size + 1))
            1 -> bytes = ByteArray(random.nextInt(200)) { random.nextInt(256).toByte() }
            else -> repeat(1 + random.nextInt(4)) { bytes[random.nextInt(bytes.size)] = random.nextInt(256).toByte() }
        }
        try {
            Router.open(bytes, DEVICE, "perplexity", "routing_ratio=0.3").close()
        } catch (error: PlimsollException) {
            refused++
            check(error.status != Status.PANIC && !error.message.isNullOrEmpty()) { "$error" }
        }
    }
    println("Kotlin: $changes changed files, $refused of them refused")
}

fun main(arguments: Array<String>) {
    folder = File(arguments[0])
    check(Plimsoll.version.isNotEmpty()) { "version" }
    decide()
    confidences()
    exploration()
    maps()
    drift()
    trackers()
    errorMonitors()
    streaming()
    trackerExit()
    println("Kotlin: conformance vectors, ${passed + failed} checks")
    refusals()
    describedAndResumed()
    changedFiles(2000)
    println("$passed passed, $failed failed")
    if (failed > 0) exitProcess(1)
}
