package plimsoll.test

/** As much of a JSON reader as the conformance vectors need: maps, lists, texts, doubles, booleans and null. */
class Json(private val text: String) {
    private var at = 0

    fun read(): Any? {
        val value = value()
        skip()
        check(at == text.length) { "more than one value at $at" }
        return value
    }

    private fun skip() {
        while (at < text.length && text[at].isWhitespace()) at++
    }

    private fun take(expected: Char): Boolean {
        skip()
        return (at < text.length && text[at] == expected).also { if (it) at++ }
    }

    private fun value(): Any? {
        skip()
        return when (text[at]) {
            '{' -> members('}') { string().also { check(take(':')) } to value() }.toMap()
            '[' -> members(']') { value() }
            '"' -> string()
            else -> word()
        }
    }

    private fun <T> members(end: Char, member: () -> T): List<T> {
        at++
        val found = mutableListOf<T>()
        while (!take(end)) {
            found += member()
            check(take(',') || text[at] == end) { "no comma at $at" }
        }
        return found
    }

    private fun string(): String {
        check(take('"')) { "no text at $at" }
        val found = StringBuilder()
        while (text[at] != '"') {
            val next = text[at++]
            found.append(if (next == '\\') escape() else next)
        }
        at++
        return found.toString()
    }

    private fun escape(): Char = when (val kind = text[at++]) {
        'u' -> text.substring(at, at + 4).toInt(16).toChar().also { at += 4 }
        'n' -> '\n'
        't' -> '\t'
        'r' -> '\r'
        'b' -> '\b'
        'f' -> '\u000c'
        else -> kind
    }

    private fun word(): Any? {
        val end = (at until text.length).firstOrNull { text[it] in ",]} \n" } ?: text.length
        val word = text.substring(at, end)
        at = end
        return when (word) {
            "null" -> null
            "true" -> true
            "false" -> false
            else -> word.toDouble()
        }
    }
}
