// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/ngrams.hpp>
#include <offramp/golden_text.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/pooling.hpp>
#include <offramp/names.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/sentence_pair.hpp>
#include <offramp/text/pretokenizer.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

enum class pooler { none, shared, own };  ///< f(W x + b) with no, the model's one, or the exit's own W and b

/// One value per numeric format; a format without a fitted temperature has none.
struct temperatures {
  std::optional<float> float32;
  std::optional<float> bfloat16;
  std::optional<float> int8;
};

/// One exit: where it sits and how its head is built. docs/model-format.md has the formula.
struct exit_description {
  int layer = 0;                                  ///< encoder layer from 1; 0: before the encoder
  std::optional<exits::ngram_shape> ngrams = {};  ///< on layer 0, and only there: the head reads n-grams of token ids
  model::pooling pooling = model::pooling::cls;
  model::pooler pooler = model::pooler::none;
  nn::epilogue pooler_activation = nn::epilogue::tanh;  ///< tanh, gelu, gelu_tanh or relu
  bool pooler_norm = false;                             ///< what the exit's own pooler gives is normalized
  bool mix = false;                                     ///< a learned sum over all layers up to this one
  bool previous_logits = false;  ///< the earlier exits' calibrated logits are appended to the classifier's input
  float ngram_weight = 0;  ///< of the logits of the exit on layer 0, which are added to this exit's; 0 without one
  temperatures temperature = {};
};

using policy_rule = exit_policy::rule;

// What `exits.json` calls the values of an enumeration; offramp/names.hpp has the public ones.
using offramp::detail::certified_loss_names;
using offramp::detail::certified_scope_names;
using offramp::detail::name_in;
using offramp::detail::name_table;
using offramp::detail::numeric_format_names;

inline constexpr name_table<model::pooling, 2> pooling_names{{{"cls", pooling::cls}, {"mean", pooling::mean}}};
inline constexpr name_table<model::pooler, 3> pooler_names{
    {{"none", pooler::none}, {"shared", pooler::shared}, {"own", pooler::own}}};
inline constexpr name_table<nn::epilogue, 4> pooler_activation_names{{{"tanh", nn::epilogue::tanh},
                                                                      {"gelu", nn::epilogue::gelu},
                                                                      {"gelu_tanh", nn::epilogue::gelu_tanh},
                                                                      {"relu", nn::epilogue::relu}}};
inline constexpr name_table<input_kind, 2> input_kind_names{
    {{"single", input_kind::single}, {"pair", input_kind::pair}}};
inline constexpr name_table<text::pretokenizer, 2> pretokenizer_names{
    {{"bert", text::pretokenizer::bert}, {"whitespace", text::pretokenizer::whitespace}}};
inline constexpr name_table<policy_rule, 10> policy_rule_names{{{"confidence", policy_rule::confidence},
                                                                {"declining", policy_rule::declining},
                                                                {"per_exit", policy_rule::per_exit},
                                                                {"per_class", policy_rule::per_class},
                                                                {"entropy", policy_rule::entropy},
                                                                {"normalized_entropy", policy_rule::normalized_entropy},
                                                                {"margin", policy_rule::margin},
                                                                {"patience", policy_rule::patience},
                                                                {"patience_entropy", policy_rule::patience_entropy},
                                                                {"learned", policy_rule::learned}}};

/// Whether a rule says something where each label is given for itself. The others weigh labels against each other.
[[nodiscard]] constexpr bool fits_multi_label(policy_rule rule) {
  return rule == policy_rule::confidence || rule == policy_rule::declining || rule == policy_rule::per_exit ||
         rule == policy_rule::patience || rule == policy_rule::learned;
}

inline constexpr std::string_view multi_label_rules = "confidence, declining, per_exit, patience or learned";

/// A policy as the file states it; its form and ranges are checked.
struct policy_description {
  policy_rule rule = policy_rule::confidence;
  float threshold = 0;                                    ///< rules with one threshold
  float decline = 0;                                      ///< declining: 0 to 1
  std::vector<float> exit_thresholds = {};                ///< per_exit: one per exit
  std::vector<std::vector<float>> class_thresholds = {};  ///< per_class: [exits][labels]
  int patience = 0;                                       ///< patience, patience_entropy; 0 = full depth
  std::optional<int> max_layer = {};                      ///< not below the first exit's layer
};

/// How one numeric format's temperatures were fitted.
struct calibration_description {
  struct exit_quality {
    float nll_before = 0;
    float nll_after = 0;
    float ece_before = 0;
    float ece_after = 0;
  };
  offramp::numeric_format numeric_format = offramp::numeric_format::float32;
  std::string data_sha256;
  std::int64_t n = 0;  ///< texts
  std::vector<exit_quality> exits;
};

/// A guarantee: with probability 1 - delta over n texts like those of the data, `loss` under `policy` is at most
/// epsilon, where `scope` says.
struct certificate_description {
  offramp::numeric_format numeric_format = offramp::numeric_format::float32;
  certified_loss loss = certified_loss::disagreement;
  double epsilon = 0;
  double delta = 0;
  std::int64_t n = 0;
  std::string data_sha256;
  int max_tokens = 0;
  std::vector<int> exit_layers;
  policy_description policy;
  certified_scope scope = certified_scope::overall;
  std::int64_t looks = 1;  ///< how often these texts had been tested on, this test included
};

/// The content of `exits.json`, or what stands for it in a model without one.
struct exits_file {
  std::vector<std::string> labels;  ///< at least two, all different
  std::vector<float> cuts;          ///< multi-label: one per label, between 0 and 1; else empty
  std::optional<input_kind> input;  ///< nothing: the model does not say
  text::pretokenizer pretokenizer = text::pretokenizer::bert;
  std::optional<int> max_tokens;        ///< special tokens included
  std::vector<exit_description> exits;  ///< at least one, layers strictly ascending from 0
  bool has_gate = false;                ///< the model learned when to leave
  std::optional<policy_description> default_policy;
  std::vector<calibration_description> calibration;
  std::vector<certificate_description> certificates;
  std::vector<golden_text> golden;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
