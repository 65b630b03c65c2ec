// SPDX-License-Identifier: Apache-2.0
// Models and classification of the C interface: each function is its namesake of the C++ one.
#include "handles.hpp"

#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using offramp::classifier;
using offramp::error;
using offramp::error_kind;
using offramp::prediction;
using offramp::sentence_pair;
using offramp_c::guard;
using offramp_c::require;
using offramp_c::runner_of;

offramp::load_options options_of(const offramp_load_options* given) {
  offramp::load_options options;
  if (given == nullptr) {
    return options;
  }
  if (given->format < OFFRAMP_FLOAT32 || given->format > OFFRAMP_INT8) {
    throw error(error_kind::invalid_argument, "options: format is " + std::to_string(static_cast<int>(given->format)) +
                                                  ", expected an offramp_format");
  }
  options.format = static_cast<offramp::numeric_format>(given->format);
  if (given->exits != nullptr) {
    options.exits.assign(given->exits, given->exits + given->num_exits);
  }
  if (given->max_tokens != 0) {
    options.max_tokens = given->max_tokens;
  }
  const auto reaction = [](int refuses) { return refuses != 0 ? offramp::reaction::refuse : offramp::reaction::warn; };
  options.missing_temperature = reaction(given->refuse_missing_temperature);
  options.other_input = reaction(given->refuse_other_input);
  return options;
}

bool is_pair(const offramp_input& input) { return input.second != nullptr; }

std::string_view first_of(const offramp_input& input) {
  require(input.first, "first");
  return {input.first, input.first_size};
}

sentence_pair pair_of(const offramp_input& input) { return {first_of(input), {input.second, input.second_size}}; }

/// `use(texts)` with the inputs as the C++ interface takes them: single texts, or pairs.
template <class Use>
void with_inputs(const offramp_input* inputs, std::size_t n, const Use& use) {
  if (n > 0) {
    require(inputs, "inputs");
  }
  const std::span<const offramp_input> all(inputs, n);
  const auto first_pair = std::ranges::find_if(all, is_pair);
  if (first_pair == all.end()) {
    std::vector<std::string_view> texts(n);
    std::ranges::transform(all, texts.begin(), first_of);
    use(texts);
  } else if (std::ranges::all_of(all, is_pair)) {
    std::vector<sentence_pair> pairs(n);
    std::ranges::transform(all, pairs.begin(), pair_of);
    use(pairs);
  } else {
    throw error(error_kind::invalid_argument, "inputs: input " + std::to_string(first_pair - all.begin()) +
                                                  " is a pair and others are not, expected one kind in a call");
  }
}

offramp_prediction plain(const prediction& answer) {
  return {answer.label_id, answer.confidence,        answer.layer,
          answer.tokens,   answer.truncated ? 1 : 0, static_cast<offramp_stop_reason>(answer.stopped)};
}

}  // namespace

extern "C" {

const char* offramp_version(void) {
  return offramp::version().data();  // of a literal
}

offramp_status offramp_classifier_load(const char* directory, const offramp_load_options* options,
                                       offramp_classifier** model, offramp_error* error) {
  return guard(error, [&] {
    require(directory, "directory");
    require(model, "model");
    *model = new offramp_classifier{classifier::load(directory, options_of(options))};
  });
}

offramp_status offramp_classifier_copy(const offramp_classifier* model, offramp_classifier** copy,
                                       offramp_error* error) {
  return guard(error, [&] {
    require(model, "model");
    require(copy, "copy");
    *copy = new offramp_classifier{*model};
  });
}

void offramp_classifier_free(offramp_classifier* model) { delete model; }

size_t offramp_num_labels(const offramp_classifier* model) { return model->model.labels().size(); }

const char* offramp_label(const offramp_classifier* model, int label_id) {
  const std::vector<std::string>& labels = model->model.labels();
  const auto index = static_cast<std::size_t>(label_id);
  return label_id >= 0 && index < labels.size() ? labels[index].c_str() : nullptr;
}

const float* offramp_cuts(const offramp_classifier* model) {
  return model->model.cuts().empty() ? nullptr : model->model.cuts().data();
}

int offramp_num_layers(const offramp_classifier* model) { return model->model.num_layers(); }

size_t offramp_num_exits(const offramp_classifier* model) { return model->model.exits().size(); }

int offramp_exit_layer(const offramp_classifier* model, size_t exit) {
  return exit < model->model.exits().size() ? model->model.exits()[exit].layer : -1;
}

int offramp_max_tokens(const offramp_classifier* model) { return model->model.max_tokens(); }

const char* offramp_kernels(const offramp_classifier* model) { return model->model.info().kernels.c_str(); }

const char* offramp_warning(const offramp_classifier* model, size_t index) {
  const std::vector<std::string>& warnings = model->model.info().warnings;
  return index < warnings.size() ? warnings[index].c_str() : nullptr;
}

offramp_status offramp_classify(const offramp_classifier* model, const offramp_input* inputs, size_t n,
                                const offramp_policy* policy, const offramp_threads* threads,
                                offramp_prediction* predictions, float* probabilities, offramp_error* error) {
  return guard(error, [&] {
    require(model, "model");
    if (n > 0) {
      require(predictions, "predictions");
    }
    const offramp::exit_policy& chosen = policy == nullptr ? model->model.default_policy() : policy->policy;
    const std::size_t labels = model->model.labels().size();
    with_inputs(inputs, n, [&](const auto& texts) {
      const std::vector<prediction> answers = model->model.classify_batch(texts, chosen, runner_of(threads));
      for (std::size_t i = 0; i < n; ++i) {
        predictions[i] = plain(answers[i]);
        if (probabilities != nullptr) {
          float* const row = probabilities + i * labels;
          std::fill_n(row, labels, 0.0F);  // of a text that was cancelled there are none
          std::ranges::copy(answers[i].probabilities, row);
        }
      }
    });
  });
}

offramp_status offramp_classify_every_exit(const offramp_classifier* model, const offramp_input* inputs, size_t n,
                                           const offramp_threads* threads, float* logits, float* probabilities,
                                           offramp_error* error) {
  return guard(error, [&] {
    require(model, "model");
    with_inputs(inputs, n, [&](const auto& texts) {
      for (const auto& exits : model->model.classify_batch_every_exit(texts, runner_of(threads))) {
        for (const offramp::exit_output& exit : exits) {
          logits = logits == nullptr ? nullptr : std::ranges::copy(exit.logits, logits).out;
          probabilities =
              probabilities == nullptr ? nullptr : std::ranges::copy(exit.answer.probabilities, probabilities).out;
        }
      }
    });
  });
}

offramp_status offramp_tokenize(const offramp_classifier* model, const offramp_input* input, int32_t* ids,
                                int32_t* type_ids, size_t capacity, size_t* num_ids, int* truncated,
                                offramp_error* error) {
  return guard(error, [&] {
    require(model, "model");
    require(input, "input");
    require(num_ids, "num_ids");
    const offramp::encoding tokens =
        is_pair(*input) ? model->model.tokenize(pair_of(*input)) : model->model.tokenize(first_of(*input));
    *num_ids = tokens.ids.size();
    if (tokens.ids.size() > capacity) {
      throw offramp::error(
          error_kind::invalid_argument,
          "capacity is " + std::to_string(capacity) + ", expected at least " + std::to_string(tokens.ids.size()));
    }
    require(ids, "ids");
    std::ranges::copy(tokens.ids, ids);
    if (type_ids != nullptr) {
      std::fill_n(type_ids, tokens.ids.size(), 0);
      std::ranges::copy(tokens.type_ids, type_ids);
    }
    if (truncated != nullptr) {
      *truncated = tokens.truncated ? 1 : 0;
    }
  });
}

}  // extern "C"
