/* What a call costs through the C interface: bench FILE. Prints nanoseconds a call, the best of five rounds. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plimsoll.h"

#define CALLS 1000000

static plimsoll_router *router;
static plimsoll_tracker *tracker;
static plimsoll_accumulator *growing;
static double sum;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void decide(int call) {
    plimsoll_decision decision;
    plimsoll_decide(router, (call % 1000) / 1000.0, &decision);
    sum += decision.route;
}

static void track(int call) {
    plimsoll_decision decision;
    plimsoll_track(tracker, "req-00000000", (call % 1000) / 1000.0, &decision);
    sum += decision.route;
}

static void push(int call) {
    plimsoll_accumulator_push(growing, -(call % 1000) / 1e6);
}

static void must_defer(int call) {
    int32_t out;
    plimsoll_must_defer(router, growing, 2000000000u - (unsigned)call, &out);
    sum += out;
}

static void record(int call) {
    char *text = plimsoll_record(router, (call % 1000) / 1000.0);
    sum += text[0];
    plimsoll_text_free(text);
}

static void measure(const char *name, void (*call)(int), int calls) {
    double best = 1e9;
    int round, index;
    for (round = 0; round < 5; round++) {
        double begun = seconds(), taken;
        for (index = 0; index < calls; index++) {
            call(index);
        }
        taken = seconds() - begun;
        best = taken < best ? taken : best;
    }
    printf("%-12s %7.1f ns\n", name, best / calls * 1e9);
}

int main(int count, char **arguments) {
    static unsigned char bytes[1 << 20];
    FILE *file = count > 1 ? fopen(arguments[1], "rb") : NULL;
    size_t length = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    double nan = strtod("nan", NULL);
    router = plimsoll_router_open(bytes, length, "{\"id\": \"small\"}", "perplexity", "routing_ratio=0.3");
    tracker = plimsoll_tracker_new(router, nan, nan);
    growing = plimsoll_accumulator_new("perplexity");
    if (file == NULL || tracker == NULL) {
        fprintf(stderr, "bench: %s\n", plimsoll_last_error());
        return 1;
    }
    fclose(file);
    measure("decide", decide, CALLS);
    measure("track", track, CALLS);
    measure("push", push, CALLS);
    measure("must_defer", must_defer, CALLS);
    measure("record", record, CALLS / 10);
    plimsoll_accumulator_free(growing);
    plimsoll_tracker_free(tracker);
    plimsoll_router_free(router);
    return sum < 0;
}
