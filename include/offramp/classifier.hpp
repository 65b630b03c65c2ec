// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/encoding.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/golden_text.hpp>
#include <offramp/load_options.hpp>
#include <offramp/prediction.hpp>
#include <offramp/runner.hpp>
#include <offramp/sentence_pair.hpp>
#include <offramp/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// One text, pair or encoding of the caller, borrowed for the length of a call.
struct input_view {
  std::string_view first;
  std::optional<std::string_view> second;
  const encoding* tokens = nullptr;
};

/// A batch of any supported element type, borrowed for the length of a call.
struct batch_view {
  const void* elements = nullptr;
  std::size_t size = 0;
  input_view (*at)(const void* elements, std::size_t index) = nullptr;
};

}  // namespace detail

/// Something that can be classified: a text (whatever converts to std::string_view), a sentence_pair, or token ids.
/// Braced lists are not: `classify({"a", "b"})` does not compile, because a list of two texts would read as one of
/// them.
template <class T>
concept classifiable = (std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>) ||
                       std::same_as<T, sentence_pair> || std::same_as<T, encoding>;

/// One exit of a loaded model.
struct exit_info {
  int layer = 0;             ///< encoder layer it stands on, from 1
  float temperature = 1.0F;  ///< divides its logits, for the loaded numeric format

  bool operator==(const exit_info&) const = default;
};

/// What loading found out.
struct model_info {
  std::string kernels;           ///< the arithmetic in use
  std::size_t weight_bytes = 0;  ///< memory taken by the weights
  std::vector<std::string> warnings;
};

/// A loaded early-exit model.
///
///     const auto model = offramp::classifier::load("models/sentiment-en");
///     const offramp::prediction p = model.classify("A delight from start to finish.", 0.9F);
///
/// An immutable handle: cheap to copy, every member is const and safe to call from any number of threads at once.
/// Moving copies, so that no handle is ever empty. The library starts no thread and prints nothing. Same input, model,
/// numeric format and instruction set give bit-identical results, alone or in any batch, on any number of threads.
/// Calls reuse the memory of earlier ones: after a call of the same size, a call allocates only what its result owns
/// (the lists of batches beyond 4,096 inputs excepted).
class OFFRAMP_API classifier {
 public:
  /// Loads a model directory (docs/model-format.md). Throws `io` for files that cannot be read, `bad_model` for
  /// contradictions in them, `unsupported` for what this build cannot run, `invalid_argument` for options that do not
  /// fit the model.
  static classifier load(const std::filesystem::path& directory, const load_options& options = {});
  /// The same from memory.
  static classifier load(std::span<const model_file> files, const load_options& options = {});

  classifier(const classifier&) = default;
  classifier& operator=(const classifier&) = default;
  ~classifier() = default;

  /// Classifies one input with early exit. Any bytes are valid text: ill-formed UTF-8 reads as U+FFFD, over-long text
  /// is cut to max_tokens() and says so. Throws `invalid_argument` for a policy that does not fit the model and for
  /// token ids out of range, `bad_model` when logits become non-finite. The threads that `run` lends share the work of
  /// each layer; without it the calling thread does it all.
  template <classifiable Input>
  [[nodiscard]] prediction classify(const Input& input, const exit_policy& policy, const runner& run = {}) const {
    return classify_one(view(input), policy, run);
  }
  /// With default_policy().
  template <classifiable Input>
  [[nodiscard]] prediction classify(const Input& input) const {
    return classify_one(view(input), default_policy(), {});
  }

  /// Throws `invalid_argument` for a policy that classify would refuse, because it does not fit the model.
  void check(const exit_policy& policy) const;

  /// Classifies a contiguous range (vector, array, span) of inputs; predictions in input order. Ragged, nothing is
  /// padded, and each text leaves the batch at its own exit. Errors as in classify; also `invalid_argument` when `run`
  /// did not call every body.
  template <std::ranges::contiguous_range Inputs>
  requires std::ranges::sized_range<Inputs> && classifiable<std::ranges::range_value_t<Inputs>>
  [[nodiscard]] std::vector<prediction> classify_batch(const Inputs& inputs, const exit_policy& policy,
                                                       const runner& run = {}) const {
    return classify_many(view_batch(inputs), policy, run);
  }

  /// Runs every layer and reports each exit in turn: the basis of calibration and speed/accuracy curves.
  template <classifiable Input>
  [[nodiscard]] std::vector<exit_output> classify_every_exit(const Input& input, const runner& run = {}) const {
    return every_exit_of_one(view(input), run);
  }
  /// For each input in order, each exit in turn.
  template <std::ranges::contiguous_range Inputs>
  requires std::ranges::sized_range<Inputs> && classifiable<std::ranges::range_value_t<Inputs>>
  [[nodiscard]] std::vector<std::vector<exit_output>> classify_batch_every_exit(const Inputs& inputs,
                                                                                const runner& run = {}) const {
    return every_exit_of_many(view_batch(inputs), run);
  }

  /// The token ids the encoder would see.
  template <classifiable Input>
  requires(!std::same_as<Input, encoding>) [[nodiscard]] encoding tokenize(const Input& input) const {
    return tokenize_one(view(input));
  }
  /// The vocabulary's text of one token id. Throws `invalid_argument` when there is none.
  [[nodiscard]] std::string_view piece(std::int32_t id) const;

  /// Names of the classes; label_id indexes them.
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept;
  /// Layers of the whole encoder, also those above the last exit.
  [[nodiscard]] int num_layers() const noexcept;
  /// The exits that may answer, by ascending layer; never empty.
  [[nodiscard]] const std::vector<exit_info>& exits() const noexcept;
  /// Longest input in tokens, special tokens included.
  [[nodiscard]] int max_tokens() const noexcept;
  /// What the model was trained on; nothing when it does not say. Both kinds can be classified by any model.
  [[nodiscard]] std::optional<input_kind> expected_input() const noexcept;
  /// The policy stored with the model, else full depth.
  [[nodiscard]] const exit_policy& default_policy() const noexcept;
  /// The stored certificates that hold for this numeric format, these exits and this max_tokens().
  [[nodiscard]] const std::vector<certificate>& certificates() const noexcept;
  /// The policy of the boldest of certificates() that promises a loss of at most `epsilon`, of several with the same
  /// epsilon the one stored last; nothing where none does.
  [[nodiscard]] std::optional<exit_policy> certified(double epsilon,
                                                     certified_loss loss = certified_loss::disagreement) const;
  [[nodiscard]] const std::vector<golden_text>& golden_texts() const noexcept;
  /// The arithmetic it was loaded with.
  [[nodiscard]] numeric_format format() const noexcept;
  [[nodiscard]] const model_info& info() const noexcept;

 private:
  struct OFFRAMP_HIDDEN state;
  explicit classifier(std::shared_ptr<const state> loaded) : state_(std::move(loaded)) {}

  template <classifiable Input>
  static detail::input_view view(const Input& input) {
    if constexpr (std::same_as<Input, sentence_pair>) {
      return {input.premise, input.hypothesis, nullptr};
    } else if constexpr (std::same_as<Input, encoding>) {
      return {{}, {}, &input};
    } else {
      return {std::string_view(input), {}, nullptr};
    }
  }

  template <class Inputs>
  static detail::batch_view view_batch(const Inputs& inputs) {
    using element = std::ranges::range_value_t<Inputs>;
    return {std::ranges::data(inputs), std::ranges::size(inputs),
            [](const void* elements, std::size_t index) { return view(static_cast<const element*>(elements)[index]); }};
  }

  [[nodiscard]] prediction classify_one(const detail::input_view& input, const exit_policy& policy,
                                        const runner& run) const;
  [[nodiscard]] std::vector<prediction> classify_many(const detail::batch_view& inputs, const exit_policy& policy,
                                                      const runner& run) const;
  [[nodiscard]] std::vector<exit_output> every_exit_of_one(const detail::input_view& input, const runner& run) const;
  [[nodiscard]] std::vector<std::vector<exit_output>> every_exit_of_many(const detail::batch_view& inputs,
                                                                         const runner& run) const;
  [[nodiscard]] encoding tokenize_one(const detail::input_view& input) const;

  std::shared_ptr<const state> state_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/detail/classifier_state.hpp>
#endif
