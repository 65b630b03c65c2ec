// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/classifiable.hpp>
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
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// One exit of a loaded model.
struct exit_info {
  int layer = 0;             ///< encoder layer it stands on, from 1; 0: before the encoder
  float temperature = 1.0F;  ///< divides its logits, for the loaded numeric format
  /// Times the logits of the exit before the encoder, which are part of its own; 0: they are not
  float ngram_weight = 0.0F;

  bool operator==(const exit_info&) const = default;
};

/// What loading found out.
struct model_info {
  std::string kernels;           ///< the arithmetic in use
  std::size_t weight_bytes = 0;  ///< memory taken by the weights
  std::vector<std::string> warnings;
};

/// Memory of one model, in bytes.
struct memory_bytes {
  std::size_t weights = 0;
  std::size_t waiting = 0;  ///< kept from earlier calls for later ones; calls that still run have more

  bool operator==(const memory_bytes&) const = default;
};

namespace detail {

/// A function of the caller that takes predictions, borrowed for the length of a call.
struct prediction_sink {
  const void* function = nullptr;
  void (*call)(const void* function, std::size_t index, prediction&& answer) = nullptr;
};

}  // namespace detail

/// A loaded early-exit model.
///
///     const auto model = offramp::classifier::load("models/sentiment-en");
///     const offramp::prediction p = model.classify("A delight from start to finish.", 0.9F);
///
/// An immutable handle: cheap to copy, every member is const and safe to call from any number of threads at once.
/// Moving copies, so that no handle is ever empty. The library starts no thread and prints nothing. Same input, model,
/// numeric format and instruction set give bit-identical results, alone or in any batch, on any number of threads.
/// What the host set for floating point (rounding, flushing to zero, traps) changes no result and is left as it was.
/// Calls reuse the memory of earlier ones: after a call of the same size, a call allocates only what its result owns.
/// At most 128 MiB wait for later calls; what calls took beyond is freed when they end.
class OFFRAMP_API classifier {
 public:
  /// Loads a model directory (docs/model-format.md), on the threads that `run` lends. Throws `io` for files that cannot
  /// be read, `bad_model` for contradictions in them, `unsupported` for what this build cannot run, `invalid_argument`
  /// for options that do not fit the model.
  static classifier load(const std::filesystem::path& directory, const load_options& options = {},
                         const runner& run = {}, const load_progress& report = {});
  /// The same from memory.
  static classifier load(std::span<const model_file> files, const load_options& options = {}, const runner& run = {},
                         const load_progress& report = {});

  classifier(const classifier&) = default;
  classifier& operator=(const classifier&) = default;
  ~classifier() = default;

  /// Classifies one input with early exit. Any bytes are valid text: ill-formed UTF-8 reads as U+FFFD, over-long text
  /// is cut to max_tokens() and says so. Throws `invalid_argument` for a policy that does not fit the model, for token
  /// ids out of range and for a null pointer, `bad_model` when logits become non-finite. The threads that `run` lends
  /// share the work of each layer; without it the calling thread does it all.
  template <classifiable Input>
  [[nodiscard]] prediction classify(const Input& input, const exit_policy& policy, const runner& run = {}) const {
    return classify_one(detail::view(input), policy, run);
  }
  /// With default_policy(), as in every form below that is given none.
  template <classifiable Input>
  [[nodiscard]] prediction classify(const Input& input, const runner& run = {}) const {
    return classify_one(detail::view(input), default_policy(), run);
  }
  template <classifiable Input>
  prediction classify(const Input& input, std::nullptr_t) const = delete;  // what a literal 0 would become

  /// Throws `invalid_argument` for a policy that classify would refuse, because it does not fit the model.
  void check(const exit_policy& policy) const;

  /// Classifies a range of inputs; predictions in input order. Ragged, nothing is padded, and each text leaves the
  /// batch at its own exit. Errors as in classify, those of an input with its index: of several the lowest. Also
  /// `invalid_argument` when `run` did not call every body. Ranges other than arrays, vectors and spans are read once,
  /// by the calling thread, and cost a list.
  template <classifiable_range Inputs>
  [[nodiscard]] std::vector<prediction> classify_batch(Inputs&& inputs, const exit_policy& policy,
                                                       const runner& run = {}) const {
    return detail::with_view(inputs, [&](const detail::batch_view& all) { return classify_many(all, policy, run); });
  }
  template <classifiable_range Inputs>
  [[nodiscard]] std::vector<prediction> classify_batch(Inputs&& inputs, const runner& run = {}) const {
    return classify_batch(inputs, default_policy(), run);
  }
  template <classifiable_range Inputs>
  std::vector<prediction> classify_batch(Inputs&& inputs, std::nullptr_t) const = delete;

  /// The same into predictions of the caller, whose memory is used again: the next call of the same size allocates
  /// nothing. Throws `invalid_argument` unless there are as many as inputs. After an error they hold anything.
  template <classifiable_range Inputs>
  void classify_batch_into(Inputs&& inputs, std::span<prediction> results, const exit_policy& policy,
                           const runner& run = {}) const {
    detail::with_view(inputs, [&](const detail::batch_view& all) { classify_into(all, results, policy, run); });
  }
  template <classifiable_range Inputs>
  void classify_batch_into(Inputs&& inputs, std::span<prediction> results, const runner& run = {}) const {
    classify_batch_into(inputs, results, default_policy(), run);
  }

  /// The same to a function: on_result(index, prediction) for each input, as soon as its text leaves, so early exits
  /// come first. Calls come one at a time, from whichever thread ran the text: the calling one or one that `run` lent,
  /// in the default floating-point environment. What on_result throws ends the call: texts that are still in the
  /// encoder are given up, and classify_batch_as_ready throws it on. An error of an input is thrown before the first
  /// result where the input itself shows it, as in classify_batch.
  template <classifiable_range Inputs, class OnResult>
  requires std::invocable<const OnResult&, std::size_t, prediction>
  void classify_batch_as_ready(Inputs&& inputs, const OnResult& on_result, const exit_policy& policy,
                               const runner& run = {}) const {
    const detail::prediction_sink sink{&on_result, [](const void* function, std::size_t index, prediction&& answer) {
                                         (*static_cast<const OnResult*>(function))(index, std::move(answer));
                                       }};
    detail::with_view(inputs, [&](const detail::batch_view& all) { classify_as_ready(all, sink, policy, run); });
  }
  template <classifiable_range Inputs, class OnResult>
  requires std::invocable<const OnResult&, std::size_t, prediction>
  void classify_batch_as_ready(Inputs&& inputs, const OnResult& on_result, const runner& run = {}) const {
    classify_batch_as_ready(inputs, on_result, default_policy(), run);
  }

  /// As classify_batch, but an input that has an error gets it instead of a prediction, and the others theirs. Throws
  /// only what is no input's: a policy that does not fit, a `run` that did not call every body.
  template <classifiable_range Inputs>
  [[nodiscard]] std::vector<std::variant<prediction, error>> try_classify_batch(Inputs&& inputs,
                                                                                const exit_policy& policy,
                                                                                const runner& run = {}) const {
    return detail::with_view(inputs,
                             [&](const detail::batch_view& all) { return try_classify_many(all, policy, run); });
  }
  template <classifiable_range Inputs>
  [[nodiscard]] std::vector<std::variant<prediction, error>> try_classify_batch(Inputs&& inputs,
                                                                                const runner& run = {}) const {
    return try_classify_batch(inputs, default_policy(), run);
  }

  /// Runs every layer and reports each exit in turn: the basis of calibration and speed/accuracy curves.
  template <classifiable Input>
  [[nodiscard]] std::vector<exit_output> classify_every_exit(const Input& input, const runner& run = {}) const {
    return every_exit_of_one(detail::view(input), run);
  }
  /// For each input in order, each exit in turn.
  template <classifiable_range Inputs>
  [[nodiscard]] std::vector<std::vector<exit_output>> classify_batch_every_exit(Inputs&& inputs,
                                                                                const runner& run = {}) const {
    return detail::with_view(inputs, [&](const detail::batch_view& all) { return every_exit_of_many(all, run); });
  }

  /// The token ids the encoder would see.
  template <classifiable Input>
  requires(!std::same_as<Input, encoding>) [[nodiscard]] encoding tokenize(const Input& input) const {
    return tokenize_one(detail::view(input));
  }
  /// Those of each input, in input order.
  template <classifiable_range Inputs>
  requires(!std::same_as<std::ranges::range_value_t<Inputs>, encoding>)
      [[nodiscard]] std::vector<encoding> tokenize_batch(Inputs&& inputs, const runner& run = {}) const {
    return detail::with_view(inputs, [&](const detail::batch_view& all) { return tokenize_many(all, run); });
  }

  /// Takes the memory that calls with so many tokens, special tokens included, need (of batches, at most 1,024 run at
  /// once), for so many calls or lent threads at a time, and touches every weight: so that the first of them are as
  /// fast as later ones. Runs the encoder `threads` times, in the calling thread. Throws `invalid_argument` for
  /// less than 1.
  void warm_up(int tokens, int threads = 1) const;

  /// The vocabulary's text of one token id. Throws `invalid_argument` when there is none.
  [[nodiscard]] std::string_view piece(std::int32_t id) const;

  /// Names of the classes; label_id indexes them.
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept;
  /// One for each label of a multi-label model, between 0 and 1: the label is given where its probability, the sigmoid
  /// of its logit over the temperature, is above. Empty: labels exclude each other, and probabilities add up to 1.
  [[nodiscard]] const std::vector<float>& cuts() const noexcept;
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
  /// The policy of the boldest of certificates() of that scope that promises a loss of at most `epsilon`, of several
  /// with the same epsilon the one stored last; nothing where none does.
  [[nodiscard]] std::optional<exit_policy> certified(double epsilon, certified_loss loss = certified_loss::disagreement,
                                                     certified_scope scope = certified_scope::overall) const;
  [[nodiscard]] const std::vector<golden_text>& golden_texts() const noexcept;
  /// The arithmetic it was loaded with.
  [[nodiscard]] numeric_format format() const noexcept;
  [[nodiscard]] const model_info& info() const noexcept;
  /// Floating-point operations of the first `layers` encoder layers on a text of `tokens`, special tokens included: two
  /// for each product of a weight and for each of a score (model/encoder_flops.hpp). Embeddings, norms and exits are
  /// left out. Layers count whether or not they are loaded. Throws `invalid_argument` for layers outside 0 to
  /// num_layers() and tokens outside 1 to max_tokens().
  [[nodiscard]] std::int64_t flops(int layers, int tokens) const;
  /// Of this model and all its copies.
  [[nodiscard]] memory_bytes memory_usage() const;
  /// Frees what waits for later calls, for programs that expect none for long.
  void release_memory() const;

 private:
  struct OFFRAMP_HIDDEN state;
  explicit classifier(std::shared_ptr<const state> loaded) : state_(std::move(loaded)) {}

  [[nodiscard]] prediction classify_one(const detail::input_view& input, const exit_policy& policy,
                                        const runner& run) const;
  [[nodiscard]] std::vector<prediction> classify_many(const detail::batch_view& inputs, const exit_policy& policy,
                                                      const runner& run) const;
  void classify_into(const detail::batch_view& inputs, std::span<prediction> results, const exit_policy& policy,
                     const runner& run) const;
  void classify_as_ready(const detail::batch_view& inputs, const detail::prediction_sink& on_result,
                         const exit_policy& policy, const runner& run) const;
  [[nodiscard]] std::vector<std::variant<prediction, error>> try_classify_many(const detail::batch_view& inputs,
                                                                               const exit_policy& policy,
                                                                               const runner& run) const;
  [[nodiscard]] std::vector<exit_output> every_exit_of_one(const detail::input_view& input, const runner& run) const;
  [[nodiscard]] std::vector<std::vector<exit_output>> every_exit_of_many(const detail::batch_view& inputs,
                                                                         const runner& run) const;
  [[nodiscard]] encoding tokenize_one(const detail::input_view& input) const;
  [[nodiscard]] std::vector<encoding> tokenize_many(const detail::batch_view& inputs, const runner& run) const;

  std::shared_ptr<const state> state_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/classifier/members.hpp>
#endif
