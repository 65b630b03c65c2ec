// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "golden_texts.hpp"

#include <offramp/offramp.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace offramp_tests {

/// What transformers says of one of the tiny models: ids of texts and pairs, logits of ids of many lengths.
inline nlohmann::json golden_of(const std::string& model) {
  return nlohmann::json::parse(read_file(tiny_directory(model) / "golden.json"));
}

/// One set of options for each way to compute that the machine may have: every format, by every kind of instructions.
inline std::vector<offramp::load_options> every_arithmetic() {
  std::vector<offramp::load_options> all;
#if defined(OFFRAMP_HEADER_ONLY)
  all.emplace_back();
#else
  using enum offramp::numeric_format;
  using enum offramp::instruction_set;
  for (const auto format : {float32, bfloat16, int8}) {
    all.push_back({.format = format});
    for (const auto avoided : {amx, avx512_bf16, avx512_vnni, avx512, avx2, arm_bf16, arm_dotprod}) {
      all.push_back({.format = format, .avoid = {avoided}});
    }
  }
#endif
  return all;
}

/// How far logits of tiny random models may be from those of transformers, whose arithmetic is float32.
inline float tolerance_of(const offramp::load_options& options) {
  switch (options.format) {
    case offramp::numeric_format::float32:
      return 1e-4F;
    case offramp::numeric_format::bfloat16:
      return 0.15F;
    case offramp::numeric_format::int8:
      break;
  }
  return 0.35F;
}

/// The tokens of an entry's text or pair.
inline offramp::encoding tokenize(const offramp::classifier& model, const nlohmann::json& entry) {
  return entry.contains("text") ? model.tokenize(entry["text"].get<std::string>())
                                : model.tokenize(offramp::sentence_pair{entry["premise"].get<std::string>(),
                                                                        entry["hypothesis"].get<std::string>()});
}

inline std::vector<offramp::exit_output> answer(const offramp::classifier& model, const nlohmann::json& ids) {
  return model.classify_every_exit(offramp::encoding{.ids = ids.get<std::vector<std::int32_t>>(), .type_ids = {}});
}

/// That the tiny model's logits are near those of the entries in every arithmetic.
inline void expect_logits_of(const std::string& name, const nlohmann::json& entries) {
  for (const offramp::load_options& options : every_arithmetic()) {
    const auto model = offramp::classifier::load(tiny_directory(name), options);
    SCOPED_TRACE(model.info().kernels);
    for (const nlohmann::json& entry : entries) {
      const offramp::golden_text expected{.first = std::to_string(entry["ids"].size()) + " tokens",
                                          .second = {},
                                          .logits = entry["logits"].get<std::vector<std::vector<float>>>()};
      ASSERT_NO_FATAL_FAILURE(expect_logits(answer(model, entry["ids"]), expected, tolerance_of(options)));
    }
  }
}

}  // namespace offramp_tests
