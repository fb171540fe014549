package plimsoll

import com.sun.jna.IntegerType
import com.sun.jna.Memory
import com.sun.jna.Native
import com.sun.jna.Pointer

/** `size_t`, whose size is the platform's. */
internal class SizeT(value: Long) : IntegerType(Native.SIZE_T_SIZE, value, true) {
    /** JNA makes one by this. */
    @Suppress("unused")
    constructor() : this(0)

    override fun toByte(): Byte = toInt().toByte()

    override fun toShort(): Short = toInt().toShort()
}

/** The C interface, `bindings/c/include/plimsoll.h`: names and parameters are the header's. */
@Suppress("FunctionName")
internal object Library {
    init {
        Native.register(Library::class.java, "plimsoll_c")
    }

    @JvmStatic external fun plimsoll_version(): Pointer

    @JvmStatic external fun plimsoll_last_status(): Int

    @JvmStatic external fun plimsoll_last_error(): Pointer

    @JvmStatic external fun plimsoll_text_free(text: Pointer?)

    @JvmStatic external fun plimsoll_router_open(
        thresholds: Pointer?, length: SizeT, device: Pointer, method: Pointer, target: Pointer,
    ): Pointer?

    @JvmStatic external fun plimsoll_router_free(router: Pointer?)

    @JvmStatic external fun plimsoll_decide(router: Pointer?, confidence: Double, out: Pointer): Int

    @JvmStatic external fun plimsoll_record(router: Pointer?, confidence: Double): Pointer?

    @JvmStatic external fun plimsoll_explore(
        router: Pointer?, confidence: Double, share: Double, u: Double, out: Pointer,
    ): Int

    @JvmStatic external fun plimsoll_explored_record(
        router: Pointer?, confidence: Double, share: Double, u: Double,
    ): Pointer?

    @JvmStatic external fun plimsoll_observe(router: Pointer?, confidence: Double, out: Pointer): Int

    @JvmStatic external fun plimsoll_router_describe(router: Pointer?): Pointer?

    @JvmStatic external fun plimsoll_drift_snapshot(router: Pointer?): Pointer?

    @JvmStatic external fun plimsoll_drift_resume(router: Pointer?, snapshot: Pointer): Int

    @JvmStatic external fun plimsoll_perplexity(logprobsNats: Pointer?, count: SizeT): Double

    @JvmStatic external fun plimsoll_average_token_probability(logprobsNats: Pointer?, count: SizeT): Double

    @JvmStatic external fun plimsoll_min_token_probability(logprobsNats: Pointer?, count: SizeT): Double

    @JvmStatic external fun plimsoll_token_margin(likeliestTwoNats: Pointer?, count: SizeT): Double

    @JvmStatic external fun plimsoll_token_entropy(likeliestNats: Pointer?, count: SizeT, k: SizeT): Double

    @JvmStatic external fun plimsoll_p_true(trueMass: Double, falseMass: Double): Double

    @JvmStatic external fun plimsoll_jaccard_degree(answers: Pointer?, count: SizeT): Double

    @JvmStatic external fun plimsoll_accumulator_new(method: Pointer): Pointer?

    @JvmStatic external fun plimsoll_accumulator_free(accumulator: Pointer?)

    @JvmStatic external fun plimsoll_accumulator_push(accumulator: Pointer?, logprobNats: Double): Int

    @JvmStatic external fun plimsoll_accumulator_confidence(accumulator: Pointer?): Double

    @JvmStatic external fun plimsoll_accumulator_upper_bound(accumulator: Pointer?, maxTokens: Int): Double

    @JvmStatic external fun plimsoll_must_defer(router: Pointer?, accumulator: Pointer?, maxTokens: Int, out: Pointer): Int

    @JvmStatic external fun plimsoll_tracker_new(router: Pointer?, horizon: Double, certificateZ: Double): Pointer?

    @JvmStatic external fun plimsoll_tracker_resume(
        router: Pointer?, snapshot: Pointer, horizon: Double, certificateZ: Double,
    ): Pointer?

    @JvmStatic external fun plimsoll_tracker_free(tracker: Pointer?)

    @JvmStatic external fun plimsoll_track(tracker: Pointer?, id: Pointer, confidence: Double, out: Pointer): Int

    @JvmStatic external fun plimsoll_tracker_must_defer(
        tracker: Pointer?, accumulator: Pointer?, maxTokens: Int, out: Pointer,
    ): Int

    @JvmStatic external fun plimsoll_tracker_record(tracker: Pointer?): Pointer?

    @JvmStatic external fun plimsoll_tracker_snapshot(tracker: Pointer?): Pointer?

    @JvmStatic external fun plimsoll_error_monitor_new(router: Pointer?, alpha: Double, delta: Double): Pointer?

    @JvmStatic external fun plimsoll_error_monitor_resume(router: Pointer?, snapshot: Pointer): Pointer?

    @JvmStatic external fun plimsoll_error_monitor_free(monitor: Pointer?)

    @JvmStatic external fun plimsoll_error_monitor_observe(monitor: Pointer?, correct: Int, out: Pointer): Int

    @JvmStatic external fun plimsoll_error_monitor_snapshot(monitor: Pointer?): Pointer?
}

/** A UTF-8 text that ends with a NUL, in native memory. */
internal fun nativeText(text: String, name: String): Memory {
    // A C string would end there.
    require('\u0000' !in text) { "$name must not contain a NUL" }
    val bytes = text.toByteArray(Charsets.UTF_8)
    return Memory(bytes.size + 1L).apply {
        write(0, bytes, 0, bytes.size)
        setByte(bytes.size.toLong(), 0)
    }
}

internal fun nativeBytes(bytes: ByteArray): Memory? =
    if (bytes.isEmpty()) null else Memory(bytes.size.toLong()).apply { write(0, bytes, 0, bytes.size) }

internal fun nativeDoubles(values: DoubleArray): Memory? =
    if (values.isEmpty()) null else Memory(8L * values.size).apply { write(0, values, 0, values.size) }

/** The error of this thread's latest failure. */
internal fun latestError(): PlimsollException {
    val status = Status.entries.getOrNull(Library.plimsoll_last_status()) ?: Status.UNKNOWN
    return PlimsollException(status, Library.plimsoll_last_error().getString(0, "UTF-8"))
}

internal fun checked(status: Int) {
    if (status != 0) throw latestError()
}

internal fun checkedHandle(handle: Pointer?): Pointer = handle ?: throw latestError()

/** A text that the library gives, freed. */
internal fun takenText(text: Pointer?): String =
    try {
        checkedHandle(text).getString(0, "UTF-8")
    } finally {
        Library.plimsoll_text_free(text)
    }

/** A struct of `bytes` bytes that `call` fills. */
internal inline fun <T> filled(bytes: Long, call: (Memory) -> Int, read: (Memory) -> T): T {
    val out = Memory(bytes)
    checked(call(out))
    return read(out)
}

/** Missing, which is NaN in C. */
internal fun orNaN(value: Double?): Double = value ?: Double.NaN

internal fun orNull(value: Double): Double? = value.takeUnless { it.isNaN() }
