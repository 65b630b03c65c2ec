// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/json_writer.hpp>
#include <offramp/model/safetensors_writer.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

namespace detail {

inline void write_exit(json_writer& json, const exit_description& exit) {
  json.object([&] {
    json.member("layer", exit.layer);
    if (exit.ngrams) {
      json.key("ngrams");
      json.object([&] {
        json.member("longest", exit.ngrams->longest);
        json.member("bucket_bits", exit.ngrams->bucket_bits);
        if (exit.ngrams->max_tokens > 0) {
          json.member("max_tokens", static_cast<std::int64_t>(exit.ngrams->max_tokens));
        }
      });
    } else {
      json.member("pooling", name_in(pooling_names, exit.pooling));
      json.member("pooler", name_in(pooler_names, exit.pooler));
    }
    if (exit.pooler_activation != nn::epilogue::tanh) {
      json.member("pooler_activation", name_in(pooler_activation_names, exit.pooler_activation));
    }
    if (exit.pooler_norm) {
      json.member("pooler_norm", true);
    }
    if (exit.mix) {
      json.member("mix", true);
    }
    if (exit.previous_logits) {
      json.member("previous_logits", true);
    }
    if (exit.ngram_weight != 0) {
      json.member("ngram_weight", exit.ngram_weight);
    }
    const temperatures& temperature = exit.temperature;
    if (temperature.float32 || temperature.bfloat16 || temperature.int8) {
      json.key("temperature");
      json.object([&] {
        json.optional_member("float32", temperature.float32);
        json.optional_member("bfloat16", temperature.bfloat16);
        json.optional_member("int8", temperature.int8);
      });
    }
  });
}

inline void write_policy(json_writer& json, const policy_description& policy) {
  json.object([&] {
    json.member("rule", name_in(policy_rule_names, policy.rule));
    if (policy.rule == policy_rule::per_exit) {
      json.member("thresholds", policy.exit_thresholds);
    } else if (policy.rule == policy_rule::per_class) {
      json.member("thresholds", policy.class_thresholds);
    } else if (policy.rule != policy_rule::patience) {
      json.member("threshold", policy.threshold);
    }
    if (policy.rule == policy_rule::declining) {
      json.member("decline", policy.decline);
    }
    if (policy.rule == policy_rule::patience || policy.rule == policy_rule::patience_entropy) {
      json.member("patience", policy.patience);
    }
    json.optional_member("max_layer", policy.max_layer);
  });
}

inline void write_quality(json_writer& json, const calibration_description::exit_quality& quality) {
  json.object([&] {
    json.member("nll_before", quality.nll_before);
    json.member("nll_after", quality.nll_after);
    json.member("ece_before", quality.ece_before);
    json.member("ece_after", quality.ece_after);
  });
}

inline void write_calibration(json_writer& json, const std::vector<calibration_description>& all) {
  json.object([&] {
    for (const calibration_description& one : all) {
      json.key(name_of(one.numeric_format));
      json.object([&] {
        json.member("data_sha256", one.data_sha256);
        json.member("n", one.n);
        json.key("exits");
        json.array(one.exits, [&](const auto& quality) { write_quality(json, quality); });
      });
    }
  });
}

inline void write_certificate(json_writer& json, const certificate_description& certificate) {
  json.object([&] {
    json.member("numeric_format", name_of(certificate.numeric_format));
    json.member("loss", name_of(certificate.loss));
    if (certificate.scope != certified_scope::overall) {
      json.member("scope", name_of(certificate.scope));
    }
    json.member("epsilon", certificate.epsilon);
    json.member("delta", certificate.delta);
    json.member("n", certificate.n);
    if (certificate.looks > 1) {
      json.member("looks", certificate.looks);
    }
    json.member("data_sha256", certificate.data_sha256);
    json.member("max_tokens", certificate.max_tokens);
    json.member("exits", certificate.exit_layers);
    json.key("policy");
    write_policy(json, certificate.policy);
  });
}

inline void write_golden(json_writer& json, const golden_text& golden, input_kind input) {
  json.object([&] {
    json.member(input == input_kind::pair ? "premise" : "text", golden.first);
    if (input == input_kind::pair) {
      json.member("hypothesis", golden.second.value_or(""));
    }
    json.member("logits", golden.logits);
  });
}

inline void write_exits(json_writer& json, const exits_file& content, std::string_view exits_sha256) {
  const input_kind input = content.input.value_or(input_kind::single);
  json.object([&] {
    json.member("format", exits_format);
    json.member("exits_sha256", exits_sha256);
    json.member("labels", content.labels);
    if (!content.cuts.empty()) {
      json.member("cuts", content.cuts);
    }
    json.member("input", name_in(input_kind_names, input));
    json.member("pretokenizer", name_in(pretokenizer_names, content.pretokenizer));
    json.optional_member("max_tokens", content.max_tokens);
    json.key("exits");
    json.array(content.exits, [&](const auto& exit) { write_exit(json, exit); });
    if (content.has_gate) {
      json.member("gate", true);
    }
    if (content.default_policy) {
      json.key("default_policy");
      write_policy(json, *content.default_policy);
    }
    if (!content.calibration.empty()) {
      json.key("calibration");
      write_calibration(json, content.calibration);
    }
    if (!content.certificates.empty()) {
      json.key("certificates");
      json.array(content.certificates, [&](const auto& certificate) { write_certificate(json, certificate); });
    }
    if (!content.golden.empty()) {
      json.key("golden");
      json.array(content.golden, [&](const auto& golden) { write_golden(json, golden, input); });
    }
  });
}

/// Appends `from`.weight, of that shape, and `from`.bias, [its first dimension], under another name: a bias of zeros
/// where there is none.
inline void copy_weights(const checkpoint& tensors, const std::string& from, const std::string& to,
                         const tensor_shape& shape, std::vector<named_tensor>& copies, bias kind = bias::stored) {
  copies.push_back({to + ".weight", shape, tensors.read(from + ".weight", shape)});
  copies.push_back({to + ".bias", {shape.front()}, read_bias(tensors, from, shape.front(), kind)});
}

}  // namespace detail

/// The text of `exits.json` (docs/model-format.md) for an `exits.safetensors` with that SHA-256. The same content gives
/// the same bytes; reading them gives the same content back. Throws `invalid_argument` for strings that are not UTF-8.
[[nodiscard]] inline std::string write_exits_json(const exits_file& content, std::string_view exits_sha256) {
  json_writer json;
  detail::write_exits(json, content, exits_sha256);
  return std::move(json).finish() + "\n";
}

/// The heads of a model, whatever kind of files it has, as `exits.safetensors` holds them: their values are those that
/// read_heads uses. Throws as read_heads.
[[nodiscard]] inline std::vector<named_tensor> describe_tensors(const exit_plan& plan, const checkpoint& tensors,
                                                                const config& shape) {
  const std::vector<exit_description>& exits = plan.description.exits;
  const exit_plan target = plan_described_exits(plan.description);
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const std::size_t labels = plan.description.labels.size();
  std::vector<named_tensor> copies;
  bool has_shared_pooler = false;
  for (std::size_t j = 0; j < exits.size(); ++j) {
    const exit_tensors& from = plan.tensors[j];
    const exit_tensors& to = target.tensors[j];
    const bool is_shared = exits[j].pooler == pooler::shared;
    if (exits[j].pooler == pooler::own || (is_shared && !std::exchange(has_shared_pooler, true))) {
      detail::copy_weights(tensors, from.pooler, to.pooler, {hidden, hidden}, copies, from.pooler_bias);
    }
    if (exits[j].pooler_norm) {
      detail::copy_weights(tensors, from.pooler_norm, to.pooler_norm, {hidden}, copies, from.pooler_norm_bias);
    }
    if (exits[j].mix) {
      const auto layers = static_cast<std::size_t>(exits[j].layer);
      copies.push_back({to.mix, {layers}, read_mix(tensors, from, layers)});
    }
    const std::size_t width = hidden + (exits[j].previous_logits ? j * labels : 0);
    const exits::classification classifier = read_classifier(tensors, from, labels, width);
    copies.push_back({to.classifier + ".weight", {labels, width}, classifier.weights});
    copies.push_back({to.classifier + ".bias", {labels}, classifier.bias});
  }
  if (!plan.gate.empty()) {
    detail::copy_weights(tensors, plan.gate, target.gate, {1, hidden}, copies);
  }
  return copies;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
