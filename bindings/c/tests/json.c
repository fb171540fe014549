#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(const char *problem, const char *at) {
    fprintf(stderr, "json: %s at `%.40s`\n", problem, at);
    exit(2);
}

static void *memory(size_t bytes) {
    void *pointer = calloc(1, bytes);
    if (pointer == NULL) {
        stop("no memory", "");
    }
    return pointer;
}

static void skip(const char **at) {
    *at += strspn(*at, " \t\r\n");
}

static char *put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

static char *read_text(const char **at) {
    const char *in = *at + 1;
    char *text = memory(strlen(in) + 1), *out = text;
    while (*in != '"') {
        if (*in == '\0') {
            stop("a text has no end", *at);
        } else if (*in != '\\') {
            *out++ = *in++;
        } else if (in[1] == 'u') {
            unsigned code = 0;
            if (sscanf(in + 2, "%4x", &code) != 1 || (code >= 0xD800 && code < 0xE000)) {
                stop("an escape that is not read here", in);
            }
            out = put_utf8(out, code);
            in += 6;
        } else {
            static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
            const char *found = in[1] == '\0' ? NULL : strchr(from, in[1]);
            if (found == NULL) {
                stop("no escape", in);
            }
            *out++ = to[found - from];
            in += 2;
        }
    }
    *at = in + 1;
    return text;
}

static json *read_value(const char **at);

static void read_members(const char **at, json *value, char end) {
    json **last = &value->first;
    (*at)++;
    for (skip(at); **at != end; skip(at)) {
        char *key = NULL;
        if (value->kind == JSON_OBJECT) {
            if (**at != '"') {
                stop("no key", *at);
            }
            key = read_text(at);
            skip(at);
            if (*(*at)++ != ':') {
                stop("no colon", *at);
            }
        }
        *last = read_value(at);
        (*last)->key = key;
        last = &(*last)->next;
        value->count++;
        skip(at);
        if (**at == ',') {
            (*at)++;
        } else if (**at != end) {
            stop("no comma", *at);
        }
    }
    (*at)++;
}

static int word(const char **at, const char *name) {
    size_t length = strlen(name);
    int is_it = strncmp(*at, name, length) == 0;
    *at += is_it ? length : 0;
    return is_it;
}

static json *read_value(const char **at) {
    json *value = memory(sizeof *value);
    char *end = NULL;
    skip(at);
    if (**at == '{' || **at == '[') {
        value->kind = **at == '{' ? JSON_OBJECT : JSON_LIST;
        read_members(at, value, **at == '{' ? '}' : ']');
    } else if (**at == '"') {
        value->kind = JSON_TEXT;
        value->text = read_text(at);
    } else if (word(at, "null")) {
        value->kind = JSON_NULL;
    } else if (word(at, "true")) {
        value->kind = JSON_TRUE;
    } else if (word(at, "false")) {
        value->kind = JSON_FALSE;
    } else {
        value->kind = JSON_NUMBER;
        value->number = strtod(*at, &end);
        if (end == *at) {
            stop("no value", *at);
        }
        *at = end;
    }
    return value;
}

json *json_read(const char *text) {
    json *value = read_value(&text);
    skip(&text);
    if (*text != '\0') {
        stop("more than one value", text);
    }
    return value;
}

void json_free(json *value) {
    while (value != NULL) {
        json *next = value->next;
        json_free(value->first);
        free(value->text);
        free(value->key);
        free(value);
        value = next;
    }
}

const json *json_get(const json *object, const char *key) {
    const json *member = object->first;
    while (member != NULL && strcmp(member->key, key) != 0) {
        member = member->next;
    }
    if (member == NULL) {
        stop("no such key", key);
    }
    return member;
}

double json_number(const json *value) {
    if (value->kind != JSON_NUMBER && value->kind != JSON_NULL) {
        stop("no number", value->key == NULL ? "" : value->key);
    }
    return value->kind == JSON_NULL ? NAN : value->number;
}
