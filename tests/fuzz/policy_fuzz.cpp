// SPDX-License-Identifier: Apache-2.0
// Any policy on any text: refused with an error, or the answer is what classify_every_exit says at that layer, alone
// and in a batch.
#include "fuzz_models.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using offramp::classifier;
using offramp::exit_policy;
using offramp::prediction;
using offramp_fuzz::input_reader;

exit_policy read_rule(input_reader& input, std::size_t exits, std::size_t labels) {
  const std::size_t rule = input.below(9);
  const float threshold = input.take<float>();
  switch (rule) {
    case 0:
      return threshold;
    case 1:
      return exit_policy::declining(threshold, input.take<float>());
    case 2: {
      std::vector<float> thresholds(input.below(exits + 2));
      std::generate(thresholds.begin(), thresholds.end(), [&] { return input.take<float>(); });
      return exit_policy::per_exit(thresholds);
    }
    case 3:
      return exit_policy::per_class(std::vector<std::vector<float>>(
          input.below(exits + 2), std::vector<float>(input.below(labels + 2), threshold)));
    case 4:
      return exit_policy::entropy(threshold);
    case 5:
      return exit_policy::normalized_entropy(threshold);
    case 6:
      return exit_policy::margin(threshold);
    case 7:
      return exit_policy::patience(input.take<std::int32_t>());
    default:
      return exit_policy::patience_entropy(threshold, input.take<std::int32_t>());
  }
}

void expect_as_at_every_exit(const classifier& model, std::string_view text, const prediction& answer) {
  for (const offramp::exit_output& output : model.classify_every_exit(text)) {
    if (output.answer.layer == answer.layer) {
      offramp_fuzz::require(output.answer.probabilities == answer.probabilities, "an answer is that of its layer");
      offramp_fuzz::require(output.answer.label_id == answer.label_id, "a label is that of its layer");
      return;
    }
  }
  offramp_fuzz::require(false, "an answer comes from a layer with an exit");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const classifier model = offramp_fuzz::load(offramp_fuzz::read_model("tiny"));
  input_reader input(offramp_fuzz::as_text(data, size));
  try {
    exit_policy policy = read_rule(input, model.exits().size(), model.labels().size());
    if (const std::size_t layer = input.below(model.exits().size() + 4); layer > 0) {
      policy = policy.with_max_layer(static_cast<int>(layer) - 1);
    }
    const std::string_view first = input.take_text(input.below(64));
    const prediction answer = model.classify(first, policy);
    expect_as_at_every_exit(model, first, answer);
    const std::vector<std::string> batch = {std::string(input.rest()), std::string(first), "a"};
    offramp_fuzz::require(model.classify_batch(batch, policy).at(1) == answer, "a text is answered alike in a batch");
  } catch (const offramp::error&) {
  }
  return 0;
}
