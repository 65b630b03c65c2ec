// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/entries.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/model/json_writer.hpp>
#include <offramp/model/sha256.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// The version of `exits.json` that this version reads and writes.
inline constexpr int exits_format = 1;

namespace detail {

/// 64 lower-case hexadecimal digits.
[[nodiscard]] inline const std::string& read_digest(const json_place& place) {
  const std::string& digest = place.text();
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    place.refuse("64 lower-case hexadecimal digits");
  }
  return digest;
}

[[nodiscard]] inline std::vector<std::string> read_exit_labels(const json_place& place, const config& encoder) {
  std::set<std::string> seen;
  std::vector<std::string> labels = place.array(2, 65536, [&](const json_place& element) {
    if (element.text().empty() || !seen.insert(element.text()).second) {
      element.refuse("a label that is not empty and stands once");
    }
    return element.text();
  });
  if (!encoder.labels_are_default && labels != encoder.labels) {
    std::string expected;
    for (const std::string& label : encoder.labels) {
      expected += (expected.empty() ? "" : ",") + quote_json(label);
    }
    place.refuse("the labels of config.json's id2label, [" + expected + "]");
  }
  return labels;
}

/// A number strictly between 0 and 1.
[[nodiscard]] inline double read_probability(const json_place& place) {
  (void)place.number(0.0, 1.0);
  const auto value = place.value().get<double>();
  if (value <= 0.0 || value >= 1.0) {
    place.refuse("a number between 0 and 1, both excluded");
  }
  return value;
}

/// The same of a float.
[[nodiscard]] inline float read_cut(const json_place& place) {
  const auto value = static_cast<float>(read_probability(place));
  if (value <= 0.0F || value >= 1.0F) {
    place.refuse("a float between 0 and 1, both excluded");
  }
  return value;
}

/// The cuts of a multi-label model, which config.json must not contradict; none where labels exclude each other.
[[nodiscard]] inline std::vector<float> read_cuts(json_object& object, std::size_t num_labels, const config& encoder) {
  const std::optional<json_place> place = object.find("cuts");
  if (!place) {
    if (encoder.problem == problem_type::multi_label) {
      throw error(error_kind::bad_model, object.place().describe() +
                                             ": field \"cuts\" is missing, expected one for each label, because "
                                             "config.json's problem_type is \"multi_label_classification\"");
    }
    return {};
  }
  if (encoder.problem == problem_type::single_label) {
    place->refuse("none, because config.json's problem_type is \"single_label_classification\"");
  }
  return place->array(num_labels, num_labels, read_cut);
}

[[nodiscard]] inline golden_text read_golden(const json_place& place, const exits_file& model) {
  json_object object(place);
  golden_text golden;
  golden.first = object.require(model.input == input_kind::pair ? "premise" : "text").text();
  if (model.input == input_kind::pair) {
    golden.second = object.require("hypothesis").text();
  }
  golden.logits = object.require("logits").array(model.exits.size(), model.exits.size(), [&](const json_place& row) {
    return row.array(model.labels.size(), model.labels.size(), [](const json_place& logit) { return logit.number(); });
  });
  object.refuse_unknown();
  return golden;
}

[[nodiscard]] inline calibration_description::exit_quality read_quality(const json_place& place) {
  json_object object(place);
  const calibration_description::exit_quality quality{.nll_before = object.require("nll_before").number(0.0, 1e9),
                                                      .nll_after = object.require("nll_after").number(0.0, 1e9),
                                                      .ece_before = object.require("ece_before").number(0.0, 1.0),
                                                      .ece_after = object.require("ece_after").number(0.0, 1.0)};
  object.refuse_unknown();
  return quality;
}

[[nodiscard]] inline std::vector<calibration_description> read_calibration(const json_place& place,
                                                                           std::size_t num_exits) {
  json_object formats(place);
  std::vector<calibration_description> all;
  for (const auto& [name, format] : numeric_format_names) {
    const std::optional<json_place> found = formats.find(std::string(name));
    if (!found) {
      continue;
    }
    json_object object(*found);
    all.push_back({.numeric_format = format,
                   .data_sha256 = read_digest(object.require("data_sha256")),
                   .n = object.require("n").integer(1, INT64_MAX),
                   .exits = object.require("exits").array(num_exits, num_exits, read_quality)});
    object.refuse_unknown();
  }
  formats.refuse_unknown();
  return all;
}

/// Layers of exits of the model, ascending.
[[nodiscard]] inline std::vector<int> read_certified_layers(const json_place& place, const exits_file& model,
                                                            const config& encoder) {
  int lowest_layer = 0;
  return place.array(1, model.exits.size(), [&](const json_place& element) {
    const int layer = static_cast<int>(element.integer(lowest_layer, encoder.num_layers));
    if (std::ranges::find(model.exits, layer, &exit_description::layer) == model.exits.end()) {
      element.refuse("the layer of an exit");
    }
    lowest_layer = layer + 1;
    return layer;
  });
}

[[nodiscard]] inline certificate_description read_certificate(const json_place& place, const exits_file& model,
                                                              const config& encoder) {
  json_object object(place);
  certificate_description certificate;
  certificate.numeric_format =
      choose(std::optional(object.require("numeric_format")), numeric_format::float32, numeric_format_names);
  certificate.loss = choose(std::optional(object.require("loss")), certified_loss::error, certified_loss_names);
  certificate.scope = choose(object.find("scope"), certified_scope::overall, certified_scope_names);
  certificate.epsilon = read_probability(object.require("epsilon"));
  certificate.delta = read_probability(object.require("delta"));
  certificate.n = object.require("n").integer(1, INT64_MAX);
  if (const auto looks = object.find("looks")) {
    certificate.looks = looks->integer(1, INT64_MAX);
  }
  certificate.data_sha256 = read_digest(object.require("data_sha256"));
  certificate.max_tokens = static_cast<int>(object.require("max_tokens").integer(4, encoder.usable_positions()));
  certificate.exit_layers = read_certified_layers(object.require("exits"), model, encoder);
  certificate.policy = read_policy(object.require("policy"), model, certificate.exit_layers.size(), encoder.num_layers);
  object.refuse_unknown();
  return certificate;
}

[[nodiscard]] inline exits_file parse_exits_file(json_object& object, const config& encoder) {
  exits_file model;
  model.labels = read_exit_labels(object.require("labels"), encoder);
  model.cuts = read_cuts(object, model.labels.size(), encoder);
  model.input = choose(std::optional(object.require("input")), input_kind::single, input_kind_names);
  model.pretokenizer = choose(object.find("pretokenizer"), text::pretokenizer::bert, pretokenizer_names);
  if (const auto max_tokens = object.find("max_tokens")) {
    model.max_tokens = static_cast<int>(max_tokens->integer(4, encoder.usable_positions()));
  }
  model.exits = read_exits(object.require("exits"), encoder);
  model.has_gate = read_flag(object, "gate", false);
  if (const auto policy = object.find("default_policy")) {
    model.default_policy = read_policy(*policy, model, model.exits.size(), encoder.num_layers);
  }
  if (const auto calibration = object.find("calibration")) {
    model.calibration = read_calibration(*calibration, model.exits.size());
  }
  if (const auto certificates = object.find("certificates")) {
    model.certificates = certificates->array(
        0, 10000, [&](const json_place& element) { return read_certificate(element, model, encoder); });
  }
  if (const auto golden = object.find("golden")) {
    model.golden = golden->array(0, 100000, [&](const json_place& element) { return read_golden(element, model); });
  }
  object.refuse_unknown();
  return model;
}

}  // namespace detail

/// What the text of `exits.json` says, and the SHA-256 of the `exits.safetensors` that it speaks of.
struct exits_text {
  exits_file content;
  std::string exits_sha256;
};

/// Checks all of the text, also against `config.json`; `name` is what errors call it. Throws as read_exits_file.
[[nodiscard]] inline exits_text read_exits_json(const std::string& json, const std::string& name,
                                                const config& encoder) {
  const json_document document = parse_json(json, name);
  json_object object{json_place(document, name)};
  if (const json_place format = object.require("format"); format.integer(1, 1 << 30) != exits_format) {
    throw error(error_kind::unsupported,
                format.describe() + " is " + format.value().dump() + ", expected " + std::to_string(exits_format));
  }
  std::string digest = detail::read_digest(object.require("exits_sha256"));
  return {detail::parse_exits_file(object, encoder), std::move(digest)};
}

/// Reads `exits.json` and checks all of it, also against `config.json` and the SHA-256 of `exits.safetensors`. Nothing
/// when the model has neither file. Throws `io` when it has only one of them, `unsupported` for a later format version,
/// `bad_model` for everything else that docs/model-format.md does not allow; keys that are not in it are refused.
[[nodiscard]] inline std::optional<exits_file> read_exits_file(const file_set& files, const config& encoder) {
  constexpr std::uint64_t size_limit = 64'000'000;
  const std::optional<file> description = files.find("exits.json");
  const std::optional<file> tensors = files.find("exits.safetensors");
  if (!description && !tensors) {
    return std::nullopt;
  }
  if (!description || !tensors) {
    throw error(error_kind::io, files.describe(tensors ? "exits.json" : "exits.safetensors") +
                                    ": no such file, expected beside " + (tensors ? *tensors : *description).name());
  }
  exits_text text = read_exits_json(description->read_all(size_limit), description->name(), encoder);
  tensors->refuse_placeholder();
  if (const std::string found = sha256_hex(*tensors); found != text.exits_sha256) {
    throw error(error_kind::bad_model, tensors->name() + ": has the SHA-256 " + found + ", expected " +
                                           text.exits_sha256 + " as " + description->name() + " says");
  }
  return std::move(text.content);
}

/// What the tensors of a learned gate are called in `exits.safetensors`.
inline constexpr std::string_view gate_name = "gate";

/// The weights of the exits that `description` is of. Throws as safetensors does, `io` when the file is missing, and
/// `bad_model` when it holds a gate that the description does not speak of: nobody would ask it.
[[nodiscard]] inline checkpoint open_exits(const file_set& files, const exits_file& description) {
  std::vector<safetensors> parts;
  parts.emplace_back(files.open("exits.safetensors"));
  checkpoint tensors(std::move(parts));
  for (const char* part : {".weight", ".bias"}) {
    if (const std::string name = std::string(gate_name) + part; !description.has_gate && tensors.contains(name)) {
      throw error(
          error_kind::bad_model,
          files.describe("exits.json") + ": gate is not true, but exits.safetensors holds the tensor \"" + name + "\"");
    }
  }
  return tensors;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
