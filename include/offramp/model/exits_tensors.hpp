// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/exit_plan.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/safetensors_writer.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

namespace detail {

/// Appends `from`.weight [outputs, inputs] and `from`.bias [outputs] under another name.
inline void copy_linear(const checkpoint& tensors, const std::string& from, const std::string& to, std::size_t outputs,
                        std::size_t inputs, std::vector<named_tensor>& copies) {
  copies.push_back({to + ".weight", {outputs, inputs}, tensors.read(from + ".weight", {outputs, inputs})});
  copies.push_back({to + ".bias", {outputs}, tensors.read(from + ".bias", {outputs})});
}

}  // namespace detail

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
      detail::copy_linear(tensors, from.pooler, to.pooler, hidden, hidden, copies);
    }
    if (exits[j].mix) {
      const auto layers = static_cast<std::size_t>(exits[j].layer);
      copies.push_back({to.mix, {layers}, read_mix(tensors, from, layers)});
    }
    const std::size_t width = hidden + (exits[j].previous_logits ? j * labels : 0);
    detail::copy_linear(tensors, from.classifier, to.classifier, labels, width, copies);
  }
  if (!plan.gate.empty()) {
    detail::copy_linear(tensors, plan.gate, target.gate, 1, hidden, copies);
  }
  return copies;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
