// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::detail {

[[nodiscard]] inline std::string default_label(std::size_t id) { return "LABEL_" + std::to_string(id); }

/// Names by id from `id2label`, whose keys are "0" to "n-1".
[[nodiscard]] inline std::vector<std::string> read_id2label(const json_place& place) {
  constexpr std::size_t max_labels = 65536;
  const nlohmann::json& map = json_object(place).place().value();
  if (map.size() > max_labels) {
    place.refuse("an object of at most " + std::to_string(max_labels) + " labels");
  }
  std::vector<std::string> labels;
  for (std::size_t id = 0; id < map.size(); ++id) {
    if (!map.contains(std::to_string(id))) {
      throw error(error_kind::bad_model, place.describe() + ": key \"" + std::to_string(id) +
                                             "\" is missing, expected \"0\" to \"" + std::to_string(map.size() - 1) +
                                             "\"");
    }
    const json_place label = place.member(std::to_string(id));
    labels.push_back(label.value().is_number_integer() ? label.value().dump() : label.text());
  }
  return labels;
}

/// A `label2id` of the same labels must be the inverse of `labels`. Another one is left from before a fine-tuning and
/// says nothing, as transformers answers by `id2label`.
inline void check_label2id(const json_place& place, const std::vector<std::string>& labels) {
  const nlohmann::json& map = json_object(place).place().value();
  const bool is_stale = map.size() != labels.size() ||
                        std::ranges::any_of(labels, [&](const std::string& label) { return !map.contains(label); });
  for (std::size_t id = 0; id < labels.size() && !is_stale; ++id) {
    const nlohmann::json& found = map.at(labels[id]);
    if (found != id && found != std::to_string(id)) {
      place.member(labels[id]).refuse(std::to_string(id) + " as in id2label");
    }
  }
}

/// The first of `architectures` that names another task, as in BertForTokenClassification, where none names ours.
[[nodiscard]] inline std::string find_other_task(json_object& object) {
  const auto classes = object.find("architectures");
  if (!classes || !classes->value().is_array()) {
    return {};
  }
  std::string result;
  for (const std::string& name : classes->array(0, 64, [](const json_place& element) { return element.text(); })) {
    if (name.find("SequenceClassification") != std::string::npos) {
      return {};
    }
    const std::size_t task = name.find("For");
    const bool names_task =
        task != std::string::npos && task + 3 < name.size() && name[task + 3] >= 'A' && name[task + 3] <= 'Z';
    if (result.empty() && (names_task || name.ends_with("LMHeadModel"))) {
      result = name;
    }
  }
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::detail
