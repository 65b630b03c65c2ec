// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/export.hpp>
#include <offramp/sentence_pair.hpp>
#include <offramp/version.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Turns texts into the tokens that a model sees, without its weights: the model need hold neither a classifier nor
/// exits.
///
///     const auto tokens = offramp::tokenizer::load("models/sentiment-en").tokenize("A delight.");
///
/// Cheap to copy; every member is const and safe from any number of threads at once.
class OFFRAMP_API tokenizer {
 public:
  /// Reads the tokenizer's files, `config.json`, and `exits.json` where there is one. Throws `offramp::error` as
  /// classifier::load does.
  [[nodiscard]] static tokenizer load(const std::filesystem::path& directory);

  /// Special tokens included, cut at max_tokens(). Throws `unsupported` for a pair that the encoder cannot read.
  [[nodiscard]] encoding tokenize(std::string_view text) const;
  [[nodiscard]] encoding tokenize(const sentence_pair& texts) const;

  /// As the vocabulary writes it: "##ing", "[SEP]". Valid as long as the tokenizer or a copy of it. Throws
  /// `invalid_argument` for an id that the vocabulary does not have.
  [[nodiscard]] std::string_view piece(std::int32_t id) const;

  [[nodiscard]] int max_tokens() const noexcept;

  /// What the model was trained on; nothing where no `exits.json` says.
  [[nodiscard]] std::optional<input_kind> expected_input() const noexcept;

 private:
  struct state;
  explicit tokenizer(std::shared_ptr<const state> loaded) : state_(std::move(loaded)) {}

  std::shared_ptr<const state> state_;
};

/// What a model's files say about its encoder.
struct encoder_description {
  std::string model_type;
  int num_layers = 0;
  int hidden_size = 0;
  /// Why classifier::load finds nothing there that answers; empty: it does.
  std::string objection;
};

/// Reads `config.json`, `exits.json` where there is one, and the names of the weights. Throws `offramp::error`.
[[nodiscard]] OFFRAMP_API encoder_description describe_encoder(const std::filesystem::path& directory);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/classifier/tokenizer_members.hpp>
#endif
