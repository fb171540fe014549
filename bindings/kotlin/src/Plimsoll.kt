package plimsoll

import com.sun.jna.Memory
import com.sun.jna.Pointer
import java.lang.ref.Reference

/** Which model answers. */
enum class Route {
    /** The question is deferred to the large model. */
    LLM,

    /** The small model's answer is kept. */
    SLM,
}

/** Why a decision was made. */
enum class Reason {
    MISSING,
    BELOW,
    AT_OR_ABOVE,

    /** A tracker would have kept it, and the certificate's threshold does not. */
    CERTIFICATE,

    /** A coin chose the other route than the threshold's. */
    EXPLORED,
}

enum class DriftState {
    /** The file has no alarm levels for the method. */
    UNMONITORED,

    /** The first window is not yet full. */
    COLLECTING,
    NORMAL,
    ALARM,
}

/** What was refused; in the order of the header's numbers. */
enum class Status {
    OK,
    NULL_POINTER,
    NOT_UTF8,
    INVALID_ARGUMENT,
    INVALID_FILE,
    OTHER_MODEL,
    NOT_IN_FILE,
    NO_THRESHOLD,
    UNAVAILABLE,
    OTHER_SNAPSHOT,
    PANIC,
    UNKNOWN,
}

/** What the library refuses. The message says what is wrong, where, and what to do. */
class PlimsollException(val status: Status, message: String) : RuntimeException(message)

data class Decision(val route: Route, val reason: Reason)

/** @property propensity the probability with which this route was taken */
data class ExploredDecision(val route: Route, val reason: Reason, val propensity: Double)

/**
 * A decision by a tracker, with all that is needed to repeat it.
 *
 * @property z the confidence on the pool's scale; null if it is missing
 * @property u the number in [0, 1) that breaks ties
 * @property t the threshold on the pool's scale that was in force
 */
data class TrackedDecision(val route: Route, val reason: Reason, val z: Double?, val u: Double, val t: Double)

/** A full window of the drift monitor. */
data class WindowReport(
    val window: Long,
    val psi: Double,
    val ks: Double,
    val missingShare: Double,
    val psiAlarm: Boolean,
    val ksAlarm: Boolean,
    val missingAlarm: Boolean,
)

/** @property report the window that this observation filled; null for all others */
data class Drift(val state: DriftState, val report: WindowReport?)

/**
 * What an error monitor has seen.
 *
 * @property kept kept answers with a label
 * @property wrong of these, wrong
 * @property logE natural logarithm of the evidence that P(wrong | kept) exceeds alpha
 * @property pValue valid at every moment
 * @property alarm true from the first alarm on
 */
data class Evidence(val kept: Long, val wrong: Long, val logE: Double, val pValue: Double, val alarm: Boolean)

/** Confidences in [0, 1], higher = more likely correct; null is missing, and defers. */
object Plimsoll {
    /** The library's version. */
    @JvmStatic
    val version: String get() = Library.plimsoll_version().getString(0, "UTF-8")

    /**
     * 1 / perplexity of the answer's tokens. Log-probabilities are natural logs of the model's own distribution over its
     * whole vocabulary, before temperature, without the stop token; a NaN among them makes the confidence missing.
     */
    @JvmStatic
    fun perplexity(logprobsNats: DoubleArray): Double? =
        orNull(Library.plimsoll_perplexity(nativeDoubles(logprobsNats), SizeT(logprobsNats.size.toLong())))

    /** The mean probability of the answer's tokens. */
    @JvmStatic
    fun averageTokenProbability(logprobsNats: DoubleArray): Double? {
        val count = SizeT(logprobsNats.size.toLong())
        return orNull(Library.plimsoll_average_token_probability(nativeDoubles(logprobsNats), count))
    }

    /** The smallest probability of the answer's tokens. */
    @JvmStatic
    fun minTokenProbability(logprobsNats: DoubleArray): Double? {
        val count = SizeT(logprobsNats.size.toLong())
        return orNull(Library.plimsoll_min_token_probability(nativeDoubles(logprobsNats), count))
    }

    /**
     * By how much the likeliest token leads, on average.
     *
     * @param likeliestNats for each position of the answer the log-probabilities of the likeliest tokens, whichever was chosen,
     *   the likeliest first; of longer lists the first two count, with a shorter one there is no confidence
     */
    @JvmStatic
    fun tokenMargin(likeliestNats: List<DoubleArray>): Double? {
        if (likeliestNats.any { it.size < 2 }) return null
        val pairs = likeliestNats.map { it.copyOf(2) }
        return overPositions(pairs) { memory, count, _ -> Library.plimsoll_token_margin(memory, SizeT(count.toLong())) }
    }

    /**
     * How far the next-token distributions are from uniform, on average. Lists of several lengths have no confidence.
     *
     * @param likeliestNats for each position of the answer the log-probabilities of the k likeliest tokens, k being that of the
     *   file's variant: with another k it is another scale
     */
    @JvmStatic
    fun tokenEntropy(likeliestNats: List<DoubleArray>): Double? = overPositions(likeliestNats) { memory, count, k ->
        Library.plimsoll_token_entropy(memory, SizeT(count.toLong()), SizeT(k.toLong()))
    }

    private fun overPositions(positions: List<DoubleArray>, call: (Memory?, Int, Int) -> Double): Double? {
        val k = positions.firstOrNull()?.size ?: 0
        if (positions.any { it.size != k }) return null
        val values = positions.flatMap { it.asIterable() }.toDoubleArray()
        return orNull(call(nativeDoubles(values), positions.size, k))
    }

    /** P(True) / (P(True) + P(False)). */
    @JvmStatic
    fun pTrue(trueMass: Double, falseMass: Double): Double? = orNull(Library.plimsoll_p_true(trueMass, falseMass))

    /** How much sampled answers agree. */
    @JvmStatic
    fun jaccardDegree(answers: List<String>): Double? {
        val texts = answers.map { nativeText(it, "an answer") }
        val list = if (texts.isEmpty()) null else Memory(com.sun.jna.Native.POINTER_SIZE.toLong() * texts.size)
        texts.forEachIndexed { index, text -> list?.setPointer(com.sun.jna.Native.POINTER_SIZE.toLong() * index, text) }
        val degree = orNull(Library.plimsoll_jaccard_degree(list, SizeT(texts.size.toLong())))
        // The list holds addresses alone; the texts must outlive the call.
        Reference.reachabilityFence(texts)
        return degree
    }
}

/** What must be closed. A later call of another method throws. */
abstract class Handle internal constructor(handle: Pointer, private val free: (Pointer?) -> Unit) : AutoCloseable {
    @Volatile
    private var open: Pointer? = handle

    internal val handle: Pointer
        get() = open ?: throw PlimsollException(Status.NULL_POINTER, "this ${javaClass.simpleName} was closed")

    @Synchronized
    override fun close() {
        free(open)
        open = null
    }
}

/**
 * One operating point of a thresholds file. May be used by several threads at once; close it when the last is done.
 */
class Router private constructor(handle: Pointer) : Handle(handle, Library::plimsoll_router_free) {
    /** Keeps iff confidence >= threshold; otherwise, or if it is missing, defers. Throws for a number outside [0, 1]. */
    fun decide(confidence: Double?): Decision =
        filled(DECISION_BYTES, { Library.plimsoll_decide(handle, orNaN(confidence), it) }) { Decision(route(it), reason(it)) }

    /** The decision as a line of the decision log, JSON. */
    fun record(confidence: Double?): String = takenText(Library.plimsoll_record(handle, orNaN(confidence)))

    /**
     * Decides, and takes the other route where a coin says so, so that thresholds can be fitted anew on the log.
     *
     * @param share in [0, 1], 0.02 to 0.1 is usual; half of these questions take the other route
     * @param u uniform in [0, 1), drawn anew for each question by a generator that clients cannot foresee
     */
    fun explore(confidence: Double?, share: Double, u: Double): ExploredDecision =
        filled(EXPLORED_BYTES, { Library.plimsoll_explore(handle, orNaN(confidence), share, u, it) }) {
            ExploredDecision(route(it), reason(it), it.getDouble(8))
        }

    /** The decision of [explore] as a line of the decision log, JSON, with its propensity. */
    fun exploredRecord(confidence: Double?, share: Double, u: Double): String =
        takenText(Library.plimsoll_explored_record(handle, orNaN(confidence), share, u))

    /** The operating point that it decides by, as the file has it: JSON with `point.status`, `point.threshold`, .. */
    fun describe(): String = takenText(Library.plimsoll_router_describe(handle))

    /**
     * Counts a decided question in the drift monitor, once. The state is that of the latest full window, so an alarm lasts
     * until the next is full; there is a report once a window.
     */
    fun observe(confidence: Double?): Drift =
        filled(DRIFT_BYTES, { Library.plimsoll_observe(handle, orNaN(confidence), it) }, ::drift)

    /** What the drift monitor has counted, as JSON, so that a window may outlive the process. */
    fun driftSnapshot(): String = takenText(Library.plimsoll_drift_snapshot(handle))

    /** Goes on from what [driftSnapshot] gave. */
    fun resumeDrift(snapshot: String) = checked(Library.plimsoll_drift_resume(handle, nativeText(snapshot, "snapshot")))

    /**
     * The exact early exit: whether [decide] defers every answer of at most `maxTokens` tokens that begins with these. Only
     * where the confidence is over all tokens of the answer: not for multiple choice by `average_token_probability`. An
     * answer that was cut is neither observed nor recorded.
     */
    fun mustDefer(accumulator: Accumulator, maxTokens: Int): Boolean = synchronized(accumulator) {
        filled(FLAG_BYTES, { Library.plimsoll_must_defer(handle, accumulator.handle, tokens(maxTokens), it) }, ::flag)
    }

    /**
     * A tracker that keeps to the point's routing ratio, from a snapshot where one is given. Lives on without the router.
     *
     * @param horizon the questions over which a deficit is paid back; null for the file's
     * @param certificateZ a position on the pool's scale below which nothing is kept
     */
    @JvmOverloads
    fun tracker(horizon: Double? = null, certificateZ: Double? = null, snapshot: String? = null): Tracker {
        val (h, z) = orNaN(horizon) to orNaN(certificateZ)
        val found = when (snapshot) {
            null -> Library.plimsoll_tracker_new(handle, h, z)
            else -> Library.plimsoll_tracker_resume(handle, nativeText(snapshot, "snapshot"), h, z)
        }
        return Tracker(checkedHandle(found))
    }

    /** An alarm about the error of kept answers; alpha and delta are the point's unless both are given. */
    @JvmOverloads
    fun errorMonitor(alpha: Double? = null, delta: Double? = null, snapshot: String? = null): ErrorMonitor {
        val found = when (snapshot) {
            null -> Library.plimsoll_error_monitor_new(handle, orNaN(alpha), orNaN(delta))
            else -> Library.plimsoll_error_monitor_resume(handle, nativeText(snapshot, "snapshot"))
        }
        return ErrorMonitor(checkedHandle(found))
    }

    companion object {
        /**
         * Opens a thresholds file at one operating point and checks it: schema, version, hash, that it was fitted for the
         * model that this device runs, and that the point has a threshold.
         *
         * @param thresholds the bytes of the file
         * @param device what runs here, as JSON: `{"id": "smollm2-135m", "quantisation": "Q4_K_M"}`; each key that the file
         *   records must be given and be equal; docs/thresholds-file.md says where each value comes from
         */
        @JvmStatic
        fun open(thresholds: ByteArray, device: String, method: String, target: String): Router {
            val found = Library.plimsoll_router_open(
                nativeBytes(thresholds),
                SizeT(thresholds.size.toLong()),
                nativeText(device, "device"),
                nativeText(method, "method"),
                nativeText(target, "target"),
            )
            return Router(checkedHandle(found))
        }
    }
}

/** Keeps to a routing ratio on traffic never seen. */
class Tracker internal constructor(handle: Pointer) : Handle(handle, Library::plimsoll_tracker_free) {
    /** Decides about one question and counts it. The request's id breaks ties. */
    @Synchronized
    fun decide(id: String, confidence: Double?): TrackedDecision {
        val text = nativeText(id, "id")
        return filled(DECISION_BYTES, { Library.plimsoll_track(handle, text, orNaN(confidence), it) }) {
            TrackedDecision(route(it), reason(it), orNull(it.getDouble(8)), it.getDouble(16), it.getDouble(24))
        }
    }

    /** As [Router.mustDefer]. Where it is true, the decision is counted: do not call [decide] for this question. */
    @Synchronized
    fun mustDefer(accumulator: Accumulator, maxTokens: Int): Boolean = synchronized(accumulator) {
        filled(FLAG_BYTES, { Library.plimsoll_tracker_must_defer(handle, accumulator.handle, tokens(maxTokens), it) }, ::flag)
    }

    /** The latest decision as a line of the decision log, JSON. */
    @Synchronized
    fun record(): String = takenText(Library.plimsoll_tracker_record(handle))

    /** The state as JSON, with the file and point that it belongs to. */
    @Synchronized
    fun snapshot(): String = takenText(Library.plimsoll_tracker_snapshot(handle))
}

/** An alarm about the error of kept answers, valid at every moment. */
class ErrorMonitor internal constructor(handle: Pointer) : Handle(handle, Library::plimsoll_error_monitor_free) {
    /** Counts a kept answer whose label has arrived, once. */
    @Synchronized
    fun observe(correct: Boolean): Evidence {
        val flag = if (correct) 1 else 0
        return filled(EVIDENCE_BYTES, { Library.plimsoll_error_monitor_observe(handle, flag, it) }) {
            Evidence(it.getLong(0), it.getLong(8), it.getDouble(16), it.getDouble(24), it.getInt(32) != 0)
        }
    }

    @Synchronized
    fun snapshot(): String = takenText(Library.plimsoll_error_monitor_snapshot(handle))
}

/**
 * A confidence that grows token by token, with the bits of the closed form: `perplexity`, `average_token_probability` or
 * `min_token_probability`.
 */
class Accumulator(method: String) :
    Handle(checkedHandle(Library.plimsoll_accumulator_new(nativeText(method, "method"))), Library::plimsoll_accumulator_free) {
    /** Takes the natural-log probability of the next token; NaN makes the confidence missing for good. */
    @Synchronized
    fun push(logprobNats: Double) = checked(Library.plimsoll_accumulator_push(handle, logprobNats))

    /** The confidence of the tokens so far. */
    @Synchronized
    fun confidence(): Double? = orNull(Library.plimsoll_accumulator_confidence(handle))

    /** No answer of at most `maxTokens` tokens that begins with these gets a larger confidence; null if it gets none. */
    @Synchronized
    fun upperBound(maxTokens: Int): Double? =
        orNull(Library.plimsoll_accumulator_upper_bound(handle, tokens(maxTokens)))
}

// Sizes of the header's structs.
private const val DECISION_BYTES = 32L
private const val DRIFT_BYTES = 56L
private const val EVIDENCE_BYTES = 40L
private const val EXPLORED_BYTES = 16L
private const val FLAG_BYTES = 4L

private fun route(out: Memory): Route = Route.entries[out.getInt(0)]

private fun reason(out: Memory): Reason = Reason.entries[out.getInt(4)]

private fun flag(out: Memory): Boolean = out.getInt(0) != 0

private fun drift(out: Memory): Drift {
    val flag = { offset: Long -> out.getInt(offset) != 0 }
    val report = WindowReport(
        out.getLong(8), out.getDouble(16), out.getDouble(24), out.getDouble(32), flag(40), flag(44), flag(48),
    )
    return Drift(DriftState.entries[out.getInt(0)], report.takeIf { flag(4) })
}

private fun tokens(maxTokens: Int): Int {
    require(maxTokens >= 0) { "maxTokens must not be negative" }
    return maxTokens
}
