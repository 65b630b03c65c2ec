/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that offramp.h declares, in C11 that is C++ too. Three arguments: a model of single texts, one of pairs and one
 * of several labels. */
#include <offramp/offramp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition)) {                                                 \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
      exit(1);                                                          \
    }                                                                   \
  } while (0)

enum { most_labels = 8, most_exits = 8, most_texts = 4 };

static offramp_error error;

static offramp_classifier* load(const char* directory) {
  offramp_classifier* model = NULL;
  if (offramp_classifier_load(directory, NULL, &model, &error) != OFFRAMP_OK) {
    fprintf(stderr, "%s\n", error.message);
    exit(1);
  }
  return model;
}

static int same(const offramp_prediction* a, const offramp_prediction* b) {
  return a->label_id == b->label_id && a->confidence == b->confidence && a->layer == b->layer && a->tokens == b->tokens &&
         a->truncated == b->truncated && a->stopped == b->stopped;
}

static void check_model(const offramp_classifier* model) {
  CHECK(strchr(offramp_version(), (int)(unsigned char)'.') != NULL);
  CHECK(offramp_num_labels(model) == 2);
  CHECK(strcmp(offramp_label(model, 0), "no") == 0 && strcmp(offramp_label(model, 1), "yes") == 0);
  CHECK(offramp_label(model, 2) == NULL && offramp_label(model, -1) == NULL);
  CHECK(offramp_num_layers(model) >= 3 && offramp_num_exits(model) == 3);
  CHECK(offramp_exit_layer(model, 0) == 1 && offramp_exit_layer(model, 2) == 3 && offramp_exit_layer(model, 3) == -1);
  CHECK(offramp_max_tokens(model) == 24);
  CHECK(strlen(offramp_kernels(model)) > 0);
  size_t warnings = 0;
  while (offramp_warning(model, warnings) != NULL) {
    ++warnings;
  }
  CHECK(warnings < 8);
}

/* Each text alone, all together, and on lent threads: the same answers, those of the exits that gave them. */
static void check_answers(const offramp_classifier* model) {
  const offramp_input inputs[most_texts] = {offramp_text("the quick fox"), offramp_text(""), offramp_text("\xFF\xFE"),
                                            offramp_text("a b c d e f g h i j k l m n o p q r s t u v w x y z")};
  offramp_prediction batch[most_texts];
  float probabilities[most_texts * most_labels];
  float logits[most_texts * most_exits * most_labels];
  float exit_probabilities[most_texts * most_exits * most_labels];
  const size_t labels = offramp_num_labels(model);
  const size_t exits = offramp_num_exits(model);
  CHECK(offramp_classify(model, inputs, most_texts, NULL, NULL, batch, probabilities, &error) == OFFRAMP_OK);
  CHECK(offramp_classify_every_exit(model, inputs, most_texts, NULL, logits, exit_probabilities, &error) == OFFRAMP_OK);
  CHECK(offramp_classify_every_exit(model, inputs, most_texts, NULL, NULL, NULL, NULL) == OFFRAMP_OK);
  offramp_thread_pool* pool = NULL;
  CHECK(offramp_thread_pool_create(2, &pool, &error) == OFFRAMP_OK);
  const offramp_threads threads = offramp_thread_pool_lend(pool);
  for (size_t i = 0; i < most_texts; ++i) {
    offramp_prediction alone;
    CHECK(offramp_classify(model, &inputs[i], 1, NULL, &threads, &alone, NULL, &error) == OFFRAMP_OK);
    CHECK(same(&alone, &batch[i]));
    CHECK(batch[i].confidence == probabilities[i * labels + (size_t)batch[i].label_id]);
    size_t place = 0;
    while (offramp_exit_layer(model, place) != batch[i].layer) {
      ++place;
    }
    CHECK(memcmp(&probabilities[i * labels], &exit_probabilities[(i * exits + place) * labels],
                 labels * sizeof(float)) == 0);
  }
  CHECK(batch[3].truncated != 0 && batch[0].truncated == 0);
  CHECK(offramp_classify(model, NULL, 0, NULL, NULL, NULL, NULL, &error) == OFFRAMP_OK);
  offramp_thread_pool_free(pool);
}

static void run_in_order(void* state, size_t n, void (*body)(void* body_state, size_t index), void* body_state) {
  ++*(int*)state;
  for (size_t i = 0; i < n; ++i) {
    body(body_state, i);
  }
}

static void check_threads(const offramp_classifier* model) {
  const offramp_input input = offramp_text("lazy dog");
  offramp_prediction answer;
  int calls = 0;
  offramp_threads threads;
  threads.run = run_in_order;
  threads.state = &calls;
  threads.width = 2;
  CHECK(offramp_classify(model, &input, 1, NULL, &threads, &answer, NULL, &error) == OFFRAMP_OK);
  CHECK(calls > 0);
  threads.run = NULL;
  CHECK(offramp_classify(model, &input, 1, NULL, &threads, &answer, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  CHECK(offramp_thread_pool_create(0, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
}

static offramp_prediction answer_of(const offramp_classifier* model, const offramp_policy* policy) {
  const offramp_input input = offramp_text("the quick fox jumps");
  offramp_prediction answer;
  CHECK(offramp_classify(model, &input, 1, policy, NULL, &answer, NULL, &error) == OFFRAMP_OK);
  return answer;
}

static void check_policies(const offramp_classifier* model) {
  const float per_exit[most_exits] = {0, 0, 0, 0, 0, 0, 0, 0};
  offramp_policy* policy = NULL;
  CHECK(offramp_policy_create(0.0F, &policy, &error) == OFFRAMP_OK);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_CONFIDENT && answer_of(model, policy).layer == 1);
  CHECK(offramp_policy_start_statistics(policy, &error) == OFFRAMP_OK);
  (void)answer_of(model, policy);
  CHECK(offramp_policy_statistics(policy).texts == 1 && offramp_policy_statistics(policy).token_layers > 0);
  offramp_policy_free(policy);

  CHECK(offramp_policy_create_full_depth(&policy, &error) == OFFRAMP_OK);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_LAST_EXIT && answer_of(model, policy).layer == 3);
  CHECK(offramp_policy_statistics(policy).texts == 0);
  offramp_policy_set_max_layer(policy, 2);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_LAYER_LIMIT && answer_of(model, policy).layer == 2);
  offramp_policy_set_deadline(policy, 1);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_DEADLINE && answer_of(model, policy).layer == 1);
  offramp_policy_free(policy);

  CHECK(offramp_policy_create_full_depth(&policy, &error) == OFFRAMP_OK);
  offramp_stop* stop = NULL;
  CHECK(offramp_stop_create(&stop, &error) == OFFRAMP_OK);
  offramp_policy_set_stop(policy, stop);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_LAST_EXIT);
  offramp_stop_request(stop);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_CANCELLED && answer_of(model, policy).label_id == -1);
  offramp_stop_free(stop);
  CHECK(answer_of(model, policy).stopped == OFFRAMP_CANCELLED);
  offramp_policy_free(policy);

  CHECK(offramp_policy_create_per_exit(per_exit, 3, &policy, &error) == OFFRAMP_OK);
  CHECK(answer_of(model, policy).layer == 1);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_per_class(per_exit, 3, 2, &policy, &error) == OFFRAMP_OK);
  CHECK(answer_of(model, policy).layer == 1);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_declining(0.0F, 0.05F, &policy, &error) == OFFRAMP_OK);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_entropy(10.0F, &policy, &error) == OFFRAMP_OK);
  CHECK(answer_of(model, policy).layer == 1);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_normalized_entropy(1.0F, &policy, &error) == OFFRAMP_OK);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_margin(0.0F, &policy, &error) == OFFRAMP_OK);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_patience(0, &policy, &error) == OFFRAMP_OK);
  CHECK(answer_of(model, policy).layer == 3);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_patience_entropy(1.0F, 1, &policy, &error) == OFFRAMP_OK);
  offramp_policy_free(policy);
  CHECK(offramp_policy_create_default(model, &policy, &error) == OFFRAMP_OK);
  offramp_policy_free(policy);
  CHECK(offramp_certified(model, 1e-9, OFFRAMP_DISAGREEMENT, &policy, &error) == OFFRAMP_OK && policy == NULL);
  offramp_policy_free(policy);
}

static void check_pairs(const char* directory) {
  offramp_classifier* model = load(directory);
  const offramp_input inputs[2] = {offramp_pair("the quick fox", "lazy dog"), offramp_text("alone")};
  offramp_prediction answers[2];
  CHECK(offramp_classify(model, inputs, 1, NULL, NULL, answers, NULL, &error) == OFFRAMP_OK);
  CHECK(offramp_classify(model, inputs, 2, NULL, NULL, answers, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  offramp_classifier_free(model);
  offramp_load_options options = {OFFRAMP_FLOAT32, NULL, 0, 0, 0, 1};
  CHECK(offramp_classifier_load(directory, &options, &model, &error) == OFFRAMP_OK);
  CHECK(offramp_classify(model, &inputs[1], 1, NULL, NULL, answers, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  offramp_classifier_free(model);
}

/* Another model than `model`: one that gives any number of labels. */
static void check_labels(const char* directory, const offramp_classifier* model) {
  offramp_classifier* many = load(directory);
  CHECK(offramp_cuts(model) == NULL);
  const float* cuts = offramp_cuts(many);
  CHECK(cuts != NULL && offramp_num_labels(many) <= most_labels);
  const offramp_input input = offramp_text("a good film");
  offramp_prediction answer;
  float probabilities[most_labels];
  CHECK(offramp_classify(many, &input, 1, NULL, NULL, &answer, probabilities, &error) == OFFRAMP_OK);
  int likeliest = -1;
  for (int label = 0; label < (int)offramp_num_labels(many); ++label) {
    if (probabilities[label] > cuts[label] && (likeliest < 0 || probabilities[label] > probabilities[likeliest])) {
      likeliest = label;
    }
    CHECK(answer.confidence <= (probabilities[label] > 0.5F ? probabilities[label] : 1.0F - probabilities[label]));
  }
  CHECK(answer.label_id == likeliest);
  offramp_policy* margin = NULL;
  CHECK(offramp_policy_create_margin(0.5F, &margin, &error) == OFFRAMP_OK);
  CHECK(offramp_classify(many, &input, 1, margin, NULL, &answer, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  offramp_policy_free(margin);
  offramp_classifier_free(many);
}

static void check_tokens(const offramp_classifier* model) {
  const offramp_input input = offramp_text("the quick fox");
  int32_t ids[24];
  int32_t type_ids[24];
  size_t count = 0;
  int truncated = 1;
  CHECK(offramp_tokenize(model, &input, ids, type_ids, 24, &count, &truncated, &error) == OFFRAMP_OK);
  CHECK(count >= 3 && truncated == 0 && type_ids[0] == 0);
  CHECK(offramp_tokenize(model, &input, ids, NULL, 1, &count, NULL, &error) == OFFRAMP_INVALID_ARGUMENT && count >= 3);
}

/* A message that is too long ends with a whole character. */
static void check_long_message(const char* prefix) {
  char directory[1600];
  strcpy(directory, prefix);
  while (strlen(directory) + 2 < sizeof directory) {
    strcat(directory, "\xC3\xA9");
  }
  offramp_classifier* none = NULL;
  CHECK(offramp_classifier_load(directory, NULL, &none, &error) == OFFRAMP_IO);
  const size_t length = strlen(error.message);
  CHECK(length + 2 >= sizeof error.message && length < sizeof error.message);
  CHECK((unsigned char)error.message[length - 1] == 0xA9);
}

static void check_errors(const offramp_classifier* model) {
  check_long_message("");
  check_long_message("a");
  offramp_classifier* none = NULL;
  CHECK(offramp_classifier_load("no/such/directory", NULL, &none, &error) == OFFRAMP_IO);
  CHECK(error.status == OFFRAMP_IO && strstr(error.message, "no/such/directory") != NULL && none == NULL);
  CHECK(offramp_classifier_load("no/such/directory", NULL, &none, NULL) == OFFRAMP_IO);
  CHECK(offramp_classifier_load(NULL, NULL, &none, &error) == OFFRAMP_INVALID_ARGUMENT);
  offramp_policy* policy = NULL;
  CHECK(offramp_policy_create(1.5F, &policy, &error) == OFFRAMP_INVALID_ARGUMENT && policy == NULL);
  offramp_input input = offramp_text(NULL);
  offramp_prediction answer;
  CHECK(offramp_classify(model, &input, 1, NULL, NULL, &answer, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  CHECK(offramp_classify(model, NULL, 1, NULL, NULL, &answer, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  CHECK(offramp_classify(NULL, &input, 1, NULL, NULL, &answer, NULL, &error) == OFFRAMP_INVALID_ARGUMENT);
  offramp_classifier_free(NULL);
  offramp_policy_free(NULL);
  offramp_stop_free(NULL);
  offramp_thread_pool_free(NULL);
}

/* The child of a fork answers as its parent. */
static void check_fork(const offramp_classifier* model) {
  const offramp_prediction here = answer_of(model, NULL);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    const offramp_prediction there = answer_of(model, NULL);
    _exit(same(&here, &there) ? 0 : 1);
  }
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char** argv) {
  CHECK(argc == 4);
  offramp_classifier* model = load(argv[1]);
  offramp_classifier* copy = NULL;
  CHECK(offramp_classifier_copy(model, &copy, &error) == OFFRAMP_OK);
  offramp_classifier_free(model);
  check_model(copy);
  check_answers(copy);
  check_threads(copy);
  check_policies(copy);
  check_tokens(copy);
  check_errors(copy);
  check_labels(argv[3], copy);
  check_fork(copy);
  offramp_classifier_free(copy);
  check_pairs(argv[2]);
  puts("all of the C interface");
  return 0;
}
