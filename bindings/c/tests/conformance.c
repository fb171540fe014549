/*
 * The conformance vectors through the C interface, and untrusted input.
 *
 *   conformance FOLDER [CHANGES]
 *
 * FOLDER is schemas/conformance, CHANGES how many changed files and snapshots are tried (2000). The exit code is 0 if
 * everything passes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "plimsoll.h"

#define DEVICE "{\"id\": \"small\"}"

static const char *folder;
static unsigned long passed, failed;

static void check(int is_right, const char *what, unsigned long number) {
    if (is_right) {
        passed++;
    } else if (++failed <= 20) {
        fprintf(stderr, "failed: %s, number %lu; latest failure: %s\n", what, number, plimsoll_last_error());
    }
}

/* Equal within a tolerance; NaN equals NaN alone. */
static int is_near(double found, double expected, double tolerance) {
    return isnan(expected) ? isnan(found) : fabs(found - expected) <= tolerance;
}

static char *read_file(const char *name, size_t *length) {
    char path[4096];
    long size;
    char *bytes;
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    rewind(file);
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
    bytes[size] = '\0';
    *length = (size_t)size;
    return bytes;
}

static json *read_vectors(const char *name) {
    size_t length;
    char *text = read_file(name, &length);
    json *value = json_read(text);
    free(text);
    return value;
}

/* Opens the point `method/target` of the example file. */
static plimsoll_router *open_point(const char *id) {
    size_t length;
    char *file = read_file("example.thresholds.json", &length), method[64];
    const char *slash = strchr(id, '/');
    plimsoll_router *router;
    snprintf(method, sizeof method, "%.*s", (int)(slash - id), id);
    router = plimsoll_router_open((const uint8_t *)file, length, DEVICE, method, slash + 1);
    check(router != NULL, id, 0);
    free(file);
    return router;
}

static int32_t route_of(const json *value) {
    return strcmp(value->text, "slm") == 0 ? PLIMSOLL_ROUTE_SLM : PLIMSOLL_ROUTE_LLM;
}

static int32_t reason_of(const json *value) {
    static const char *const names[] = {"missing", "below", "at_or_above", "certificate", "explored"};
    int32_t reason = 0;
    while (reason < 4 && strcmp(names[reason], value->text) != 0) {
        reason++;
    }
    return reason;
}

static void decide_vectors(void) {
    json *vectors = read_vectors("decide.json");
    const json *one;
    unsigned long number = 0;
    for (one = json_get(vectors, "cases")->first; one != NULL; one = one->next, number++) {
        double confidence = json_number(json_get(one, "confidence"));
        plimsoll_router *router = open_point(json_get(one, "threshold_id")->text);
        plimsoll_decision decision;
        char *text;
        json *record;
        check(plimsoll_decide(router, confidence, &decision) == PLIMSOLL_OK, "decide", number);
        check(decision.route == route_of(json_get(one, "route")), "route", number);
        check(decision.reason == reason_of(json_get(one, "reason")), "reason", number);
        check(isnan(decision.z) && isnan(decision.u) && isnan(decision.t), "z, u, t", number);
        text = plimsoll_record(router, confidence);
        record = json_read(text);
        check(strcmp(json_get(record, "route")->text, json_get(one, "route")->text) == 0, "record", number);
        check(strcmp(json_get(record, "reason")->text, json_get(one, "reason")->text) == 0, "record", number);
        check(json_number(json_get(record, "threshold")) == json_number(json_get(one, "threshold")), "record", number);
        check(strcmp(json_get(record, "thresholds_sha256")->text, json_get(vectors, "sha256")->text) == 0, "record", number);
        check(is_near(json_number(json_get(record, "confidence")), confidence, 0.0), "record", number);
        json_free(record);
        plimsoll_text_free(text);
        plimsoll_router_free(router);
    }
    json_free(vectors);
}

static void token_vectors(const json *vectors, const char *method, double (*score)(const double *, size_t)) {
    double tolerance = json_number(json_get(vectors, "tolerance"));
    const json *one, *token;
    unsigned long number = 0;
    for (one = json_get(vectors, method)->first; one != NULL; one = one->next, number++) {
        const json *tokens = json_get(one, "logprobs_nats");
        double *logprobs = calloc(tokens->count + 1, sizeof *logprobs), found;
        plimsoll_accumulator *growing = plimsoll_accumulator_new(method);
        size_t count = 0;
        for (token = tokens->first; token != NULL; token = token->next) {
            logprobs[count++] = json_number(token);
            plimsoll_accumulator_push(growing, json_number(token));
        }
        found = score(logprobs, count);
        check(is_near(found, json_number(json_get(one, "confidence")), tolerance), method, number);
        /* Token by token to the last bit. */
        check(is_near(plimsoll_accumulator_confidence(growing), found, 0.0), method, number);
        plimsoll_accumulator_free(growing);
        free(logprobs);
    }
}

/* The likeliest tokens of each position: all of them, and the first two. */
static void likeliest_vectors(const json *vectors) {
    double tolerance = json_number(json_get(vectors, "tolerance"));
    const json *one, *position, *token;
    unsigned long number = 0;
    for (one = json_get(vectors, "token_entropy")->first; one != NULL; one = one->next, number++) {
        const json *positions = json_get(one, "likeliest_nats");
        double *lists = calloc(3 * positions->count + 1, sizeof *lists);
        size_t count = 0;
        for (position = positions->first; position != NULL; position = position->next) {
            for (token = position->first; token != NULL; token = token->next) {
                lists[count++] = json_number(token);
            }
        }
        check(is_near(plimsoll_token_entropy(lists, positions->count, 3), json_number(json_get(one, "confidence")), tolerance),
              "token_entropy", number);
        free(lists);
    }
    for (one = json_get(vectors, "token_margin")->first; one != NULL; one = one->next, number++) {
        const json *positions = json_get(one, "likeliest_nats");
        double *pairs = calloc(2 * positions->count + 1, sizeof *pairs);
        size_t count = 0;
        for (position = positions->first; position != NULL; position = position->next) {
            pairs[count++] = json_number(position->first);
            pairs[count++] = json_number(position->first->next);
        }
        check(is_near(plimsoll_token_margin(pairs, positions->count), json_number(json_get(one, "confidence")), tolerance),
              "token_margin", number);
        free(pairs);
    }
}

static void confidence_vectors(void) {
    json *vectors = read_vectors("confidence.json");
    double tolerance = json_number(json_get(vectors, "tolerance"));
    const json *one, *answer;
    unsigned long number = 0;
    token_vectors(vectors, "perplexity", plimsoll_perplexity);
    token_vectors(vectors, "average_token_probability", plimsoll_average_token_probability);
    token_vectors(vectors, "min_token_probability", plimsoll_min_token_probability);
    likeliest_vectors(vectors);
    for (one = json_get(vectors, "p_true")->first; one != NULL; one = one->next, number++) {
        double found = plimsoll_p_true(json_number(json_get(one, "true_mass")), json_number(json_get(one, "false_mass")));
        check(is_near(found, json_number(json_get(one, "confidence")), tolerance), "p_true", number);
    }
    for (one = json_get(vectors, "jaccard_degree")->first; one != NULL; one = one->next, number++) {
        const json *answers = json_get(one, "answers");
        const char **texts = calloc(answers->count + 1, sizeof *texts);
        size_t count = 0;
        for (answer = answers->first; answer != NULL; answer = answer->next) {
            texts[count++] = answer->text;
        }
        check(is_near(plimsoll_jaccard_degree(texts, count), json_number(json_get(one, "confidence")), tolerance),
              "jaccard_degree", number);
        free(texts);
    }
    json_free(vectors);
}

static void exploration_vectors(void) {
    json *vectors = read_vectors("exploration.json");
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    const json *one;
    unsigned long number = 0;
    for (one = json_get(vectors, "cases")->first; one != NULL; one = one->next, number++) {
        double confidence = json_number(json_get(one, "confidence")), share = json_number(json_get(one, "share"));
        double u = json_number(json_get(one, "u")), propensity = json_number(json_get(one, "propensity"));
        plimsoll_explored explored;
        char *text = plimsoll_explored_record(router, confidence, share, u);
        json *record = json_read(text);
        check(plimsoll_explore(router, confidence, share, u, &explored) == PLIMSOLL_OK, "explore", number);
        check(explored.route == route_of(json_get(one, "route")), "route", number);
        check(explored.reason == reason_of(json_get(one, "reason")), "reason", number);
        check(explored.propensity == propensity, "propensity", number);
        check(route_of(json_get(record, "route")) == explored.route, "record", number);
        check(reason_of(json_get(record, "reason")) == explored.reason, "record", number);
        check(json_number(json_get(record, "propensity")) == propensity, "record", number);
        json_free(record);
        plimsoll_text_free(text);
    }
    plimsoll_router_free(router);
    json_free(vectors);
}

/* The isotonic map is what a record shows. */
static void map_vectors(void) {
    json *vectors = read_vectors("map.json");
    double tolerance = json_number(json_get(vectors, "tolerance"));
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    const json *one;
    unsigned long number = 0;
    for (one = json_get(vectors, "cases")->first; one != NULL; one = one->next, number++) {
        char *text = plimsoll_record(router, json_number(json_get(one, "confidence")));
        json *record = json_read(text);
        double found = json_number(json_get(record, "probability"));
        check(is_near(found, json_number(json_get(one, "isotonic")), tolerance), "map", number);
        json_free(record);
        plimsoll_text_free(text);
    }
    plimsoll_router_free(router);
    json_free(vectors);
}

static int is_alarm(const json *report, const char *key, int32_t alarm) {
    return (json_get(report, key)->kind == JSON_TRUE) == (alarm == 1);
}

static void drift_vectors(void) {
    json *vectors = read_vectors("drift.json");
    double tolerance = json_number(json_get(vectors, "tolerance"));
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    const json *one, *report = json_get(vectors, "reports")->first;
    plimsoll_drift drift;
    unsigned long number = 0;
    for (one = json_get(vectors, "observed")->first; one != NULL; one = one->next, number++) {
        check(plimsoll_observe(router, json_number(one), &drift) == PLIMSOLL_OK, "observe", number);
        if (drift.has_report == 1 && report != NULL) {
            check(drift.window == (uint64_t)json_number(json_get(report, "window")), "window", number);
            check(is_near(drift.psi, json_number(json_get(report, "psi")), tolerance), "psi", number);
            check(is_near(drift.ks, json_number(json_get(report, "ks")), tolerance), "ks", number);
            check(is_near(drift.missing_share, json_number(json_get(report, "missing_share")), tolerance), "share", number);
            check(is_alarm(report, "psi_alarm", drift.psi_alarm), "psi_alarm", number);
            check(is_alarm(report, "ks_alarm", drift.ks_alarm), "ks_alarm", number);
            check(is_alarm(report, "missing_alarm", drift.missing_alarm), "missing_alarm", number);
            check(drift.state == (drift.psi_alarm || drift.ks_alarm || drift.missing_alarm ? PLIMSOLL_DRIFT_ALARM
                                                                                         : PLIMSOLL_DRIFT_NORMAL),
                  "state", number);
            report = report->next;
        }
    }
    check(report == NULL, "reports", number);
    plimsoll_router_free(router);
    json_free(vectors);
}

static void tracker_state(const plimsoll_tracker *tracker, const json *expected, unsigned long number) {
    static const char *const keys[] = {"ratio", "base", "deficit", "n", "routed"};
    char *text = plimsoll_tracker_snapshot(tracker);
    json *snapshot = json_read(text);
    size_t key;
    for (key = 0; key < sizeof keys / sizeof *keys; key++) {
        double found = json_number(json_get(json_get(snapshot, "state"), keys[key]));
        check(found == json_number(json_get(expected, keys[key])), keys[key], number);
    }
    json_free(snapshot);
    plimsoll_text_free(text);
}

/* A sequence of decisions, to the last bit. After every hundred the tracker is ended and resumed. */
static void tracker_sequence(const plimsoll_router *router, const json *sequence) {
    double certificate = json_number(json_get(sequence, "certificate_z"));
    plimsoll_tracker *tracker = plimsoll_tracker_new(router, NAN, certificate);
    const json *step;
    plimsoll_decision decision;
    unsigned long number = 0;
    for (step = json_get(sequence, "steps")->first; step != NULL; step = step->next, number++) {
        const char *id = json_get(step, "id")->text;
        double confidence = json_number(json_get(step, "confidence"));
        check(plimsoll_track(tracker, id, confidence, &decision) == PLIMSOLL_OK, "track", number);
        check(decision.route == route_of(json_get(step, "route")), "route", number);
        check(decision.reason == reason_of(json_get(step, "reason")), "reason", number);
        check(is_near(decision.z, json_number(json_get(step, "z")), 0.0), "z", number);
        check(decision.u == json_number(json_get(step, "u")), "u", number);
        check(decision.t == json_number(json_get(step, "t")), "t", number);
        if (json_get(step, "state")->kind == JSON_OBJECT) {
            char *text = plimsoll_tracker_snapshot(tracker), *record = plimsoll_tracker_record(tracker);
            json *line = json_read(record);
            tracker_state(tracker, json_get(step, "state"), number);
            check(json_number(json_get(line, "t")) == decision.t, "record", number);
            plimsoll_tracker_free(tracker);
            tracker = plimsoll_tracker_resume(router, text, NAN, certificate);
            check(tracker != NULL && plimsoll_tracker_record(tracker) == NULL, "nothing to record", number);
            json_free(line);
            plimsoll_text_free(record);
            plimsoll_text_free(text);
        }
    }
    plimsoll_tracker_free(tracker);
}

static void tracker_vectors(void) {
    json *vectors = read_vectors("tracker.json");
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    plimsoll_tracker *tracker = plimsoll_tracker_new(router, NAN, NAN);
    const json *one;
    plimsoll_decision decision;
    unsigned long number = 0;
    for (one = json_get(vectors, "sequences")->first; one != NULL; one = one->next) {
        tracker_sequence(router, one);
    }
    /* A tracker lives on without its router. */
    plimsoll_router_free(router);
    for (one = json_get(vectors, "ties")->first; one != NULL; one = one->next, number++) {
        check(plimsoll_track(tracker, json_get(one, "id")->text, 0.5, &decision) == PLIMSOLL_OK, "track", number);
        check(decision.u == json_number(json_get(one, "u")), "tie", number);
    }
    plimsoll_tracker_free(tracker);
    json_free(vectors);
}

static void error_monitor_sequence(const plimsoll_router *router, const json *sequence, double tolerance) {
    plimsoll_error_monitor *monitor = plimsoll_error_monitor_new(
        router, json_number(json_get(sequence, "alpha")), json_number(json_get(sequence, "delta")));
    const json *step;
    plimsoll_evidence evidence;
    unsigned long number = 0;
    for (step = json_get(sequence, "steps")->first; step != NULL; step = step->next, number++) {
        const json *state = json_get(step, "state");
        int32_t correct = json_get(step, "correct")->kind == JSON_TRUE;
        check(plimsoll_error_monitor_observe(monitor, correct, &evidence) == PLIMSOLL_OK, "observe", number);
        check(is_near(evidence.log_e, json_number(json_get(step, "log_e")), tolerance), "log_e", number);
        check((evidence.alarm == 1) == (json_get(step, "alarm")->kind == JSON_TRUE), "alarm", number);
        if (state->kind == JSON_OBJECT) {
            char *text = plimsoll_error_monitor_snapshot(monitor);
            check(evidence.kept == (uint64_t)json_number(json_get(state, "kept")), "kept", number);
            check(evidence.wrong == (uint64_t)json_number(json_get(state, "wrong")), "wrong", number);
            check(is_near(-log(evidence.p_value), json_number(json_get(state, "max_log_e")), 1e-6), "p", number);
            plimsoll_error_monitor_free(monitor);
            monitor = plimsoll_error_monitor_resume(router, text);
            check(monitor != NULL, "resume", number);
            plimsoll_text_free(text);
        }
    }
    plimsoll_error_monitor_free(monitor);
}

static void error_monitor_vectors(void) {
    json *vectors = read_vectors("error_monitor.json");
    plimsoll_router *router = open_point("perplexity/selective_error=0.2:0.1");
    const json *one;
    for (one = json_get(vectors, "sequences")->first; one != NULL; one = one->next) {
        error_monitor_sequence(router, one, json_number(json_get(vectors, "tolerance")));
    }
    plimsoll_router_free(router);
    json_free(vectors);
}

static void streaming_sequence(const json *sequence, double tolerance) {
    const json *id = json_get(sequence, "threshold_id"), *step;
    double threshold = json_number(json_get(sequence, "threshold"));
    uint32_t max_tokens = (uint32_t)json_number(json_get(sequence, "max_tokens"));
    plimsoll_router *router = id->kind == JSON_TEXT ? open_point(id->text) : NULL;
    plimsoll_accumulator *growing = plimsoll_accumulator_new(json_get(sequence, "method")->text);
    unsigned long number = 0;
    for (step = json_get(sequence, "steps")->first; step != NULL; step = step->next, number++) {
        int is_over = json_get(step, "must_defer")->kind == JSON_TRUE;
        double bound;
        int32_t found = -1;
        plimsoll_accumulator_push(growing, json_number(json_get(step, "logprob_nats")));
        bound = plimsoll_accumulator_upper_bound(growing, max_tokens);
        check(is_near(plimsoll_accumulator_confidence(growing), json_number(json_get(step, "confidence")), tolerance),
              "growing", number);
        check(is_near(bound, json_number(json_get(step, "upper_bound")), tolerance), "bound", number);
        check((bound >= threshold) != is_over, "exit", number);
        if (router != NULL) {
            check(plimsoll_must_defer(router, growing, max_tokens, &found) == PLIMSOLL_OK, "must_defer", number);
            check(found == is_over, "must_defer", number);
        }
    }
    plimsoll_accumulator_free(growing);
    plimsoll_router_free(router);
}

static void streaming_vectors(void) {
    json *vectors = read_vectors("streaming.json");
    const json *one;
    for (one = json_get(vectors, "sequences")->first; one != NULL; one = one->next) {
        streaming_sequence(one, json_number(json_get(vectors, "tolerance")));
    }
    json_free(vectors);
}

/* An exit by a tracker is counted, and leaves nothing to record. */
static void tracker_exit(void) {
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    plimsoll_tracker *tracker = plimsoll_tracker_new(router, NAN, NAN);
    plimsoll_accumulator *growing = plimsoll_accumulator_new("perplexity");
    int32_t out = -1;
    char *text;
    check(plimsoll_tracker_must_defer(tracker, growing, 4, &out) == PLIMSOLL_OK && out == 0, "no token", 0);
    plimsoll_accumulator_push(growing, -50.0);
    check(plimsoll_tracker_must_defer(tracker, growing, 4, &out) == PLIMSOLL_OK && out == 1, "hopeless", 0);
    text = plimsoll_tracker_snapshot(tracker);
    check(strstr(text, "\"n\":1,\"routed\":1}") != NULL, "counted once", 0);
    check(plimsoll_tracker_record(tracker) == NULL, "no record", 0);
    plimsoll_text_free(text);
    plimsoll_accumulator_free(growing);
    growing = plimsoll_accumulator_new("average_token_probability");
    check(plimsoll_tracker_must_defer(tracker, growing, 4, &out) == PLIMSOLL_INVALID_ARGUMENT, "another method", 0);
    check(plimsoll_must_defer(router, growing, 4, &out) == PLIMSOLL_INVALID_ARGUMENT && out == 0, "another method", 0);
    plimsoll_accumulator_free(growing);
    plimsoll_tracker_free(tracker);
    plimsoll_router_free(router);
}

static void is_refused(const void *handle, int32_t status, const char *word) {
    check(handle == NULL, word, 0);
    check(plimsoll_last_status() == status, word, (unsigned long)plimsoll_last_status());
    check(strstr(plimsoll_last_error(), word) != NULL, word, 1);
}

static void refusals(void) {
    size_t length;
    char *file = read_file("example.thresholds.json", &length);
    const uint8_t *bytes = (const uint8_t *)file;
    const char *ratio = "routing_ratio=0.3";
    char *text;
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    plimsoll_tracker *tracker;
    is_refused(plimsoll_router_open(NULL, length, DEVICE, "perplexity", ratio), PLIMSOLL_NULL_POINTER, "thresholds is null");
    is_refused(plimsoll_router_open(bytes, length, NULL, "perplexity", ratio), PLIMSOLL_NULL_POINTER, "device is null");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, NULL, ratio), PLIMSOLL_NULL_POINTER, "method is null");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, "perplexity", NULL), PLIMSOLL_NULL_POINTER, "target is null");
    is_refused(plimsoll_router_open(NULL, 0, DEVICE, "perplexity", ratio), PLIMSOLL_INVALID_FILE, "is empty");
    is_refused(plimsoll_router_open(bytes, length, "{}", "perplexity", ratio), PLIMSOLL_INVALID_ARGUMENT, "a device must be JSON");
    is_refused(plimsoll_router_open(bytes, length, "{\"id\": \"other\"}", "perplexity", ratio), PLIMSOLL_OTHER_MODEL, "other");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, "p_true", ratio), PLIMSOLL_NOT_IN_FILE, "no method `p_true`");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, "perplexity", "accuracy=0.5"), PLIMSOLL_NOT_IN_FILE, "it has");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, "perplexity", "0.3"), PLIMSOLL_INVALID_ARGUMENT, "target");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, "perplexity", "selective_error=0.01:0.1"), PLIMSOLL_NO_THRESHOLD,
               "infeasible");
    is_refused(plimsoll_router_open(bytes, length, DEVICE, "\xFF", ratio), PLIMSOLL_NOT_UTF8, "method is not UTF-8");
    is_refused(plimsoll_error_monitor_new(router, NAN, NAN), PLIMSOLL_UNAVAILABLE, "no bound");
    is_refused(plimsoll_error_monitor_new(router, 0.1, NAN), PLIMSOLL_INVALID_ARGUMENT, "delta");
    is_refused(plimsoll_tracker_new(router, 0.5, NAN), PLIMSOLL_INVALID_ARGUMENT, "horizon");
    is_refused(plimsoll_tracker_new(router, NAN, 2.0), PLIMSOLL_INVALID_ARGUMENT, "certificate");
    is_refused(plimsoll_tracker_new(NULL, NAN, NAN), PLIMSOLL_NULL_POINTER, "router is null");
    is_refused(plimsoll_tracker_resume(router, "{}", NAN, NAN), PLIMSOLL_INVALID_ARGUMENT, "snapshot cannot");
    is_refused(plimsoll_accumulator_new("p_true"), PLIMSOLL_UNAVAILABLE, "p_true");
    is_refused(plimsoll_record(router, 1.5), PLIMSOLL_INVALID_ARGUMENT, "1.5");
    is_refused(plimsoll_router_describe(NULL), PLIMSOLL_NULL_POINTER, "router is null");
    is_refused(plimsoll_drift_snapshot(NULL), PLIMSOLL_NULL_POINTER, "router is null");
    is_refused(plimsoll_record(NULL, 0.5), PLIMSOLL_NULL_POINTER, "router is null");
    is_refused(plimsoll_tracker_snapshot(NULL), PLIMSOLL_NULL_POINTER, "tracker is null");
    is_refused(plimsoll_tracker_record(NULL), PLIMSOLL_NULL_POINTER, "tracker is null");
    is_refused(plimsoll_error_monitor_snapshot(NULL), PLIMSOLL_NULL_POINTER, "monitor is null");
    /* A snapshot of another point. */
    tracker = plimsoll_tracker_new(router, NAN, NAN);
    text = plimsoll_tracker_snapshot(tracker);
    plimsoll_router_free(router);
    router = open_point("perplexity/routing_ratio=0.7");
    is_refused(plimsoll_tracker_resume(router, text, NAN, NAN), PLIMSOLL_OTHER_SNAPSHOT, "threshold_id");
    plimsoll_tracker_free(tracker);
    plimsoll_text_free(text);
    plimsoll_router_free(router);
    free(file);
}

/* What a router decides by, and a drift window that outlives it. */
static void described_and_resumed(void) {
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3"), *other = open_point("perplexity/routing_ratio=0.3");
    plimsoll_router *elsewhere = open_point("perplexity/routing_ratio=0.7");
    char *described = plimsoll_router_describe(router), *first, *second;
    char *line = plimsoll_record(router, 0.5);
    json *document = json_read(described), *record = json_read(line);
    const json *point = json_get(document, "point");
    plimsoll_drift drift;
    check(strcmp(json_get(point, "status")->text, "reached") == 0, "status", 0);
    check(json_number(json_get(point, "threshold")) == json_number(json_get(record, "threshold")), "threshold", 0);
    check(strcmp(json_get(document, "method")->text, "perplexity") == 0, "method", 0);
    check(plimsoll_observe(router, 0.5, &drift) == PLIMSOLL_OK, "observe", 0);
    first = plimsoll_drift_snapshot(router);
    check(plimsoll_drift_resume(other, first) == PLIMSOLL_OK, "resume", 0);
    second = plimsoll_drift_snapshot(other);
    check(first != NULL && second != NULL && strcmp(first, second) == 0, "a window goes on", 0);
    check(plimsoll_drift_resume(elsewhere, first) == PLIMSOLL_OTHER_SNAPSHOT, "another point", 0);
    check(plimsoll_drift_resume(router, "{}") == PLIMSOLL_INVALID_ARGUMENT, "no snapshot", 0);
    check(plimsoll_drift_resume(NULL, first) == PLIMSOLL_NULL_POINTER, "router", 2);
    check(plimsoll_drift_resume(router, NULL) == PLIMSOLL_NULL_POINTER, "snapshot", 0);
    json_free(document);
    json_free(record);
    plimsoll_text_free(line);
    plimsoll_text_free(described);
    plimsoll_text_free(first);
    plimsoll_text_free(second);
    plimsoll_router_free(router);
    plimsoll_router_free(other);
    plimsoll_router_free(elsewhere);
}

static void bad_numbers_and_null(void) {
    plimsoll_router *router = open_point("perplexity/routing_ratio=0.3");
    plimsoll_tracker *tracker = plimsoll_tracker_new(router, NAN, NAN);
    plimsoll_error_monitor *monitor = plimsoll_error_monitor_new(router, 0.1, 0.1);
    static const double bad[] = {-0.1, 1.5, INFINITY, -INFINITY};
    const char *texts[] = {"a", NULL};
    plimsoll_decision decision;
    plimsoll_drift drift;
    plimsoll_evidence evidence;
    plimsoll_explored explored;
    size_t index;
    for (index = 0; index < sizeof bad / sizeof *bad; index++) {
        memset(&decision, 0x55, sizeof decision);
        check(plimsoll_decide(router, bad[index], &decision) == PLIMSOLL_INVALID_ARGUMENT, "decide", index);
        check(decision.route == PLIMSOLL_ROUTE_LLM && decision.reason == PLIMSOLL_REASON_MISSING, "defers", index);
        check(plimsoll_observe(router, bad[index], &drift) == PLIMSOLL_INVALID_ARGUMENT, "observe", index);
        check(plimsoll_track(tracker, "a", bad[index], &decision) == PLIMSOLL_INVALID_ARGUMENT, "track", index);
        memset(&explored, 0x55, sizeof explored);
        check(plimsoll_explore(router, 0.5, bad[index], 0.5, &explored) == PLIMSOLL_INVALID_ARGUMENT, "share", index);
        check(plimsoll_explore(router, 0.5, 0.1, bad[index], &explored) == PLIMSOLL_INVALID_ARGUMENT, "u", index);
        check(explored.route == PLIMSOLL_ROUTE_LLM && plimsoll_explored_record(router, 0.5, 0.1, 1.0) == NULL, "defers", index);
    }
    check(plimsoll_decide(router, 0.5, NULL) == PLIMSOLL_NULL_POINTER, "out", 0);
    check(plimsoll_decide(NULL, 0.5, &decision) == PLIMSOLL_NULL_POINTER && decision.route == 0, "router", 0);
    check(plimsoll_observe(router, 0.5, NULL) == PLIMSOLL_NULL_POINTER, "out", 1);
    check(plimsoll_track(NULL, "a", 0.5, &decision) == PLIMSOLL_NULL_POINTER, "tracker", 0);
    check(plimsoll_track(tracker, NULL, 0.5, &decision) == PLIMSOLL_NULL_POINTER, "id", 0);
    check(plimsoll_track(tracker, "\xC3", 0.5, &decision) == PLIMSOLL_NOT_UTF8, "id", 1);
    check(plimsoll_error_monitor_observe(NULL, 1, &evidence) == PLIMSOLL_NULL_POINTER, "monitor", 0);
    check(plimsoll_error_monitor_observe(monitor, 1, NULL) == PLIMSOLL_NULL_POINTER, "out", 2);
    check(plimsoll_accumulator_push(NULL, -0.5) == PLIMSOLL_NULL_POINTER, "accumulator", 0);
    check(isnan(plimsoll_accumulator_confidence(NULL)) && isnan(plimsoll_accumulator_upper_bound(NULL, 5)), "NULL", 0);
    check(isnan(plimsoll_perplexity(NULL, 3)) && isnan(plimsoll_perplexity(NULL, 0)), "NULL", 1);
    check(isnan(plimsoll_perplexity(bad, (size_t)-1)), "an impossible length", 0);
    check(isnan(plimsoll_average_token_probability(bad + 1, 1)), "above zero", 0);
    check(isnan(plimsoll_min_token_probability(NULL, 1)) && isnan(plimsoll_token_margin(NULL, 1)), "NULL", 2);
    check(isnan(plimsoll_token_margin(bad, (size_t)-1)) && isnan(plimsoll_token_margin(bad, 1)), "a pair", 0);
    check(isnan(plimsoll_token_entropy(bad, 4, 0)) && isnan(plimsoll_token_entropy(bad, (size_t)-1, 2)), "lists", 0);
    check(isnan(plimsoll_token_entropy(NULL, 1, 1)) && isnan(plimsoll_token_entropy(bad, 2, 2)), "lists", 1);
    check(plimsoll_explore(NULL, 0.5, 0.1, 0.5, &explored) == PLIMSOLL_NULL_POINTER, "router", 1);
    check(plimsoll_explore(router, 0.5, 0.1, 0.5, NULL) == PLIMSOLL_NULL_POINTER, "out", 3);
    check(isnan(plimsoll_p_true(NAN, 0.5)) && isnan(plimsoll_p_true(-1.0, 0.5)), "masses", 0);
    check(isnan(plimsoll_jaccard_degree(texts, 2)) && plimsoll_jaccard_degree(texts, 1) == 1.0, "answers", 0);
    plimsoll_router_free(NULL);
    plimsoll_tracker_free(NULL);
    plimsoll_error_monitor_free(NULL);
    plimsoll_accumulator_free(NULL);
    plimsoll_text_free(NULL);
    plimsoll_error_monitor_free(monitor);
    plimsoll_tracker_free(tracker);
    plimsoll_router_free(router);
}

/* splitmix64: the same changes on any machine. */
static uint64_t state = 1;

static uint64_t next_random(void) {
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Changes, cuts or replaces bytes; the new length, at most the old one. */
static size_t change(char *bytes, size_t length) {
    static const char digits[] = "0123456789.-eE{}[]\",:\\ntu";
    uint64_t kind = next_random() % 4;
    size_t edits = 1 + next_random() % 4, at;
    if (kind == 0) {
        return next_random() % (length + 1);
    }
    while (edits-- > 0) {
        at = next_random() % length;
        bytes[at] = kind == 1 ? (char)next_random() : digits[next_random() % (sizeof digits - 1)];
    }
    if (kind == 3) {
        for (at = 0; at < length; at++) {
            bytes[at] = (char)next_random();
        }
    }
    return length;
}

/* A changed file is refused with a message, or it is the same file but for white space. */
static void changed_files(unsigned long changes) {
    size_t length;
    char *file = read_file("example.thresholds.json", &length), *copy = malloc(length + 1);
    unsigned long number, refused = 0;
    for (number = 0; number < changes; number++) {
        plimsoll_router *router;
        plimsoll_decision decision;
        size_t size;
        memcpy(copy, file, length + 1);
        size = change(copy, length);
        router = plimsoll_router_open((const uint8_t *)copy, size, DEVICE, "perplexity", "routing_ratio=0.3");
        if (router == NULL) {
            refused++;
            check(plimsoll_last_status() != PLIMSOLL_PANIC && *plimsoll_last_error() != '\0', "a changed file", number);
        } else {
            check(plimsoll_decide(router, 0.300000000000000004, &decision) == PLIMSOLL_OK, "a changed file", number);
        }
        plimsoll_router_free(router);
    }
    printf("%lu changed files, %lu of them refused\n", changes, refused);
    free(copy);
    free(file);
}

static void changed_snapshots(unsigned long changes) {
    plimsoll_router *router = open_point("perplexity/selective_error=0.2:0.1");
    plimsoll_tracker *tracker = plimsoll_tracker_new(router, NAN, NAN);
    plimsoll_error_monitor *monitor = plimsoll_error_monitor_new(router, NAN, NAN);
    char *texts[2];
    unsigned long number, refused = 0;
    texts[0] = plimsoll_tracker_snapshot(tracker);
    texts[1] = plimsoll_error_monitor_snapshot(monitor);
    for (number = 0; number < changes; number++) {
        const char *text = texts[number % 2];
        size_t length = strlen(text);
        char *copy = malloc(length + 1);
        plimsoll_decision decision;
        plimsoll_evidence evidence;
        memcpy(copy, text, length + 1);
        copy[change(copy, length)] = '\0';
        if (number % 2 == 0) {
            plimsoll_tracker *other = plimsoll_tracker_resume(router, copy, NAN, NAN);
            refused += other == NULL;
            check(other == NULL || plimsoll_track(other, "a", 0.5, &decision) == PLIMSOLL_OK, "a snapshot", number);
            plimsoll_tracker_free(other);
        } else {
            plimsoll_error_monitor *other = plimsoll_error_monitor_resume(router, copy);
            refused += other == NULL;
            check(other == NULL || plimsoll_error_monitor_observe(other, 1, &evidence) == PLIMSOLL_OK, "a snapshot", number);
            plimsoll_error_monitor_free(other);
        }
        check(plimsoll_last_status() != PLIMSOLL_PANIC, "a snapshot", number);
        free(copy);
    }
    printf("%lu changed snapshots, %lu of them refused\n", changes, refused);
    plimsoll_text_free(texts[0]);
    plimsoll_text_free(texts[1]);
    plimsoll_error_monitor_free(monitor);
    plimsoll_tracker_free(tracker);
    plimsoll_router_free(router);
}

int main(int count, char **arguments) {
    unsigned long changes = count > 2 ? strtoul(arguments[2], NULL, 10) : 2000;
    if (count < 2) {
        fprintf(stderr, "usage: conformance FOLDER [CHANGES]\n");
        return 2;
    }
    folder = arguments[1];
    check(*plimsoll_version() != '\0' && *plimsoll_last_error() == '\0' && plimsoll_last_status() == 0, "version", 0);
    check(sizeof(plimsoll_decision) == 32 && sizeof(plimsoll_drift) == 56 && sizeof(plimsoll_evidence) == 40, "sizes", 0);
    check(sizeof(plimsoll_explored) == 16, "sizes", 1);
    decide_vectors();
    confidence_vectors();
    exploration_vectors();
    map_vectors();
    drift_vectors();
    tracker_vectors();
    error_monitor_vectors();
    streaming_vectors();
    tracker_exit();
    printf("conformance vectors: %lu checks\n", passed + failed);
    refusals();
    described_and_resumed();
    bad_numbers_and_null();
    changed_files(changes);
    changed_snapshots(changes);
    printf("%lu passed, %lu failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
