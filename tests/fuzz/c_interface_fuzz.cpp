// SPDX-License-Identifier: Apache-2.0
// Any sequence of calls of the C interface with any values: a status and a message, or an answer that the C++ interface
// gives too. Arrays are as large as the header says, so that AddressSanitizer sees what writes past them.
#include "fuzz_models.hpp"

#include <offramp/offramp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using offramp_fuzz::input_reader;
using offramp_fuzz::require;

const char* const directory = OFFRAMP_TEST_DATA "/models/tiny";

struct free_policy {
  void operator()(offramp_policy* policy) const { offramp_policy_free(policy); }
};
using owned_policy = std::unique_ptr<offramp_policy, free_policy>;

const offramp_classifier& tiny() {
  static const offramp_classifier* const model = [] {
    offramp_classifier* loaded = nullptr;
    require(offramp_classifier_load(directory, nullptr, &loaded, nullptr) == OFFRAMP_OK, "the tiny model loads");
    return loaded;
  }();
  return *model;
}

/// A failed call says why in a string that ends; a successful one says nothing.
void expect_said(offramp_status status, const offramp_error& error) {
  require(error.status == status, "the error has the status that was returned");
  require(std::string_view(error.message, sizeof error.message).find('\0') != std::string_view::npos, "a message ends");
  require(status == OFFRAMP_OK || error.message[0] != '\0', "a failure says why");
}

owned_policy read_policy(input_reader& input) {
  offramp_policy* policy = nullptr;
  offramp_error error{};
  offramp_status status = OFFRAMP_OK;
  const std::size_t rule = input.below(12);
  const auto threshold = input.take<float>();
  std::vector<float> thresholds(input.below(10), threshold);
  switch (rule) {
    case 0:
      status = offramp_policy_create(threshold, &policy, &error);
      break;
    case 1:
      status = offramp_policy_create_full_depth(&policy, &error);
      break;
    case 2:
      status = offramp_policy_create_declining(threshold, input.take<float>(), &policy, &error);
      break;
    case 3:
      status = offramp_policy_create_per_exit(thresholds.data(), thresholds.size(), &policy, &error);
      break;
    case 4: {
      const std::size_t labels = input.below(4);
      thresholds.resize(thresholds.size() * labels, threshold);
      const std::size_t exits = labels == 0 ? 0 : thresholds.size() / labels;
      status = offramp_policy_create_per_class(thresholds.data(), exits, labels, &policy, &error);
      break;
    }
    case 5:
      status = offramp_policy_create_entropy(threshold, &policy, &error);
      break;
    case 6:
      status = offramp_policy_create_normalized_entropy(threshold, &policy, &error);
      break;
    case 7:
      status = offramp_policy_create_margin(threshold, &policy, &error);
      break;
    case 8:
      status = offramp_policy_create_patience(input.take<std::int32_t>(), &policy, &error);
      break;
    case 9:
      status = offramp_policy_create_patience_entropy(threshold, input.take<std::int32_t>(), &policy, &error);
      break;
    case 10:
      status = offramp_policy_create_learned(threshold, &policy, &error);
      break;
    default:
      status = offramp_certified(&tiny(), static_cast<double>(threshold), static_cast<offramp_loss>(input.below(3)),
                                 &policy, &error);
  }
  expect_said(status, error);
  require(status == OFFRAMP_OK || policy == nullptr, "a failed call gives nothing to free");
  owned_policy owned(policy);
  const std::size_t settings = input.below(8);
  if (owned && (settings & 1U) != 0) {
    offramp_policy_set_max_layer(owned.get(), input.take<std::int32_t>());
  }
  if (owned && (settings & 2U) != 0) {
    offramp_policy_set_deadline(owned.get(), input.take<std::int64_t>());
  }
  if (owned && (settings & 4U) != 0) {
    offramp_stop* stop = nullptr;
    require(offramp_stop_create(&stop, nullptr) == OFFRAMP_OK, "a stop can be made");
    offramp_policy_set_stop(owned.get(), stop);
    offramp_stop_request(stop);
    offramp_stop_free(stop);
  }
  return owned;
}

offramp_input read_text(input_reader& input) {
  const std::string_view first = input.take_text(input.below(48));
  offramp_input text{first.data(), first.size(), nullptr, 0};
  if (input.below(4) == 0) {
    const std::string_view second = input.take_text(input.below(16));
    text.second = second.data();
    text.second_size = second.size();
  }
  return text;
}

void classify(const offramp_policy* policy, const std::vector<offramp_input>& texts) {
  const std::size_t labels = offramp_num_labels(&tiny());
  std::vector<offramp_prediction> predictions(texts.size());
  std::vector<float> probabilities(texts.size() * labels);
  offramp_error error{};
  const offramp_status status = offramp_classify(&tiny(), texts.data(), texts.size(), policy, nullptr,
                                                 predictions.data(), probabilities.data(), &error);
  expect_said(status, error);
  for (std::size_t i = 0; status == OFFRAMP_OK && i < texts.size(); ++i) {
    const offramp_prediction& found = predictions[i];
    require((offramp_label(&tiny(), found.label_id) != nullptr) == (found.label_id != -1), "a label has a name");
    require(found.label_id != -1 || found.stopped == OFFRAMP_CANCELLED, "only who is cancelled has no label");
    offramp_prediction alone{};
    require(offramp_classify(&tiny(), &texts[i], 1, policy, nullptr, &alone, nullptr, nullptr) == OFFRAMP_OK,
            "what is answered in a batch is answered alone");
    require(
        found.stopped == OFFRAMP_DEADLINE || alone.stopped == OFFRAMP_DEADLINE ||
            (alone.label_id == found.label_id && alone.confidence == found.confidence && alone.layer == found.layer),
        "a text is answered alike in a batch");
  }
}

void tokenize(const offramp_input& text, std::size_t capacity) {
  std::vector<std::int32_t> ids(capacity);
  std::vector<std::int32_t> type_ids(capacity);
  std::size_t count = 0;
  offramp_error error{};
  const offramp_status status =
      offramp_tokenize(&tiny(), &text, ids.data(), type_ids.data(), capacity, &count, nullptr, &error);
  expect_said(status, error);
  require(status != OFFRAMP_OK || count <= capacity, "ids fit");
  require(count <= static_cast<std::size_t>(offramp_max_tokens(&tiny())), "a text has at most max_tokens tokens");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input_reader input(offramp_fuzz::as_text(data, size));
  const owned_policy policy = read_policy(input);
  std::vector<offramp_input> texts(input.below(4));
  for (offramp_input& text : texts) {
    text = read_text(input);
  }
  classify(policy.get(), texts);
  tokenize(read_text(input), input.below(40));
  static_cast<void>(offramp_exit_layer(&tiny(), input.below(1U << 15U)));
  static_cast<void>(offramp_label(&tiny(), input.take<std::int32_t>()));
  return 0;
}
