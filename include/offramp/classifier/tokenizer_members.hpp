// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/text/tokenizer.hpp>
#include <offramp/tokenizer.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

struct tokenizer::state {
  detail::text_reader reader;
  std::optional<input_kind> input;
};

OFFRAMP_INLINE tokenizer tokenizer::load(const std::filesystem::path& directory) {
  const detail::default_floating_point environment;
  const model::file_set files(directory);
  const model::config config = model::read_config(files);
  const model::exits_file exits = model::read_exits_file(files, config).value_or(model::exits_file());
  return tokenizer(
      std::make_shared<const state>(state{detail::load_text_reader(files, exits, {}, config), exits.input}));
}

OFFRAMP_INLINE encoding tokenizer::tokenize(std::string_view text) const {
  const detail::default_floating_point environment;
  text::encode_memory memory;
  return state_->reader.encode(text, std::nullopt, memory);
}

OFFRAMP_INLINE encoding tokenizer::tokenize(const sentence_pair& texts) const {
  const detail::default_floating_point environment;
  text::encode_memory memory;
  return state_->reader.encode(texts.premise, texts.hypothesis, memory);
}

OFFRAMP_INLINE std::string_view tokenizer::piece(std::int32_t id) const { return state_->reader.tokenizer.piece(id); }

OFFRAMP_INLINE int tokenizer::max_tokens() const noexcept { return static_cast<int>(state_->reader.max_tokens); }

OFFRAMP_INLINE std::optional<input_kind> tokenizer::expected_input() const noexcept { return state_->input; }

OFFRAMP_INLINE encoder_description describe_encoder(const std::filesystem::path& directory) {
  const detail::default_floating_point environment;
  const model::file_set files(directory);
  const model::config config = model::read_config(files);
  encoder_description result{std::string(config.family->model_type), config.num_layers, config.hidden_size, {}};
  std::optional<model::exits_file> exits = model::read_exits_file(files, config);
  const model::checkpoint tensors = model::open_checkpoint(files);
  try {
    static_cast<void>(detail::plan_exits(std::move(exits), files, tensors, config));
  } catch (const error& failure) {
    result.objection = failure.what();
  }
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
