/*
 * Plimsoll's router for C: keep the small model's answer, or defer to the large one, as a thresholds file says.
 *
 * The rule: keep the answer iff confidence >= threshold; otherwise, or if the confidence is missing, defer.
 * A missing confidence is NaN.
 *
 * Texts are UTF-8 and end with a NUL. What the library gives:
 *   - handles, each with a _free function;
 *   - texts as char *, freed with plimsoll_text_free;
 *   - texts as const char *, which are not freed.
 * It keeps no pointer that it was given after a call returns.
 *
 * Functions give a status, PLIMSOLL_OK or what went wrong; those that give a handle or a text give NULL instead. Then
 * plimsoll_last_status and plimsoll_last_error say what went wrong. A failed function sets its `out` to zero, which defers
 * (unless `out` is NULL), and changes nothing else. Nothing panics or throws across this interface.
 *
 * A router may be used by several threads at once. A tracker, an error monitor or an accumulator moves: one thread at a
 * time.
 */
#ifndef PLIMSOLL_H
#define PLIMSOLL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Status codes. A number never gets another meaning. */
enum {
    PLIMSOLL_OK = 0,
    PLIMSOLL_NULL_POINTER = 1,
    PLIMSOLL_NOT_UTF8 = 2,
    PLIMSOLL_INVALID_ARGUMENT = 3, /* a number out of range, or a text that cannot be read */
    PLIMSOLL_INVALID_FILE = 4,     /* no thresholds file that this version reads: schema, version, hash, contradiction */
    PLIMSOLL_OTHER_MODEL = 5,      /* the file was fitted for another model than the device's */
    PLIMSOLL_NOT_IN_FILE = 6,      /* the file has no such method or target */
    PLIMSOLL_NO_THRESHOLD = 7,     /* the target could not be met, so there is no threshold */
    PLIMSOLL_UNAVAILABLE = 8,      /* what this method or point does not have: a scale, a bound, a confidence over tokens */
    PLIMSOLL_OTHER_SNAPSHOT = 9,   /* the snapshot is of another file or point */
    PLIMSOLL_PANIC = 10            /* a bug of this library */
};

/* Which model answers. */
enum {
    PLIMSOLL_ROUTE_LLM = 0, /* defer */
    PLIMSOLL_ROUTE_SLM = 1  /* keep */
};

/* Why. */
enum {
    PLIMSOLL_REASON_MISSING = 0,
    PLIMSOLL_REASON_BELOW = 1,
    PLIMSOLL_REASON_AT_OR_ABOVE = 2,
    PLIMSOLL_REASON_CERTIFICATE = 3, /* a tracker would have kept it, the certificate's threshold does not */
    PLIMSOLL_REASON_EXPLORED = 4     /* a coin chose the other route than the threshold's */
};

/* What the drift monitor says. */
enum {
    PLIMSOLL_DRIFT_UNMONITORED = 0, /* the file has no alarm levels for the method */
    PLIMSOLL_DRIFT_COLLECTING = 1,  /* the first window is not yet full */
    PLIMSOLL_DRIFT_NORMAL = 2,
    PLIMSOLL_DRIFT_ALARM = 3
};

typedef struct plimsoll_router plimsoll_router;
typedef struct plimsoll_tracker plimsoll_tracker;
typedef struct plimsoll_error_monitor plimsoll_error_monitor;
typedef struct plimsoll_accumulator plimsoll_accumulator;

/* A decision. All zero defers. */
typedef struct plimsoll_decision {
    int32_t route;  /* PLIMSOLL_ROUTE_.. */
    int32_t reason; /* PLIMSOLL_REASON_.. */
    double z;       /* by a tracker: the confidence on the pool's scale; else NaN */
    double u;       /* by a tracker: the number in [0, 1) that breaks ties; else NaN */
    double t;       /* by a tracker: the threshold on the pool's scale; else NaN */
} plimsoll_decision;

/* A decision with exploration. All zero defers. */
typedef struct plimsoll_explored {
    int32_t route;     /* PLIMSOLL_ROUTE_.. */
    int32_t reason;    /* PLIMSOLL_REASON_.. */
    double propensity; /* the probability with which this route was taken */
} plimsoll_explored;

/* What the drift monitor says after an observation. `state` is that of the latest full window, so an alarm lasts until the
 * next is full; has_report is 1 once a window: act on has_report && state == PLIMSOLL_DRIFT_ALARM. */
typedef struct plimsoll_drift {
    int32_t state;      /* PLIMSOLL_DRIFT_.. */
    int32_t has_report; /* 1 if this observation filled a window, so that the rest holds */
    uint64_t window;    /* number of the window, from 0 */
    double psi;
    double ks;
    double missing_share;
    int32_t psi_alarm;
    int32_t ks_alarm;
    int32_t missing_alarm;
    int32_t reserved;
} plimsoll_drift;

/* What an error monitor has seen. */
typedef struct plimsoll_evidence {
    uint64_t kept;  /* kept answers with a label */
    uint64_t wrong; /* of these, wrong */
    double log_e;   /* natural logarithm of the evidence that P(wrong | kept) exceeds alpha */
    double p_value; /* valid at every moment */
    int32_t alarm;  /* 1 from the first alarm on */
    int32_t reserved;
} plimsoll_evidence;

/* The library's version, for instance "0.1.0". */
const char *plimsoll_version(void);

/* Status and message of this thread's latest failure; the message is valid until the thread's next. */
int32_t plimsoll_last_status(void);
const char *plimsoll_last_error(void);

/* Frees a text that the library gave as char *. NULL is nothing to free; so it is with every _free function. */
void plimsoll_text_free(char *text);

/*
 * Opens a thresholds file at one operating point and checks it: schema, version, hash, that it was fitted for the model
 * that this device runs, and that the point has a threshold.
 *   thresholds  the bytes of the file
 *   device      what runs here, as JSON: {"id": "smollm2-135m", "quantisation": "Q4_K_M"}. Keys: id, revision,
 *               weights_sha256, tokenizer_sha256, chat_template_sha256, quantisation, decoding. Each that the file records
 *               must be given and be equal; docs/thresholds-file.md says where each value comes from.
 *   method      for instance "perplexity"
 *   target      for instance "routing_ratio=0.3" or "selective_error=0.1:0.05"
 */
plimsoll_router *plimsoll_router_open(const uint8_t *thresholds, size_t length, const char *device, const char *method,
                                      const char *target);
/* Trackers and monitors of a router live on without it. */
void plimsoll_router_free(plimsoll_router *router);

/*
 * The operating point as the file has it, JSON: {"thresholds_sha256", "method", "unverified": [..], "point": {"id", "target",
 * "status", "threshold", "achieved", "guarantee", ..}}. Look at status before you ship: "tied" and "missing_share" open, and
 * defer another share than was asked for (achieved.routing_ratio).
 */
char *plimsoll_router_describe(const plimsoll_router *router);

/* Decides about one question. */
int32_t plimsoll_decide(const plimsoll_router *router, double confidence, plimsoll_decision *out);

/* The decision of plimsoll_decide as a line of the decision log, JSON. */
char *plimsoll_record(const plimsoll_router *router, double confidence);

/*
 * Decides about one question, and takes the other route where a coin says so, so that thresholds can be fitted anew on the
 * log. `share` is in [0, 1] (0.02 to 0.1 is usual): half of these questions take the other route. `u` is uniform in [0, 1),
 * drawn anew for each question by a generator that clients cannot foresee. A missing confidence defers, with propensity 1.
 */
int32_t plimsoll_explore(const plimsoll_router *router, double confidence, double share, double u, plimsoll_explored *out);

/* The decision of plimsoll_explore as a line of the decision log, JSON, with its propensity. */
char *plimsoll_explored_record(const plimsoll_router *router, double confidence, double share, double u);

/* Counts a decided question in the drift monitor, once. Deciding does not count by itself. */
int32_t plimsoll_observe(const plimsoll_router *router, double confidence, plimsoll_drift *out);

/* What the drift monitor has counted, as JSON, so that a window may outlive the process; and going on from such a text. */
char *plimsoll_drift_snapshot(const plimsoll_router *router);
int32_t plimsoll_drift_resume(const plimsoll_router *router, const char *snapshot);

/*
 * Confidences in [0, 1], NaN if missing. Log-probabilities are natural logs of the model's own distribution over its whole
 * vocabulary, before temperature, of the answer's tokens without the stop token.
 */
double plimsoll_perplexity(const double *logprobs_nats, size_t count);
double plimsoll_average_token_probability(const double *logprobs_nats, size_t count);
double plimsoll_min_token_probability(const double *logprobs_nats, size_t count);
/* `count` pairs: at each position the log-probabilities of the two likeliest tokens, whichever was chosen. */
double plimsoll_token_margin(const double *likeliest_two_nats, size_t count);
/* `count` lists of `k`: at each position the log-probabilities of the k likeliest tokens. k is that of the file's variant. */
double plimsoll_token_entropy(const double *likeliest_nats, size_t count, size_t k);
double plimsoll_p_true(double true_mass, double false_mass);
double plimsoll_jaccard_degree(const char *const *answers, size_t count);

/*
 * The same confidences token by token, with the bits of the closed forms. `method` is "perplexity",
 * "average_token_probability" or "min_token_probability".
 */
plimsoll_accumulator *plimsoll_accumulator_new(const char *method);
void plimsoll_accumulator_free(plimsoll_accumulator *accumulator);
int32_t plimsoll_accumulator_push(plimsoll_accumulator *accumulator, double logprob_nats);
double plimsoll_accumulator_confidence(const plimsoll_accumulator *accumulator);
/* No answer of at most max_tokens tokens that begins with these gets a larger confidence; NaN if it gets none. */
double plimsoll_accumulator_upper_bound(const plimsoll_accumulator *accumulator, uint32_t max_tokens);

/*
 * The exact early exit: sets *out to 1 if plimsoll_decide defers every answer of at most max_tokens tokens that begins with
 * these, so that the small model may stop. Only where the confidence is over all tokens of the answer: not for multiple
 * choice by average_token_probability. An answer that was cut has no confidence: neither observe nor record it as one.
 */
int32_t plimsoll_must_defer(const plimsoll_router *router, const plimsoll_accumulator *accumulator, uint32_t max_tokens,
                            int32_t *out);

/*
 * A tracker keeps the point's routing ratio on traffic never seen. `horizon`: the questions over which a deficit is paid
 * back, NaN for the file's. `certificate_z`: a position on the pool's scale below which nothing is kept, NaN for none; a
 * snapshot does not hold it.
 */
plimsoll_tracker *plimsoll_tracker_new(const plimsoll_router *router, double horizon, double certificate_z);
/* Goes on from the text of plimsoll_tracker_snapshot. */
plimsoll_tracker *plimsoll_tracker_resume(const plimsoll_router *router, const char *snapshot, double horizon,
                                          double certificate_z);
void plimsoll_tracker_free(plimsoll_tracker *tracker);
/* Decides about one question and counts it. `id` is the request's, and breaks ties. */
int32_t plimsoll_track(plimsoll_tracker *tracker, const char *id, double confidence, plimsoll_decision *out);
/* As plimsoll_must_defer. Where *out is 1, the decision is counted: do not call plimsoll_track for this question. */
int32_t plimsoll_tracker_must_defer(plimsoll_tracker *tracker, const plimsoll_accumulator *accumulator,
                                    uint32_t max_tokens, int32_t *out);
/* The latest decision of plimsoll_track as a line of the decision log, JSON. */
char *plimsoll_tracker_record(const plimsoll_tracker *tracker);
/* The state as JSON, with the file and point that it belongs to. */
char *plimsoll_tracker_snapshot(const plimsoll_tracker *tracker);

/*
 * An alarm about the error of kept answers whose labels arrive one by one, valid at every moment. `alpha` and `delta`: NaN
 * both for those of the router's selective_error point.
 */
plimsoll_error_monitor *plimsoll_error_monitor_new(const plimsoll_router *router, double alpha, double delta);
/* Goes on from the text of plimsoll_error_monitor_snapshot. */
plimsoll_error_monitor *plimsoll_error_monitor_resume(const plimsoll_router *router, const char *snapshot);
void plimsoll_error_monitor_free(plimsoll_error_monitor *monitor);
/* Counts a kept answer whose label has arrived, once; `correct` is 0 for a wrong one. Deferred questions do not count. */
int32_t plimsoll_error_monitor_observe(plimsoll_error_monitor *monitor, int32_t correct, plimsoll_evidence *out);
char *plimsoll_error_monitor_snapshot(const plimsoll_error_monitor *monitor);

#ifdef __cplusplus
}
#endif

#endif
