/* As much of a JSON reader as the conformance vectors need. A program that reads one kind of file stops at the first surprise. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

typedef struct json json;
struct json {
    enum json_kind kind;
    double number;
    char *text;   /* of a text, UTF-8 */
    char *key;    /* of a member of an object */
    json *first;  /* of a list or an object */
    json *next;   /* the neighbour in a list or an object */
    size_t count; /* of a list or an object */
};

/* Reads a text that ends with a NUL. */
json *json_read(const char *text);
void json_free(json *value);
/* The member of an object; the program ends if there is none. */
const json *json_get(const json *object, const char *key);
/* A number, NaN for null. */
double json_number(const json *value);

#endif
