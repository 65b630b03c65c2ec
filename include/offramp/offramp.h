/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offramp from C, and from C++ that cannot share exceptions or the standard library's types with offramp (built with
 * -fno-exceptions, _GLIBCXX_DEBUG or the old string ABI).
 *
 * Ownership
 *   - What a function named _load, _create, _copy or _certified gives belongs to the caller, who hands it to the function
 *     of the same type named _free. Every _free takes NULL and does nothing.
 *   - Everything else is borrowed. What a call is given (texts, options, policies, buffers) it needs until it returns.
 *     Strings that it gives live as long as the handle that gave them.
 *   - Results go to memory of the caller.
 *
 * Threads
 *   - An offramp_classifier never changes: any number of threads may use one at once, and free their copies when they like.
 *   - An offramp_policy may be used by any number of threads while none changes it.
 *   - An offramp_stop may be requested from any thread, also from a signal handler's thread while calls run.
 *   - The library starts no thread; offramp_threads are the caller's, lent call by call.
 *
 * Errors
 *   - A function that can fail returns an offramp_status and takes an offramp_error, which may be NULL. It is written to
 *     only when the call fails, and says what was found, where, and what was expected. Results are then unspecified, and no
 *     handle was made. No C++ exception ever leaves the library.
 *
 * Example
 *
 *     offramp_error error;
 *     offramp_classifier* model = NULL;
 *     if (offramp_classifier_load("models/sentiment-en", NULL, &model, &error) != OFFRAMP_OK) {
 *       fprintf(stderr, "%s\n", error.message);
 *       return 1;
 *     }
 *     const offramp_input input = offramp_text("A delight from start to finish.");
 *     offramp_prediction answer;
 *     if (offramp_classify(model, &input, 1, NULL, NULL, &answer, NULL, &error) == OFFRAMP_OK) {
 *       printf("%s %.4f after layer %d\n", offramp_label(model, answer.label_id), answer.confidence, answer.layer);
 *     }
 *     offramp_classifier_free(model);
 */
#ifndef OFFRAMP_OFFRAMP_H
#define OFFRAMP_OFFRAMP_H

#include <offramp/export.hpp>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions and errors ---- */

/* The version of the library that runs, "major.minor.patch". */
OFFRAMP_API const char* offramp_version(void);

typedef enum offramp_status {
  OFFRAMP_OK = 0,
  OFFRAMP_IO = 1,               /* a file is missing, unreadable or shorter than it was a moment ago */
  OFFRAMP_BAD_MODEL = 2,        /* a model file contradicts itself, another file, or the format */
  OFFRAMP_BAD_DATA = 3,         /* a file of labelled texts is not in its format */
  OFFRAMP_UNSUPPORTED = 4,      /* well-formed, but not something this build of offramp can run */
  OFFRAMP_INVALID_ARGUMENT = 5, /* a value given by the caller is outside its documented range */
  OFFRAMP_OUT_OF_MEMORY = 6,
  OFFRAMP_FAILED = 7 /* anything else, as an exception of a function that lends threads */
} offramp_status;

typedef struct offramp_error {
  offramp_status status;
  char message[1024]; /* UTF-8, ends in NUL, cut where it is longer */
} offramp_error;

/* ---- Texts ---- */

/* One text, or the two of a pair. Any bytes are text: ill-formed UTF-8 reads as U+FFFD. */
typedef struct offramp_input {
  const char* first; /* need not end in NUL; must not be NULL */
  size_t first_size; /* in bytes */
  const char* second; /* NULL: a single text */
  size_t second_size;
} offramp_input;

/* A single text, or a pair, of strings that end in NUL. */
static inline offramp_input offramp_text(const char* text) {
  offramp_input input;
  input.first = text;
  input.first_size = text == NULL ? 0 : strlen(text);
  input.second = NULL;
  input.second_size = 0;
  return input;
}
static inline offramp_input offramp_pair(const char* premise, const char* hypothesis) {
  offramp_input input = offramp_text(premise);
  input.second = hypothesis;
  input.second_size = hypothesis == NULL ? 0 : strlen(hypothesis);
  return input;
}

/* ---- Threads that the caller lends ---- */

typedef struct offramp_threads {
  /* Calls body(body_state, 0) to body(body_state, n - 1), each once, in any order, on any threads, also all on one, and
   * returns when all have ended. No body waits for one that has not started. */
  void (*run)(void* state, size_t n, void (*body)(void* body_state, size_t index), void* body_state);
  void* state;
  int width; /* how many threads take part, at least 1 */
} offramp_threads;

/* Threads for those who have none. Not changed by calls; safe from several threads, whose calls take turns. */
typedef struct offramp_thread_pool offramp_thread_pool;
/* `threads` counts the one that calls, at least 1. */
OFFRAMP_API offramp_status offramp_thread_pool_create(int threads, offramp_thread_pool** pool, offramp_error* error);
/* The pool as what calls take; it must outlive them. */
OFFRAMP_API offramp_threads offramp_thread_pool_lend(offramp_thread_pool* pool);
OFFRAMP_API void offramp_thread_pool_free(offramp_thread_pool* pool);

/* ---- Models ---- */

typedef struct offramp_classifier offramp_classifier;

typedef enum offramp_format { OFFRAMP_FLOAT32 = 0, OFFRAMP_BFLOAT16 = 1, OFFRAMP_INT8 = 2 } offramp_format;

/* Zeros are the defaults: `offramp_load_options options = {0};`. */
typedef struct offramp_load_options {
  offramp_format format;
  const int* exits; /* layers whose exits may answer; NULL: all */
  size_t num_exits;
  int max_tokens;                 /* longest text, special tokens included; 0: what the model says */
  int refuse_missing_temperature; /* not 0: an exit without a temperature for the format is an error */
  int refuse_other_input;         /* not 0: single texts for a model of pairs, and pairs for one of single texts, are */
} offramp_load_options;

/* Loads a model directory (docs/model-format.md). `directory` ends in NUL, in the file system's encoding; `options` may be
 * NULL. */
OFFRAMP_API offramp_status offramp_classifier_load(const char* directory, const offramp_load_options* options,
                                                   offramp_classifier** model, offramp_error* error);
/* A second handle of the same model: cheap, nothing is loaded. */
OFFRAMP_API offramp_status offramp_classifier_copy(const offramp_classifier* model, offramp_classifier** copy,
                                                   offramp_error* error);
OFFRAMP_API void offramp_classifier_free(offramp_classifier* model);

OFFRAMP_API size_t offramp_num_labels(const offramp_classifier* model);
/* The name of a class, NUL at its end; NULL for an id out of range. */
OFFRAMP_API const char* offramp_label(const offramp_classifier* model, int label_id);
/* The cuts [labels] of a multi-label model, which gives every label whose probability is above its cut; NULL where labels
 * exclude each other. They live as long as the handle. */
OFFRAMP_API const float* offramp_cuts(const offramp_classifier* model);
/* Layers of the whole encoder. */
OFFRAMP_API int offramp_num_layers(const offramp_classifier* model);
OFFRAMP_API size_t offramp_num_exits(const offramp_classifier* model);
/* The layer of an exit, by ascending layer; -1 for an index out of range. */
OFFRAMP_API int offramp_exit_layer(const offramp_classifier* model, size_t exit);
/* Longest input in tokens, special tokens included. */
OFFRAMP_API int offramp_max_tokens(const offramp_classifier* model);
/* The arithmetic in use, and what loading found worth saying: warnings 0, 1, ...; NULL behind the last. */
OFFRAMP_API const char* offramp_kernels(const offramp_classifier* model);
OFFRAMP_API const char* offramp_warning(const offramp_classifier* model, size_t index);

/* ---- Policies: when a text may leave ---- */

typedef struct offramp_policy offramp_policy;

/* Confidence >= threshold at the first exit that reaches it; 0 to 1. */
OFFRAMP_API offramp_status offramp_policy_create(float threshold, offramp_policy** policy, offramp_error* error);
/* Every layer runs. */
OFFRAMP_API offramp_status offramp_policy_create_full_depth(offramp_policy** policy, offramp_error* error);
/* Confidence >= threshold - decline * exit, the first exit being 0. */
OFFRAMP_API offramp_status offramp_policy_create_declining(float threshold, float decline, offramp_policy** policy,
                                                           offramp_error* error);
/* Confidence >= thresholds[exit]. */
OFFRAMP_API offramp_status offramp_policy_create_per_exit(const float* thresholds, size_t num_exits,
                                                          offramp_policy** policy, offramp_error* error);
/* Confidence >= thresholds[exit * num_labels + label_id]. */
OFFRAMP_API offramp_status offramp_policy_create_per_class(const float* thresholds, size_t num_exits, size_t num_labels,
                                                           offramp_policy** policy, offramp_error* error);
/* Entropy of the probabilities in nats < threshold; divided by ln(number of labels) <= threshold. */
OFFRAMP_API offramp_status offramp_policy_create_entropy(float threshold, offramp_policy** policy, offramp_error* error);
OFFRAMP_API offramp_status offramp_policy_create_normalized_entropy(float threshold, offramp_policy** policy,
                                                                    offramp_error* error);
/* Highest minus second highest probability >= threshold. */
OFFRAMP_API offramp_status offramp_policy_create_margin(float threshold, offramp_policy** policy, offramp_error* error);
/* The label has stayed the same over `count` steps from exit to exit; 0: every layer runs. */
OFFRAMP_API offramp_status offramp_policy_create_patience(int count, offramp_policy** policy, offramp_error* error);
/* The normalized entropy was < threshold at `count` exits in a row. */
OFFRAMP_API offramp_status offramp_policy_create_patience_entropy(float threshold, int count, offramp_policy** policy,
                                                                  offramp_error* error);
/* The model's own gate says < threshold. */
OFFRAMP_API offramp_status offramp_policy_create_learned(float threshold, offramp_policy** policy, offramp_error* error);
/* The policy stored with the model, else full depth. */
OFFRAMP_API offramp_status offramp_policy_create_default(const offramp_classifier* model, offramp_policy** policy,
                                                         offramp_error* error);

typedef enum offramp_loss { OFFRAMP_DISAGREEMENT = 0, OFFRAMP_ACCURACY_DROP = 1, OFFRAMP_ERROR = 2 } offramp_loss;

/* The policy of the boldest stored certificate that promises a loss of at most `epsilon` of all texts; *policy is NULL
 * where there is none, which is no error. Those that promise it at every exit are for C++ and the command. */
OFFRAMP_API offramp_status offramp_certified(const offramp_classifier* model, double epsilon, offramp_loss loss,
                                             offramp_policy** policy, offramp_error* error);

/* The last exit at or below `layer` always answers. */
OFFRAMP_API void offramp_policy_set_max_layer(offramp_policy* policy, int layer);
/* A time of CLOCK_MONOTONIC in nanoseconds after which no text goes on that has an answer. */
OFFRAMP_API void offramp_policy_set_deadline(offramp_policy* policy, int64_t nanoseconds);

/* Ends calls early: a text without an answer then has label_id -1. */
typedef struct offramp_stop offramp_stop;
OFFRAMP_API offramp_status offramp_stop_create(offramp_stop** stop, offramp_error* error);
OFFRAMP_API void offramp_stop_request(offramp_stop* stop);
OFFRAMP_API void offramp_stop_free(offramp_stop* stop);
/* The stop may be freed before the policy. */
OFFRAMP_API void offramp_policy_set_stop(offramp_policy* policy, const offramp_stop* stop);

OFFRAMP_API void offramp_policy_free(offramp_policy* policy);

/* ---- Classification ---- */

typedef enum offramp_stop_reason {
  OFFRAMP_CONFIDENT = 0,   /* the policy's rule was satisfied */
  OFFRAMP_LAST_EXIT = 1,   /* the last exit answered, as it always does */
  OFFRAMP_DEADLINE = 2,    /* the next exit could not be reached in time */
  OFFRAMP_LAYER_LIMIT = 3, /* the last exit at or below the policy's layer limit answered */
  OFFRAMP_CANCELLED = 4    /* a stop was requested */
} offramp_stop_reason;

typedef struct offramp_prediction {
  int label_id;     /* the lowest of the most probable; of a multi-label model the most probable of those given, -1 where
                       none is, and offramp_cuts tells them all; -1 also where cancelled before the first exit */
  float confidence; /* its probability; of a multi-label model the lowest of max(p, 1 - p) over the labels */
  int layer;     /* whose exit answered */
  int tokens;    /* that the encoder saw, special tokens included */
  int truncated; /* not 0: the text was longer than the model reads */
  offramp_stop_reason stopped;
} offramp_prediction;

/*
 * Classifies `n` inputs with early exit, results in their order. A batch is ragged: nothing is padded, and each text leaves
 * at its own exit; its result is that of the text alone, bit for bit.
 *
 *   policy         NULL: the one stored with the model, else full depth
 *   threads        NULL: the calling thread does everything
 *   predictions    [n]
 *   probabilities  [n][labels], or NULL
 */
OFFRAMP_API offramp_status offramp_classify(const offramp_classifier* model, const offramp_input* inputs, size_t n,
                                            const offramp_policy* policy, const offramp_threads* threads,
                                            offramp_prediction* predictions, float* probabilities, offramp_error* error);

/*
 * Runs every layer and reports each exit in turn.
 *
 *   logits         [n][exits][labels], before the temperature, or NULL
 *   probabilities  [n][exits][labels], after it, or NULL
 */
OFFRAMP_API offramp_status offramp_classify_every_exit(const offramp_classifier* model, const offramp_input* inputs,
                                                       size_t n, const offramp_threads* threads, float* logits,
                                                       float* probabilities, offramp_error* error);

/*
 * The token ids that the encoder would see, special tokens included.
 *
 *   ids        [capacity]
 *   type_ids   [capacity], or NULL
 *   num_ids    how many there are, at most offramp_max_tokens(model); where that is more than `capacity`, the call is an
 *              OFFRAMP_INVALID_ARGUMENT and only num_ids is written
 *   truncated  not 0: the text was cut; may be NULL
 */
OFFRAMP_API offramp_status offramp_tokenize(const offramp_classifier* model, const offramp_input* input, int32_t* ids,
                                            int32_t* type_ids, size_t capacity, size_t* num_ids, int* truncated,
                                            offramp_error* error);

/* ---- Statistics ---- */

typedef struct offramp_statistics {
  int64_t texts;        /* that left the encoder */
  int64_t tokens;       /* of these, special tokens included */
  int64_t token_layers; /* tokens times the encoder layers that they entered */
  int64_t tokenizing_nanoseconds;
  int64_t encoding_nanoseconds;
  int64_t classifying_nanoseconds;
} offramp_statistics;

/* From now on the policy counts what its calls do. */
OFFRAMP_API offramp_status offramp_policy_start_statistics(offramp_policy* policy, offramp_error* error);
/* The sum of the calls since; zeros where it was not started. */
OFFRAMP_API offramp_statistics offramp_policy_statistics(const offramp_policy* policy);

#ifdef __cplusplus
}
#endif

#endif
